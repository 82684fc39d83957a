"""Checks of the group replication, on a primary with a standby; and what else a small server runs out of."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from fix_postgres import Connect, Connection
from fix_preflight import asked, only
from fix_replication import Replicated, until
from migsafe.postgres.connection import Database
from migsafe.preflight.checks import lock_table, replication_slots, synchronous_commit
from migsafe.settings import Settings

ADD = "ALTER TABLE orders ADD note text"


@pytest.fixture
def primary(replicated: Replicated, connect: Connect) -> Iterator[Connection]:
    """The primary, with a table and a role `app` that may do nothing in particular."""
    connection = connect(replicated.primary)
    connection.execute("CREATE TABLE orders (id int PRIMARY KEY, code int)")
    connection.execute("CREATE ROLE app LOGIN")
    yield connection
    for (slot,) in connection.execute("SELECT slot_name FROM pg_replication_slots WHERE slot_type = 'logical'"):
        connection.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    connection.execute("DROP TABLE orders; DROP ROLE app")


@pytest.fixture
def configured(primary: Connection) -> Iterator[Callable[[str, str], None]]:
    """`configured(parameter, value)`: ALTER SYSTEM until the end of the test."""
    changed = []

    def configure(name: str, value: str) -> None:
        changed.append(name)
        _alter_system(primary, name, value)

    yield configure
    for name in changed:
        _alter_system(primary, name, None)


def _alter_system(connection: Connection, name: str, value: str | None) -> None:
    statement = "ALTER SYSTEM RESET {}" if value is None else "ALTER SYSTEM SET {} = {}"
    connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(value)))
    connection.execute("SELECT pg_reload_conf()")
    if value is not None:
        until(lambda: scalar(connection, f"SELECT current_setting('{name}')") == value)


def scalar(connection: Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row is not None else None


def caught_up(primary: Connection) -> bool:
    return bool(scalar(primary, "SELECT replay_lsn = pg_current_wal_insert_lsn() FROM pg_stat_replication"))


def test_a_server_without_replicas_has_nothing_to_say(connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    for name in ("replication-lag", "synchronous-commit", "replication-slots", "standby-conflicts"):
        assert asked(name, connection, ADD) == ()


def test_a_replica_that_lags_is_warned_of(replicated: Replicated, primary: Connection, connect: Connect) -> None:
    until(lambda: caught_up(primary))
    assert only(asked("replication-lag", primary, ADD)).status == "passed"
    standby = connect(replicated.standby)
    standby.execute("SELECT pg_wal_replay_pause()")
    primary.execute("INSERT INTO orders SELECT i, i FROM generate_series(1, 5000) i")
    try:
        settings = Settings(max_replica_lag=100_000)
        primary.execute("SELECT pg_switch_wal()")
        until(lambda: (asked("replication-lag", primary, ADD, settings=settings) or ())[0].status == "warned")
        result = only(asked("replication-lag", primary, ADD, settings=settings))
        assert "Replica walreceiver (streaming) is" in result.message
        assert "max_replica_lag is 98 kB" in result.message
    finally:
        standby.execute("SELECT pg_wal_replay_resume()")


def test_a_role_that_may_not_see_the_replicas_is_not_told_that_they_are_fine(
    replicated: Replicated, primary: Connection, connect: Connect
) -> None:
    app = connect(replicated.primary, user="app")
    result = only(asked("replication-lag", primary, ADD, by=app))
    assert (result.status, result.remedy) == ("unknown", "GRANT pg_read_all_stats TO app;")
    primary.execute("GRANT pg_read_all_stats TO app")
    assert only(asked("replication-lag", primary, ADD, by=app)).status == "passed"


def test_a_commit_that_would_hang_blocks(
    replicated: Replicated, primary: Connection, connect: Connect, configured: Callable[[str, str], None]
) -> None:
    waiting = connect(replicated.primary, options="-c synchronous_commit=on")
    assert asked("synchronous-commit", primary, ADD, by=waiting) == ()
    configured("synchronous_standby_names", "ghost")
    result = only(asked("synchronous-commit", primary, ADD, by=waiting))
    assert result.status == "blocked"
    assert "synchronous_standby_names (ghost) asks for 1, and 0 of them are connected" in result.message
    assert "commits do not wait" in only(asked("synchronous-commit", primary, ADD)).message
    app = connect(replicated.primary, user="app", options="-c synchronous_commit=on")
    assert only(asked("synchronous-commit", primary, ADD, by=app)).status == "unknown"
    configured("synchronous_standby_names", "2 (a, b)")
    assert only(asked("synchronous-commit", primary, ADD, by=app)).status == "blocked"
    configured("synchronous_standby_names", "*")
    until(lambda: scalar(primary, "SELECT sync_state = 'sync' FROM pg_stat_replication"))
    assert only(asked("synchronous-commit", primary, ADD, by=waiting)).status == "passed"


@pytest.mark.parametrize(
    ("names", "count"), [("a", 1), ("a, b", 1), ("FIRST 2 (a, b, c)", 2), ("any 3(a,b,c)", 3), ("2 (a, b)", 2)]
)
def test_the_list_of_standbys_says_how_many(names: str, count: int) -> None:
    assert synchronous_commit.required(names) == count


def test_a_slot_that_nobody_reads_is_warned_of(primary: Connection) -> None:
    assert asked("replication-slots", primary, ADD) == ()
    primary.execute("SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')")
    passed = only(asked("replication-slots", primary, ADD))
    assert (passed.status, "(cdc)" in passed.message) == ("passed", True)
    primary.execute("SELECT pg_switch_wal()")
    result = only(asked("replication-slots", primary, ADD, settings=Settings(max_replica_lag=1000)))
    assert (result.status, result.subject) == ("warned", "cdc")
    assert "Replication slot cdc (pgoutput in postgres, nobody reads it) keeps" in result.message
    primary.execute((result.remedy or "").partition("any more: ")[2].encode())
    assert asked("replication-slots", primary, ADD) == ()


def test_a_slot_that_would_be_lost_blocks_and_one_that_is_lost_is_warned_of(
    primary: Connection, configured: Callable[[str, str], None]
) -> None:
    primary.execute("SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')")
    primary.execute("INSERT INTO orders SELECT i, i FROM generate_series(1, 500000) i")
    until(lambda: caught_up(primary))
    configured("max_slot_wal_keep_size", "32MB")
    rewrite = "ALTER TABLE orders ALTER code TYPE bigint"
    result = only(asked("replication-slots", primary, rewrite))
    assert (result.status, "would be lost" in result.message) == ("blocked", True)
    configured("max_slot_wal_keep_size", "1MB")
    until(lambda: caught_up(primary))
    for _ in range(3):
        primary.execute("SELECT pg_switch_wal()")
        primary.execute("INSERT INTO orders SELECT max(id) + 1 FROM orders")
    until(lambda: caught_up(primary))
    primary.execute("CHECKPOINT")
    result = only(asked("replication-slots", primary, ADD))
    assert (result.status, "is lost" in result.message) == ("warned", True)


def test_a_slot_past_its_limit_may_go_at_the_next_checkpoint() -> None:
    row = {"name": "cdc", "plugin": None, "database": None, "active": True, "status": "unreserved", "safe": None}
    (result,) = replication_slots.judge(row | {"retained": 5}, 0, 10)
    assert (result.status, "next checkpoint" in result.message) == ("warned", True)


def test_without_a_replica_to_ask_the_standbys_sessions_are_unknown(primary: Connection) -> None:
    result = only(asked("standby-conflicts", primary, ADD))
    assert (result.status, "--replica-url" in (result.remedy or "")) == ("unknown", True)


def test_an_old_transaction_on_the_standby_is_warned_of(
    replicated: Replicated, primary: Connection, connect: Connect
) -> None:
    until(lambda: caught_up(primary))
    settings = Settings(replica_url=replicated.standby.url(), max_transaction_age=0.001)
    assert only(asked("standby-conflicts", primary, ADD, settings=settings)).status == "passed"
    reader = connect(replicated.standby, autocommit=False, application_name="report")
    reader.execute("SELECT 1")
    result = only(asked("standby-conflicts", primary, ADD, settings=settings))
    assert (result.status, result.subject) == ("warned", f"pid {reader.info.backend_pid}")
    assert "report" in result.message
    assert "is cancelled 30 s after replay gets there" in result.message
    unprivileged = Settings(replica_url=replicated.standby.replace(user="app").url(), max_transaction_age=0.001)
    masked = only(asked("standby-conflicts", primary, ADD, settings=unprivileged))
    assert masked.status == "unknown"
    assert "GRANT pg_read_all_stats TO app" in (masked.remedy or "")


def test_a_primary_is_no_replica(replicated: Replicated, primary: Connection) -> None:
    settings = Settings(replica_url=replicated.primary.url())
    result = only(asked("standby-conflicts", primary, ADD, settings=settings))
    assert (result.status, "is no standby" in result.message) == ("unknown", True)


def test_changed_columns_of_a_published_table_are_warned_of(connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int PRIMARY KEY, code int, note text)")
    statements = ("ALTER TABLE orders DROP note", "ALTER TABLE orders RENAME code TO number")
    assert asked("published-tables", connection, *statements) == ()
    connection.execute("CREATE PUBLICATION shop FOR TABLE orders")
    result = only(asked("published-tables", connection, *statements))
    assert (result.status, result.subject) == ("warned", "public.orders")
    assert "column note after it" in (result.remedy or "")
    assert "code is renamed (versions/ae1.py:2)" in result.message
    assert asked("published-tables", connection, "CREATE INDEX ON orders (code)") == ()


@pytest.mark.needs_18
def test_a_column_of_a_publications_list_cannot_be_dropped(connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int PRIMARY KEY, code int, note text)")
    connection.execute("CREATE PUBLICATION shop FOR TABLE orders (id, note)")
    statement = "ALTER TABLE orders DROP note"
    blocked, _ = asked("published-tables", connection, statement)
    assert (blocked.status, "publication shop names it" in blocked.message) == ("blocked", True)
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        connection.execute(statement)
    assert {each.status for each in asked("published-tables", connection, "ALTER TABLE orders DROP code")} == {"warned"}


@pytest.mark.parametrize("identity", ["DEFAULT", "NOTHING"])
def test_an_update_of_a_published_table_without_identity_blocks(connection: Connection, identity: str) -> None:
    connection.execute("CREATE TABLE orders (id int, code int); INSERT INTO orders VALUES (1, 1)")
    connection.execute(f"ALTER TABLE orders REPLICA IDENTITY {identity}".encode())
    update = "UPDATE orders SET code = 2"
    assert asked("replica-identity", connection, update) == ()
    connection.execute("CREATE PUBLICATION shop FOR TABLE orders")
    result = only(asked("replica-identity", connection, update))
    assert (result.status, result.subject) == ("blocked", "public.orders")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as raised:
        connection.execute(update)
    assert raised.value.sqlstate == "55000"
    connection.execute((result.remedy or "").partition(";")[0].encode())
    assert only(asked("replica-identity", connection, update)).status == "passed"
    connection.execute(update)


def test_an_identity_that_the_plan_makes_counts_and_inserts_need_none(connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int NOT NULL, code int); CREATE PUBLICATION shop FOR ALL TABLES")
    statements = ("ALTER TABLE orders ADD PRIMARY KEY (id)", "UPDATE orders SET code = 2")
    assert asked("replica-identity", connection, *statements) == ()
    assert asked("replica-identity", connection, "INSERT INTO orders VALUES (1, 1)") == ()


def test_a_partition_without_identity_blocks_an_update_of_the_whole(connection: Connection) -> None:
    connection.execute("CREATE TABLE events (id int, code int) PARTITION BY RANGE (id)")
    connection.execute("CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10)")
    connection.execute("CREATE PUBLICATION shop FOR TABLE events; INSERT INTO events VALUES (1, 1)")
    result = only(asked("replica-identity", connection, "UPDATE events SET code = 2"))
    assert (result.status, result.subject) == ("blocked", "public.events_1")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        connection.execute("UPDATE events SET code = 2")


def test_a_table_that_a_subscription_fills_is_warned_of(
    connection: Connection, connect: Connect, create_database: Callable[[], Database]
) -> None:
    publisher = create_database()
    for each in (connection, connect(publisher)):
        each.execute("CREATE TABLE orders (id int PRIMARY KEY)")
    connect(publisher).execute("CREATE PUBLICATION shop FOR TABLE orders")
    assert asked("subscribed-tables", connection, ADD) == ()
    words = " ".join(f"{name}={value}" for name, value in publisher.parameters.items())
    options = "enabled = false, create_slot = false, copy_data = false, slot_name = NONE"
    connection.execute(f"CREATE SUBSCRIPTION mine CONNECTION '{words}' PUBLICATION shop WITH ({options})".encode())
    try:
        result = only(asked("subscribed-tables", connection, ADD))
        assert (result.status, result.subject) == ("warned", "public.orders")
        assert "Subscription mine (not running now) fills public.orders" in result.message
        assert "ALTER SUBSCRIPTION mine DISABLE" in (result.remedy or "")
    finally:
        connection.execute("DROP SUBSCRIPTION mine")


def test_more_locks_than_the_server_has_room_for_are_warned_of(primary: Connection, connection: Connection) -> None:
    statements = [f"CREATE TABLE t{number} (id int)" for number in range(450)]
    assert asked("lock-table", primary, *statements[:50]) == ()
    result = only(asked("lock-table", primary, *statements))
    assert (result.status, "takes about 450 locks" in result.message) == ("warned", True)
    assert only(asked("lock-table", connection, *statements)).status == "passed"


def test_what_cannot_fit_into_the_lock_table_blocks(primary: Connection) -> None:
    slots = int(
        only(asked("lock-table", primary, *[f"CREATE TABLE t{n} (id int)" for n in range(450)])).evidence["slots"]
    )
    too_many = slots * lock_table.IMPOSSIBLE + lock_table.SLACK + 1
    assert lock_table.judge({"slots": slots, "used": 0, "setting": 10}, too_many, "ae1").status == "blocked"
    with pytest.raises(psycopg.errors.OutOfMemory):
        primary.execute("SELECT count(pg_advisory_xact_lock(i)) FROM generate_series(1, %s) i", [too_many])


def test_a_server_without_connections_left_blocks(
    replicated: Replicated, primary: Connection, connect: Connect
) -> None:
    app = connect(replicated.primary, user="app")
    assert only(asked("connections", primary, ADD, by=app)).status == "passed"
    others = [connect(replicated.primary) for _ in range(5)]
    masked = only(asked("connections", primary, ADD, by=app))
    assert masked.status == "unknown"
    primary.execute((masked.remedy or "").encode())
    result = only(asked("connections", primary, ADD, by=app))
    assert (result.status, "max_connections (12, 3 of them reserved)" in result.message) == ("blocked", True)
    for each in others:
        each.close()
