"""Checks of the group data: rows that would make a statement of the plan fail."""

import psycopg
import pytest

from fix_postgres import VERSION, Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.settings import Settings

SHOP = (
    "CREATE TABLE users (id int PRIMARY KEY)",
    "CREATE TABLE orders (id int PRIMARY KEY, number text, user_id int, total numeric, note varchar(50))",
    "INSERT INTO users VALUES (1)",
    "INSERT INTO orders VALUES (1, 'A1', 1, 5, 'x'), (2, 'B2', NULL, 12345.678, NULL), (3, 'C3', 1, NULL, 'longer')",
)


@pytest.fixture
def shop(connection: Connection) -> Connection:
    for statement in SHOP:
        connection.execute(statement.encode())
    return connection


# The check, a statement, what makes a row wrong for it, and what the answer says of that row.
CASES = [
    (
        "duplicate-rows",
        "CREATE UNIQUE INDEX CONCURRENTLY orders_number ON orders (number)",
        "UPDATE orders SET number = 'A1' WHERE id = 3",
        "number, how often = (A1, 2)",
    ),
    (
        "duplicate-rows",
        "ALTER TABLE orders ADD CONSTRAINT one_each UNIQUE (user_id, number)",
        "UPDATE orders SET number = 'A1' WHERE id = 3",
        "user_id, number, how often = (1, A1, 2)",
    ),
    (
        "duplicate-rows",
        "CREATE UNIQUE INDEX lowered ON orders (lower(number)) WHERE id < 3",
        "UPDATE orders SET number = 'a1' WHERE id = 2",
        "(lower(number)), how often = (a1, 2)",
    ),
    (
        "null-rows",
        "ALTER TABLE orders ALTER COLUMN number SET NOT NULL",
        "UPDATE orders SET number = NULL WHERE id = 2",
        "1, with id = 2",
    ),
    (
        "orphan-rows",
        "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id)",
        "UPDATE orders SET user_id = 9 WHERE id = 3",
        "1, with id = 3",
    ),
    (
        "rows-against-check",
        "ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0)",
        "UPDATE orders SET total = 0 WHERE id = 1",
        "1, with id = 1",
    ),
    (
        "values-against-type",
        "ALTER TABLE orders ALTER COLUMN note TYPE varchar(6)",
        "UPDATE orders SET note = 'too long' WHERE id = 1",
        "id, note = (1, too long)",
    ),
    (
        "values-against-type",
        "ALTER TABLE orders ALTER COLUMN total TYPE numeric(7,2)",
        "UPDATE orders SET total = 99999.999 WHERE id = 1",
        "id, total = (1, 99999.999)",
    ),
    (
        "values-against-type",
        "ALTER TABLE orders ALTER COLUMN id TYPE smallint",
        "UPDATE orders SET id = 40000 WHERE id = 1",
        "id = 40000",
    ),
]


@pytest.mark.parametrize(("check", "statement", "damage", "found"), CASES)
def test_rows_that_do_not_fit_block_as_the_server_would(
    shop: Connection, check: str, statement: str, damage: str, found: str
) -> None:
    in_transaction = statement.replace("CONCURRENTLY", "").encode()
    assert only(asked(check, shop, statement)).status == "passed"
    with shop.transaction(force_rollback=True):
        shop.execute(in_transaction)
    shop.execute(damage.encode())
    result = only(asked(check, shop, statement))
    assert (result.status, found in result.message) == ("blocked", True), result.message
    with pytest.raises(psycopg.Error) as refused, shop.transaction():
        shop.execute(in_transaction)
    assert (refused.value.sqlstate or "")[:2] in ("22", "23")
    hidden = only(asked(check, shop, statement, settings=Settings(show_data=False)))
    assert (hidden.status, " = " in hidden.message) == ("blocked", False)


@pytest.mark.parametrize(("check", "statement"), [case[:2] for case in CASES])
def test_a_role_that_may_not_read_the_table_does_not_know(
    shop: Connection, connect: Connect, role: Role, check: str, statement: str
) -> None:
    reader = connect(role())
    result = only(asked(check, shop, statement, by=reader))
    assert result.status == "unknown"
    assert (result.remedy or "").startswith("GRANT SELECT ON public.")
    shop.execute(f"GRANT SELECT ON orders, users TO {reader.info.user}".encode())
    assert only(asked(check, shop, statement, by=reader)).status == "passed"


def test_a_text_that_is_no_number_is_found(shop: Connection) -> None:
    statement = "ALTER TABLE orders ALTER COLUMN number TYPE integer USING number::integer"
    result = only(asked("values-against-type", shop, statement))
    assert result.status == "blocked"
    expected = "id, number = (1, A1)" if VERSION >= 16 else 'invalid input syntax for type integer: "A1"'
    assert expected in result.message
    shop.execute("UPDATE orders SET number = '7'")
    assert only(asked("values-against-type", shop, statement)).status == "passed"


def test_an_expression_is_tried_on_the_rows(shop: Connection) -> None:
    statement = "ALTER TABLE orders ALTER COLUMN number TYPE integer USING (substr(number, 2) || '0')::integer"
    assert only(asked("values-against-type", shop, statement)).status == "passed"
    shop.execute("UPDATE orders SET number = 'x' || number WHERE id = 2")
    result = only(asked("values-against-type", shop, statement))
    assert (result.status, 'invalid input syntax for type integer: "B20"' in result.message) == ("blocked", True)


