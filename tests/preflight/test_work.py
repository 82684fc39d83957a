"""Who and what is at work on the server: tools, maintenance, jobs, load, freezing."""

import datetime
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from fix_postgres import PROGRAMS, Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.model.checks import CheckResult
from migsafe.postgres.cluster import running
from migsafe.preflight.checks import load, wraparound
from migsafe.preflight.cron import is_due
from migsafe.settings import Settings

ADD_COLUMN = "ALTER TABLE orders ADD note text"
INDEX = "CREATE INDEX CONCURRENTLY orders_id ON orders (id)"


@pytest.fixture
def orders(connection: Connection) -> Connection:
    connection.execute("CREATE TABLE orders (id int); CREATE TABLE others (id int)")
    connection.execute("INSERT INTO orders SELECT * FROM generate_series(1, 20000)")
    return connection


@contextmanager
def at_work(connect: Connect, statement: str) -> Iterator[int]:
    """The pid of a session that runs `statement` until the block ends."""
    worker = connect()
    worker.execute("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1")

    def work() -> None:
        try:
            worker.execute(statement.encode())
        except psycopg.errors.QueryCanceled:
            return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield worker.info.backend_pid
    finally:
        while thread.is_alive():
            worker.cancel_safe()
            thread.join(0.05)


def until(seen: Callable[[], object]) -> None:
    while not seen():
        pass


@pytest.mark.parametrize("name", ["pg_dump", "Flyway Community", "alembic upgrade", "pgroll"])
def test_a_tool_that_is_connected_is_warned_of(orders: Connection, connect: Connect, name: str) -> None:
    tool = connect(application_name=name)
    result = only(asked("other-tools", orders, ADD_COLUMN))
    assert result.status == "warned"
    assert f"pid {tool.info.backend_pid} ({name}" in result.message
    assert f"pg_terminate_backend({tool.info.backend_pid})" in (result.remedy or "")


def test_a_dump_that_has_locked_the_table_blocks(orders: Connection, connect: Connect, role: Role) -> None:
    dump = connect(application_name="pg_dump", autocommit=False)
    dump.execute("LOCK TABLE orders IN ACCESS SHARE MODE")
    result = only(asked("other-tools", orders, ADD_COLUMN))
    assert (result.status, "holds public.orders" in result.message) == ("blocked", True)
    assert only(asked("other-tools", orders, "ALTER TABLE others ADD note text")).status == "warned"
    unprivileged = only(asked("other-tools", orders, ADD_COLUMN, by=connect(role("app"))))
    assert unprivileged.status == "blocked"


def test_the_snapshot_of_a_dump_blocks_a_concurrent_build(orders: Connection, connect: Connect) -> None:
    dump = connect(application_name="pg_dump", autocommit=False)
    dump.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    dump.execute("SELECT FROM others")
    result = only(asked("other-tools", orders, INDEX))
    assert (result.status, "snapshot" in result.message) == ("blocked", True)


def test_what_stays_connected_is_told_only_when_it_is_in_the_way(orders: Connection, connect: Connect) -> None:
    reader = connect(application_name="Debezium Streaming", autocommit=False)
    reader.execute("SELECT FROM others")
    assert only(asked("other-tools", orders, ADD_COLUMN)).status == "passed"
    reader.execute("SELECT FROM orders")
    assert only(asked("other-tools", orders, ADD_COLUMN)).status == "blocked"


def test_a_vacuum_of_the_table_is_seen_and_one_of_another_is_not(
    orders: Connection, connect: Connect, role: Role
) -> None:
    app = role("app")
    with at_work(connect, "VACUUM orders") as pid:
        until(lambda: orders.execute("SELECT FROM pg_stat_progress_vacuum").fetchall())
        result = only(asked("maintenance-running", orders, ADD_COLUMN))
        other = only(asked("maintenance-running", orders, "ALTER TABLE others ADD note text"))
        hidden = only(asked("maintenance-running", orders, ADD_COLUMN, by=connect(app)))
    assert (result.status, f"pid {pid} is at VACUUM of public.orders" in result.message) == ("warned", True)
    assert other.status == "passed"
    assert (hidden.status, hidden.remedy) == ("unknown", f"GRANT pg_read_all_stats TO {app.parameters['user']};")


