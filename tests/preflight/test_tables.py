"""What state the tables of a plan are in, and what hangs on them."""

import psycopg
import pytest

from fix_postgres import Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.settings import LintSettings, Settings

ANY_SIZE = Settings(lint=LintSettings(small_bytes=0))
BACKFILL = "UPDATE orders SET note = 'x'"


@pytest.fixture
def orders(connection: Connection) -> Connection:
    connection.execute("CREATE TABLE orders (id int PRIMARY KEY, note text)")
    connection.execute("INSERT INTO orders SELECT g, 'x' FROM generate_series(1, 100) g")
    return connection


def test_a_table_that_was_never_analysed_is_warned_of(orders: Connection) -> None:
    result = only(asked("table-statistics", orders, BACKFILL, settings=ANY_SIZE))
    assert (result.status, result.remedy) == ("warned", "ANALYZE public.orders;")
    assert only(asked("table-statistics", orders, BACKFILL)).status == "passed", "a small one is nobody's worry"
    orders.execute("ANALYZE orders")
    assert only(asked("table-statistics", orders, BACKFILL, settings=ANY_SIZE)).status == "passed"
    assert asked("table-statistics", orders, "ALTER TABLE orders ADD x int", settings=ANY_SIZE) == ()


def test_dead_rows_and_stale_statistics_are_warned_of(orders: Connection, connect: Connect) -> None:
    orders.execute("ANALYZE orders")
    writer = connect()
    writer.execute("UPDATE orders SET note = 'y'")
    # A session that ends sends what it has counted.
    writer.close()
    while not orders.execute("SELECT FROM pg_stat_all_tables WHERE relname = 'orders' AND n_dead_tup > 50").fetchall():
        orders.execute("SELECT pg_stat_clear_snapshot()")
    results = asked("table-statistics", orders, BACKFILL, settings=ANY_SIZE)
    assert {result.remedy for result in results} == {"ANALYZE public.orders;", "VACUUM public.orders;"}
    assert {result.status for result in results} == {"warned"}


def test_a_constraint_left_not_valid_is_warned_of(orders: Connection) -> None:
    assert asked("unvalidated-constraints", orders, BACKFILL) == ()
    orders.execute("ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 50) NOT VALID")
    result = only(asked("unvalidated-constraints", orders, BACKFILL))
    assert result.status == "warned"
    assert "versions/ae1.py:1 updates the table" in result.message
    with pytest.raises(psycopg.errors.CheckViolation):
        orders.execute(BACKFILL)
    validated = "ALTER TABLE orders VALIDATE CONSTRAINT positive"
    assert asked("unvalidated-constraints", orders, validated) == ()
    orders.execute("DELETE FROM orders WHERE id <= 50")
    orders.execute((result.remedy or "").encode())
    assert asked("unvalidated-constraints", orders, BACKFILL) == ()


@pytest.mark.parametrize("unique", [False, True])
def test_a_collation_that_has_changed_is_warned_of(orders: Connection, unique: bool) -> None:
    # Of the builtin provider (17), or of ICU.
    found = orders.execute(
        "SELECT collname FROM pg_collation WHERE collversion = pg_collation_actual_version(oid) AND collprovider <> 'd'"
        " AND collencoding IN (-1, 6) ORDER BY collprovider, collname LIMIT 1"
    ).fetchone()
    assert found is not None
    (name,) = found
    orders.execute(f'ALTER TABLE orders ADD name text COLLATE "{name}"'.encode())
    statement = f"CREATE {'UNIQUE ' if unique else ''}INDEX orders_name ON orders (lower(name))"
    assert only(asked("collation-versions", orders, statement)).status == "passed"
    orders.execute("UPDATE pg_collation SET collversion = '0.9' WHERE collname = %s", (name,))
    result = only(asked("collation-versions", orders, statement))
    assert (result.status, result.subject) == ("warned", f"pg_catalog.{name}")
    assert ("duplicates" in result.message) == unique
    assert only(asked("collation-versions", orders, "CREATE INDEX other ON orders (id)")).status == "passed"
    for command in (result.remedy or "").split("; (or what sorts by it), then "):
        orders.execute(command.encode())
    assert only(asked("collation-versions", orders, statement)).status == "passed"


