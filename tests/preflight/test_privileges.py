"""May this role do it? Each remedy is executed, and then it may."""

import pytest

from fix_postgres import VERSION, Connect, Connection, Role
from fix_preflight import asked, only

ADD_COLUMN = "ALTER TABLE orders ADD note text"


@pytest.fixture
def orders(connection: Connection) -> Connection:
    connection.execute("CREATE TABLE orders (id int PRIMARY KEY, code int)")
    # As it is from the start since 15.
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    return connection


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (ADD_COLUMN, "belongs to postgres"),
        ("DROP TABLE orders", "belongs to postgres"),
        ("CREATE INDEX orders_code ON orders (code)", "belongs to postgres"),
        ("ALTER TABLE orders RENAME TO purchases", "belongs to postgres"),
        ("UPDATE orders SET code = 1", "no UPDATE on public.orders"),
        ("DELETE FROM orders", "no DELETE on public.orders"),
        ("INSERT INTO orders VALUES (1, 1)", "no INSERT on public.orders"),
        ("TRUNCATE orders", "no TRUNCATE on public.orders"),
        ("CREATE TABLE fresh (id int)", "may not create anything in schema public"),
        ("CREATE SCHEMA fresh", "may not create schemas in database"),
    ],
)
def test_what_the_role_may_not_do_blocks_and_the_remedy_helps(
    orders: Connection, connect: Connect, role: Role, statement: str, said: str
) -> None:
    app = role("app")
    results = asked("privileges", orders, statement, by=connect(app))
    assert said in " ".join(result.message for result in results)
    assert {result.status for result in results} == {"blocked"}
    for result in results:
        orders.execute((result.remedy or "").partition(";")[0].encode())
    connect(app).execute(statement.encode())


def test_everybody_may_create_in_the_schema_public_before_15(
    connection: Connection, connect: Connect, role: Role
) -> None:
    result = only(asked("privileges", connection, "CREATE TABLE fresh (id int)", by=connect(role("app"))))
    assert result.status == ("passed" if VERSION < 15 else "blocked")


def test_the_same_as_owner_passes(orders: Connection) -> None:
    statements = (ADD_COLUMN, "UPDATE orders SET code = 1", "CREATE TABLE fresh (id int)")
    assert only(asked("privileges", orders, *statements)).status == "passed"


def test_a_foreign_key_needs_references(orders: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    orders.execute(f"GRANT CREATE ON SCHEMA public TO {app.parameters['user']}".encode())
    statement = "CREATE TABLE lines (order_id int REFERENCES orders (id))"
    result = only(asked("privileges", orders, statement, by=connect(app)))
    assert "no REFERENCES on public.orders" in result.message


def test_a_grant_on_one_column_is_enough_to_try(orders: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    orders.execute(f"GRANT UPDATE (code), SELECT ON orders TO {app.parameters['user']}".encode())
    assert only(asked("privileges", orders, "UPDATE orders SET code = 1", by=connect(app))).status == "passed"


def test_a_member_is_told_to_set_the_role(orders: Connection, connect: Connect, role: Role) -> None:
    owner, app = role("owner"), role("app", "NOINHERIT")
    names = owner.parameters["user"], app.parameters["user"]
    orders.execute(f"ALTER TABLE orders OWNER TO {names[0]}; GRANT {names[0]} TO {names[1]}".encode())
    result = only(asked("privileges", orders, ADD_COLUMN, by=connect(app)))
    assert result.status == "blocked"
    assert f"SET ROLE {names[0]}" in (result.remedy or "")
    assert only(asked("privileges", orders, f"SET ROLE {names[0]}", ADD_COLUMN, by=connect(app))).status == "passed"


def test_a_schema_that_is_closed_is_said_once(orders: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    orders.execute("CREATE SCHEMA closed; CREATE TABLE closed.a (id int); CREATE TABLE closed.b (id int)")
    statements = ("ALTER TABLE closed.a ADD x int", "ALTER TABLE closed.b ADD x int")
    result = only(asked("privileges", orders, *statements, by=connect(app)))
    assert result.remedy == f"GRANT USAGE ON SCHEMA closed TO {app.parameters['user']};"


def test_what_the_plan_makes_is_not_asked_about(connection: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    connection.execute(f"GRANT CREATE ON SCHEMA public TO {app.parameters['user']}".encode())
    statements = ("CREATE TABLE fresh (id int)", "ALTER TABLE fresh ADD x int", "INSERT INTO fresh VALUES (1, 1)")
    assert only(asked("privileges", connection, *statements, by=connect(app))).status == "passed"


def test_what_is_not_there_is_unknown(connection: Connection) -> None:
    result = only(asked("privileges", connection, "ALTER TABLE nowhere ADD x int"))
    assert (result.status, result.subject) == ("unknown", "public.nowhere")


def test_the_version_table_has_to_be_written(connection: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    connection.execute(f"GRANT CREATE ON SCHEMA public TO {app.parameters['user']}".encode())
    statements = ("CREATE TABLE fresh (id int)", "INSERT INTO alembic_version VALUES ('ae1')")
    result = only(asked("privileges", connection, *statements, by=connect(app)))
    assert "no INSERT on public.alembic_version" in result.message