def test_an_index_build_on_the_table_blocks(orders: Connection, connect: Connect) -> None:
    connect(autocommit=False).execute("INSERT INTO orders VALUES (1)")
    with at_work(connect, "CREATE INDEX CONCURRENTLY building ON orders (id)") as pid:
        until(lambda: orders.execute("SELECT FROM pg_stat_progress_create_index").fetchall())
        result = only(asked("maintenance-running", orders, ADD_COLUMN))
    assert (result.status, f"pid {pid} is at CREATE INDEX CONCURRENTLY" in result.message) == ("blocked", True)


def test_freezing_against_wraparound_blocks_and_is_foreseen() -> None:
    """A server that freezes at the lowest age that it takes, 100,000 transactions."""
    settings = {"autovacuum": "on", "autovacuum_naptime": "1s", "autovacuum_freeze_max_age": "100000"}
    with running(PROGRAMS, settings=settings) as database:
        connection = psycopg.connect(make_conninfo("", **database.parameters), autocommit=True)
        connection.execute(
            "CREATE TABLE orders (id int) WITH (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)"
        )
        connection.execute("INSERT INTO orders SELECT * FROM generate_series(1, 100000)")
        # The size is an estimate in pg_class.
        connection.execute("UPDATE pg_class SET relpages = 1000000 WHERE relname = 'orders'")
        age_by = b"DO $$ BEGIN FOR i IN 1..%d LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
        young = [result.status for result in asked("wraparound", connection, ADD_COLUMN)]
        connection.execute(age_by % 90_000)
        close = asked("wraparound", connection, ADD_COLUMN)
        connection.execute(age_by % 11_000)
        until(
            lambda: connection.execute(
                "SELECT FROM pg_stat_progress_vacuum WHERE relid = 'orders'::regclass"
            ).fetchall()
        )
        result = only(asked("maintenance-running", connection, ADD_COLUMN))
        connection.close()
    assert young == ["passed"]
    assert [(each.status, each.subject) for each in close] == [("passed", None), ("warned", "public.orders")]
    assert "VACUUM (FREEZE) public.orders;" in (close[1].remedy or "")
    assert (result.status, "to prevent wraparound" in result.message) == ("blocked", True)


@pytest.mark.parametrize(
    ("xids", "status"), [(200_000_000, "passed"), (1_100_000_000, "warned"), (1_900_000_000, "blocked")]
)
def test_the_age_of_the_server_counts(xids: int, status: str) -> None:
    result = wraparound.of_server({"database": "app", "xids": xids, "multixacts": 0})
    assert result.status == status


def test_a_queue_is_told_with_its_head(orders: Connection, connect: Connect, role: Role) -> None:
    holder = connect(autocommit=False)
    holder.execute("LOCK TABLE others")
    with at_work(connect, "SELECT FROM others"):
        until(lambda: orders.execute("SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'").fetchall())
        result = only(asked("load", orders, ADD_COLUMN))
        hidden = asked("load", orders, ADD_COLUMN, by=connect(role("app")))
    assert result.status == "warned"
    assert f"behind pid {holder.info.backend_pid}" in result.message
    assert [each.status for each in hidden] == ["warned", "unknown"]


def test_a_quiet_database_passes_and_a_busy_one_is_warned_of(orders: Connection) -> None:
    assert only(asked("load", orders, ADD_COLUMN)).status == "passed"
    row = {"active": 60, "sessions": 80, "idle_in_transaction": 3, "max_connections": 100, "masked": 0}
    assert load.of_sessions("warned", row).message.startswith("60 of 80 other sessions")