def test_the_labels_of_an_enum_that_the_plan_makes_are_known(shop: Connection) -> None:
    plan = (
        "CREATE TYPE kind AS ENUM ('A1', 'B2')",
        "ALTER TABLE orders ALTER COLUMN number TYPE kind USING number::kind",
    )
    result = only(asked("values-against-type", shop, *plan))
    assert (result.status, "id, number = (3, C3)" in result.message) == ("blocked", True)
    shop.execute("DELETE FROM orders WHERE id = 3")
    assert only(asked("values-against-type", shop, *plan)).status == "passed"


def test_what_the_plan_writes_before_may_mend_it(shop: Connection) -> None:
    plan = ("UPDATE orders SET total = 0 WHERE total IS NULL", "ALTER TABLE orders ALTER COLUMN total SET NOT NULL")
    result = only(asked("null-rows", shop, *plan))
    assert (result.status, "versions/ae1.py:1" in result.message) == ("warned", True)
    shop.execute(plan[0].encode())
    assert only(asked("null-rows", shop, *plan)).status == "passed"


def test_a_renamed_table_and_column_are_asked_about_by_their_names_of_now(shop: Connection) -> None:
    plan = (
        "ALTER TABLE orders RENAME TO sales",
        "ALTER TABLE sales RENAME COLUMN user_id TO buyer_id",
        "ALTER TABLE sales ALTER COLUMN buyer_id SET NOT NULL",
    )
    result = only(asked("null-rows", shop, *plan))
    assert (result.status, result.subject) == ("blocked", "public.orders")
    assert "1, with id = 2" in result.message


def test_what_the_plan_makes_has_no_rows_to_ask_about(shop: Connection) -> None:
    plan = (
        "CREATE TABLE fresh (id int, a text)",
        "CREATE UNIQUE INDEX ON fresh (a)",
        "ALTER TABLE fresh ALTER a SET NOT NULL",
        "ALTER TABLE orders ADD COLUMN extra text",
        "ALTER TABLE orders ALTER COLUMN extra SET NOT NULL",
        "ALTER TABLE orders ADD COLUMN counted int NOT NULL DEFAULT 0",
    )
    assert [result for result in asked("", shop, *plan) if result.group == "data"] == []


def test_a_mandatory_column_without_a_default_needs_an_empty_table(shop: Connection) -> None:
    statement = "ALTER TABLE orders ADD COLUMN state text NOT NULL"
    assert only(asked("null-rows", shop, statement)).status == "blocked"
    shop.execute("DELETE FROM orders")
    assert only(asked("null-rows", shop, statement)).status == "passed"


def test_validation_asks_about_the_constraint_that_is_there_or_that_the_plan_adds(shop: Connection) -> None:
    add = "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID"
    validate = "ALTER TABLE orders VALIDATE CONSTRAINT fk"
    shop.execute("UPDATE orders SET user_id = 9 WHERE id = 3")
    assert only(asked("orphan-rows", shop, add, validate)).status == "blocked"
    assert asked("orphan-rows", shop, add) == ()
    shop.execute(add.encode())
    assert only(asked("orphan-rows", shop, validate)).status == "blocked"


def test_what_a_validated_check_proves_is_not_read_again(shop: Connection) -> None:
    shop.execute("UPDATE orders SET user_id = 1")
    shop.execute("ALTER TABLE orders ADD CHECK (user_id IS NOT NULL)")
    assert asked("null-rows", shop, "ALTER TABLE orders ALTER COLUMN user_id SET NOT NULL") == ()


def test_a_partitioned_table_is_asked_about_once(connection: Connection) -> None:
    connection.execute("CREATE TABLE events (id int, at date, n int) PARTITION BY LIST (id)")
    connection.execute("CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1)")
    connection.execute("INSERT INTO events VALUES (1, NULL), (1, now())")
    assert only(asked("null-rows", connection, "ALTER TABLE events ALTER at SET NOT NULL")).status == "blocked"
    assert only(asked("duplicate-rows", connection, "ALTER TABLE events ADD UNIQUE (id)")).status == "blocked"
    found = only(asked("rows-against-check", connection, "ALTER TABLE events ADD CHECK (id > 1)"))
    assert (found.status, found.subject) == ("blocked", "public.events")
    retyped = only(asked("values-against-type", connection, "ALTER TABLE events ALTER at TYPE text, ALTER n TYPE int2"))
    assert (retyped.status, retyped.subject) == ("passed", "public.events")


def test_row_security_that_hides_rows_is_said(shop: Connection, connect: Connect, role: Role) -> None:
    reader = connect(role())
    shop.execute(f"GRANT SELECT ON orders TO {reader.info.user}".encode())
    shop.execute("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    result = only(asked("null-rows", shop, "ALTER TABLE orders ALTER user_id SET NOT NULL", by=reader))
    assert (result.status, "Row security hides rows" in result.message) == ("unknown", True)


def test_a_table_too_large_for_the_time_is_not_known(shop: Connection) -> None:
    shop.execute("CREATE FUNCTION is_fine(text) RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(5) IS NOT NULL'")
    statement = "ALTER TABLE orders ADD CONSTRAINT fine CHECK (is_fine(number))"
    result = only(asked("rows-against-check", shop, statement, settings=Settings(data_timeout=0.05)))
    assert result.status == "unknown"
    assert "--replica-url" in (result.remedy or "")


def test_a_replica_that_cannot_be_reached_leaves_it_unknown(shop: Connection) -> None:
    settings = Settings(replica_url="postgresql://nobody@127.0.0.1:1/none")
    result = only(asked("null-rows", shop, "ALTER TABLE orders ALTER number SET NOT NULL", settings=settings))
    assert result.status == "unknown"
    assert "The replica cannot be asked" in result.message
