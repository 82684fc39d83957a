"""May this role do it? Each remedy is executed, and then it may."""

import psycopg
import pytest

from fix_postgres import VERSION, Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.model.effects import Effects, Need
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement
from migsafe.settings import Settings

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


def test_the_owner_of_a_schema_may_drop_what_is_in_it(connection: Connection, connect: Connect, role: Role) -> None:
    app = role("app")
    connection.execute(f"CREATE SCHEMA shop AUTHORIZATION {app.parameters['user']}".encode())
    connection.execute("CREATE TABLE shop.orders (id int PRIMARY KEY, code int); CREATE INDEX i ON shop.orders (code)")
    connection.execute("CREATE VIEW shop.seen AS SELECT id FROM shop.orders")
    for statement in ("DROP INDEX shop.i", "DROP TABLE shop.orders CASCADE"):
        assert only(asked("privileges", connection, statement, by=connect(app))).status == "passed"
        connect(app).execute(statement.encode())


def test_the_owner_of_a_schema_may_not_alter_what_is_in_it(
    connection: Connection, connect: Connect, role: Role
) -> None:
    app = role("app")
    connection.execute(f"CREATE SCHEMA shop AUTHORIZATION {app.parameters['user']}".encode())
    connection.execute("CREATE TABLE shop.orders (id int)")
    result = only(asked("privileges", connection, "ALTER TABLE shop.orders ADD x int", by=connect(app)))
    assert result.status == "blocked"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connect(app).execute("ALTER TABLE shop.orders ADD x int")


@pytest.mark.needs_18
def test_a_member_that_may_not_set_the_role_needs_a_grant(orders: Connection, connect: Connect, role: Role) -> None:
    owner, app = role("owner"), role("app", "NOINHERIT")
    names = owner.parameters["user"], app.parameters["user"]
    orders.execute(f"ALTER TABLE orders OWNER TO {names[0]}; GRANT {names[0]} TO {names[1]} WITH SET FALSE".encode())
    result = only(asked("privileges", orders, ADD_COLUMN, by=connect(app)))
    assert (result.remedy or "").startswith(f"GRANT {names[0]} TO {names[1]};")


CREATE = "CREATE TABLE fresh (id int GENERATED ALWAYS AS IDENTITY)"


def test_a_role_that_reads_the_other_tables_is_told_of_when_it_will_not_see_the_new_one(
    orders: Connection, connect: Connect, role: Role
) -> None:
    app = role("app").parameters["user"]
    assert asked("application-role", orders, CREATE) == ()
    orders.execute(f"GRANT SELECT, INSERT ON orders TO {app}".encode())
    result = only(asked("application-role", orders, CREATE))
    assert (result.status, result.subject) == ("warned", app)
    assert f"{app} will have no SELECT, INSERT, UPDATE, DELETE on public.fresh" in result.message
    orders.execute((result.remedy or "").partition(";")[0].encode())
    assert only(asked("application-role", orders, CREATE)).status == "passed"
    orders.execute(CREATE.encode())
    orders.execute(f"SET ROLE {app}".encode())
    orders.execute("DELETE FROM fresh")
    orders.execute("RESET ROLE")


def test_the_role_of_the_application_can_be_named(orders: Connection, connect: Connect, role: Role) -> None:
    app = role("app").parameters["user"]
    settings = Settings(app_role=app)
    assert only(asked("application-role", orders, CREATE, settings=settings)).status == "warned"
    assert asked("application-role", orders, CREATE, "GRANT SELECT ON fresh TO PUBLIC", settings=settings) == ()
    unknown = only(asked("application-role", orders, CREATE, settings=Settings(app_role="nobody_at_all")))
    assert unknown.status == "unknown"
    inherits = Settings(app_role="postgres")
    assert only(asked("application-role", orders, CREATE, settings=inherits)).status == "passed"


def test_a_superusers_statement_is_refused_or_for_the_providers_admin(
    orders: Connection, connect: Connect, role: Role
) -> None:
    app = connect(role("app"))
    need = Statement("ALTER SYSTEM …", Effects(needs=(Need("superuser", "ALTER SYSTEM"),)), path="v.py", line=3)
    plan = Plan((), ("a",), (Step("a", (), "v.py", statements=(need,)),))
    assert only(asked("privileges", orders, by=app, plan=plan)).status == "blocked"
    managed = only(asked("privileges", orders, by=app, plan=plan, settings=Settings(provider="rds")))
    assert (managed.status, "GRANT rds_superuser TO" in (managed.remedy or "")) == ("unknown", True)
    heroku = only(asked("privileges", orders, by=app, plan=plan, settings=Settings(provider="heroku")))
    assert (heroku.status, "gives nobody a superuser" in (heroku.remedy or "")) == ("blocked", True)