def test_triggers_of_a_backfill_are_told(orders: Connection) -> None:
    orders.execute("CREATE FUNCTION mail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    orders.execute("CREATE TRIGGER send AFTER UPDATE OF note ON orders FOR EACH ROW EXECUTE FUNCTION mail()")
    result = only(asked("triggers-fired", orders, BACKFILL))
    assert result.status == "warned"
    assert "fires trigger send, which runs public.mail() for every row" in result.message
    for harmless in (
        ("UPDATE orders SET id = id",),
        ("UPDATE orders SET note = 'x' WHERE id = 1",),
        ("DELETE FROM orders",),
        ("ALTER TABLE orders DISABLE TRIGGER send", BACKFILL),
        ("DROP TRIGGER send ON orders", BACKFILL),
    ):
        assert {each.status for each in asked("triggers-fired", orders, *harmless)} <= {"passed"}, harmless
    orders.execute("ALTER TABLE orders DISABLE TRIGGER send")
    assert only(asked("triggers-fired", orders, BACKFILL)).status == "passed"


def test_event_triggers_of_the_plan_are_told(orders: Connection) -> None:
    orders.execute("CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'")
    orders.execute("CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION told()")
    orders.execute("CREATE EVENT TRIGGER losses ON sql_drop EXECUTE FUNCTION told()")
    result = only(asked("triggers-fired", orders, "ALTER TABLE orders ADD x int"))
    assert (result.status, result.subject) == ("warned", "watch")
    results = asked("triggers-fired", orders, "ALTER TABLE orders DROP COLUMN note")
    assert [each.subject for each in results] == ["losses", "watch"]
    assert only(asked("triggers-fired", orders, "CREATE TABLE fresh (id int)")).status == "passed"
    assert asked("triggers-fired", orders, "SELECT 1") == ()


@pytest.fixture
def owner(orders: Connection, connect: Connect, role: Role) -> Connection:
    """A connection of an owner of orders that row security holds too."""
    app = role("app")
    orders.execute(f"ALTER TABLE orders OWNER TO {app.parameters['user']}".encode())
    orders.execute("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    orders.execute("CREATE POLICY young ON orders USING (id <= 30)")
    return connect(app)


def test_rows_that_are_hidden_from_an_update_block(orders: Connection, owner: Connection) -> None:
    assert only(asked("row-security", orders, BACKFILL, by=owner)).status == "passed"
    orders.execute("ALTER TABLE orders FORCE ROW LEVEL SECURITY")
    result = only(asked("row-security", orders, BACKFILL, by=owner))
    assert (result.status, result.subject) == ("blocked", "public.orders")
    assert owner.execute(BACKFILL).rowcount == 30
    insert = "INSERT INTO orders VALUES (1000, 'x')"
    assert only(asked("row-security", orders, insert, by=owner)).status == "warned"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute(insert)
    assert only(asked("row-security", orders, BACKFILL)).status == "passed", "a superuser sees them all"


def test_policies_that_hide_nothing_do_not_block(orders: Connection, owner: Connection) -> None:
    orders.execute("ALTER TABLE orders FORCE ROW LEVEL SECURITY; CREATE POLICY every ON orders USING (true)")
    assert only(asked("row-security", orders, BACKFILL, by=owner)).status == "passed"
    assert owner.execute(BACKFILL).rowcount == 100
    orders.execute("CREATE POLICY less ON orders AS RESTRICTIVE USING (id < 10)")
    assert only(asked("row-security", orders, BACKFILL, by=owner)).status == "blocked"


def test_the_role_that_the_plan_takes_is_the_one_that_counts(orders: Connection, owner: Connection) -> None:
    orders.execute("ALTER TABLE orders FORCE ROW LEVEL SECURITY")
    result = only(asked("row-security", orders, f"SET ROLE {owner.info.user}", BACKFILL))
    assert (result.status, owner.info.user in result.message) == ("blocked", True)


VIEW = "CREATE VIEW notes AS SELECT note FROM orders"


@pytest.mark.parametrize(
    ("setup", "statement"),
    [
        (VIEW, "ALTER TABLE orders ALTER note TYPE varchar(40)"),
        (VIEW, "ALTER TABLE orders DROP COLUMN note"),
        (VIEW, "DROP TABLE orders"),
        ("CREATE POLICY mine ON orders USING (note = 'x')", "ALTER TABLE orders DROP COLUMN note"),
        ("CREATE TABLE items (o int REFERENCES orders)", "DROP TABLE orders"),
        ("CREATE TABLE items (o int REFERENCES orders)", "ALTER TABLE orders DROP COLUMN id"),
        (
            "CREATE FUNCTION f() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT max(note) FROM orders; END",
            "ALTER TABLE orders ALTER note TYPE varchar(40)",
        ),
    ],
)
def test_what_depends_on_it_blocks(orders: Connection, setup: str, statement: str) -> None:
    assert only(asked("dependents", orders, statement)).status == "passed"
    orders.execute(setup.encode())
    result = only(asked("dependents", orders, statement))
    assert result.status == "blocked"
    with pytest.raises((psycopg.errors.FeatureNotSupported, psycopg.errors.DependentObjectsStillExist)):
        orders.execute(statement.encode())


@pytest.mark.parametrize(
    "statements",
    [
        ("ALTER TABLE orders DROP COLUMN note CASCADE",),
        ("DROP VIEW notes", "ALTER TABLE orders ALTER note TYPE varchar(40)", VIEW),
        ("CREATE OR REPLACE VIEW notes AS SELECT 'x'::text AS note", "ALTER TABLE orders DROP COLUMN note"),
        ("ALTER TABLE orders ALTER id TYPE bigint",),
        ("DROP TABLE orders CASCADE",),
    ],
)
def test_what_is_away_by_then_does_not_block(orders: Connection, statements: tuple[str, ...]) -> None:
    orders.execute(VIEW)
    orders.execute("CREATE TABLE items (o int REFERENCES orders)")
    assert {result.status for result in asked("dependents", orders, *statements)} == {"passed"}
    for statement in statements:
        orders.execute(statement.encode())


def test_a_trigger_on_the_column_is_warned_of(orders: Connection) -> None:
    orders.execute("CREATE FUNCTION mail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    orders.execute("CREATE TRIGGER send AFTER UPDATE OF note ON orders FOR EACH ROW EXECUTE FUNCTION mail()")
    assert only(asked("dependents", orders, "ALTER TABLE orders DROP COLUMN note")).status == "warned"


def test_a_delete_reaches_other_tables(orders: Connection) -> None:
    orders.execute("CREATE TABLE items (o int REFERENCES orders ON DELETE CASCADE)")
    cascade, scan = asked("inbound-foreign-keys", orders, "DELETE FROM orders WHERE note = 'x'")
    assert (cascade.status, "too: public.items, by items_o_fkey" in cascade.message) == ("warned", True)
    assert (scan.status, "on public.items (o)" in scan.message) == ("warned", True)
    assert asked("inbound-foreign-keys", orders, "DELETE FROM orders WHERE id = 1") == ()
    orders.execute("CREATE INDEX ON items (o)")
    assert len(asked("inbound-foreign-keys", orders, "DELETE FROM orders")) == 1
    assert asked("inbound-foreign-keys", orders, "DROP TABLE items", "DELETE FROM orders") == ()


def test_a_truncate_of_a_referenced_table_blocks(orders: Connection) -> None:
    orders.execute("CREATE TABLE items (o int REFERENCES orders)")
    assert only(asked("inbound-foreign-keys", orders, "TRUNCATE orders")).status == "blocked"
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        orders.execute("TRUNCATE orders")
    for statement in ("TRUNCATE orders, items", "TRUNCATE orders CASCADE"):
        assert asked("inbound-foreign-keys", orders, statement) == ()
        orders.execute(statement.encode())


def test_a_key_that_is_nearly_used_up_is_warned_of(orders: Connection, connect: Connect, role: Role) -> None:
    orders.execute("CREATE TABLE events (id int GENERATED ALWAYS AS IDENTITY, seen smallserial)")
    statement = "ALTER TABLE events ADD note text"
    assert only(asked("key-exhaustion", orders, statement)).status == "passed"
    orders.execute("SELECT setval('events_id_seq', 2000000000)")
    result = only(asked("key-exhaustion", orders, statement))
    assert (result.status, result.subject) == ("warned", "public.events.id")
    assert result.message.startswith("93% of the numbers of public.events.id (integer) are used up. Every INSERT")
    assert only(asked("key-exhaustion", orders, "ALTER TABLE events ALTER id TYPE bigint")).status == "passed"
    app = role("app")
    hidden = asked("key-exhaustion", orders, statement, by=connect(app))
    assert [each.status for each in hidden] == ["unknown", "unknown"]
    for each in hidden:
        orders.execute((each.remedy or "").encode())
    assert only(asked("key-exhaustion", orders, statement, by=connect(app))).status == "warned"


def test_a_hypertable_takes_no_concurrent_build(orders: Connection) -> None:
    """The view with the columns that TimescaleDB gives it; the package is not among those of pip."""
    build = "CREATE INDEX CONCURRENTLY orders_note ON orders (note)"
    assert asked("sharded-tables", orders, build) == ()
    orders.execute("CREATE SCHEMA timescaledb_information")
    orders.execute(
        "CREATE VIEW timescaledb_information.hypertables AS SELECT 'public' AS hypertable_schema,"
        " 'orders' AS hypertable_name, 12::bigint AS num_chunks, true AS compression_enabled"
    )
    assert only(asked("sharded-tables", orders, build)).status == "blocked"
    assert only(asked("sharded-tables", orders, "ALTER TABLE orders ADD x int")).status == "warned"
    assert asked("sharded-tables", orders, "CREATE TABLE fresh (id int)") == ()


def test_a_distributed_table_is_told(orders: Connection, connect: Connect) -> None:
    """The table with the column that Citus gives it; the package is not among those of pip."""
    superuser = connect()
    superuser.execute("SET allow_system_table_mods = on")
    superuser.execute("CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass)")
    assert asked("sharded-tables", orders, "ALTER TABLE orders ADD x int") == ()
    superuser.execute("INSERT INTO pg_dist_partition VALUES ('orders')")
    assert only(asked("sharded-tables", orders, "ALTER TABLE orders ADD x int")).status == "warned"