@pytest.fixture
def cron(orders: Connection) -> Connection:
    """cron.job with the columns and the policy that pg_cron gives it; the package is not among those of pip."""
    orders.execute("CREATE SCHEMA cron; GRANT USAGE ON SCHEMA cron TO public")
    orders.execute(
        "CREATE TABLE cron.job (jobid bigint, schedule text, command text, database text DEFAULT current_database(),"
        " username text DEFAULT current_user, active bool DEFAULT true, jobname text)"
    )
    orders.execute("ALTER TABLE cron.job ENABLE ROW LEVEL SECURITY")
    orders.execute("CREATE POLICY own ON cron.job USING (username = current_user)")
    return orders


def job(connection: Connection, schedule: str, **columns: object) -> None:
    names = ", ".join(("jobid", "schedule", "command", *columns))
    values = (7, schedule, "CALL refresh()", *columns.values())
    marks = ", ".join(["%s"] * len(values))
    connection.execute(f"INSERT INTO cron.job ({names}) VALUES ({marks})".encode(), values)


def test_a_job_that_is_due_is_warned_of(cron: Connection) -> None:
    job(cron, "* * * * *", jobname="refresh")
    result = only(asked("scheduled-jobs", cron, ADD_COLUMN))
    assert (result.status, "job 7 refresh (* * * * *)" in result.message) == ("warned", True)
    assert "cron.alter_job(7, active := false)" in (result.remedy or "")


def test_a_job_of_another_hour_database_or_that_is_off_passes(cron: Connection) -> None:
    there = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=12)).hour
    job(cron, f"0 {there} * * *")
    job(cron, "* * * * *", active=False)
    job(cron, "* * * * *", database="elsewhere")
    assert only(asked("scheduled-jobs", cron, ADD_COLUMN)).status == "passed"


def test_jobs_of_others_are_unknown(cron: Connection, connect: Connect, role: Role) -> None:
    asker = connect(role("app"))
    refused = only(asked("scheduled-jobs", cron, ADD_COLUMN, by=asker))
    assert (refused.status, "GRANT SELECT ON cron.job TO" in (refused.remedy or "")) == ("unknown", True)
    cron.execute("GRANT SELECT ON cron.job TO public")
    assert only(asked("scheduled-jobs", cron, ADD_COLUMN, by=asker)).status == "unknown"


def test_a_server_without_pg_cron_is_not_asked(orders: Connection) -> None:
    assert asked("scheduled-jobs", orders, ADD_COLUMN) == ()


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("30 seconds", True),
        ("*/5 * * * *", True),
        ("58,59 11 * * *", True),
        ("0 12 * * mon-fri", True),
        ("0 12 * nov *", True),
        ("0 12 1 * 1", True),
        ("0 12 1 * *", False),
        ("@hourly", True),
        ("@daily", False),
        ("@reboot", False),
        ("0 12 $ * *", False),
        ("every noon", None),
        ("61 * * * *", None),
    ],
)
def test_schedules_are_read_as_cron_reads_them(schedule: str, due: bool | None) -> None:
    monday = datetime.datetime(2026, 11, 23, 11, 55, 30)
    assert is_due(schedule, monday, 600.0) is due


def test_the_last_day_of_a_month_is_known() -> None:
    assert is_due("0 12 $ * *", datetime.datetime(2026, 11, 30, 11, 59), 600.0)


def test_a_prepared_transaction_elsewhere_does_not_hold_up_a_build(orders: Connection, connect: Connect) -> None:
    """Only its locks do: long-transactions says so too."""
    other = connect()
    gid = f"elsewhere {orders.info.dbname}"
    other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO others VALUES (1)")
    other.execute(f"PREPARE TRANSACTION '{gid}'".encode())
    try:
        results = asked("long-transactions", orders, INDEX, settings=Settings(max_transaction_age=0.0))
        orders.execute("SET lock_timeout = '5s'")
        orders.execute(INDEX.encode())
    finally:
        orders.execute(f"ROLLBACK PREPARED '{gid}'".encode())
    mine: CheckResult = next(result for result in results if result.subject == gid)
    assert (mine.status, "concurrent build" in mine.message) == ("warned", False)
