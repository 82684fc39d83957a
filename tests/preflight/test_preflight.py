"""The folder of checks, and what holds for all of them."""

import threading
from pathlib import Path

import msgspec
import psycopg
import pytest

from fix_postgres import Connect, Connection, Role
from fix_preflight import asked, only
from fix_verify import plan_of
from migsafe.errors import UsageError
from migsafe.model.catalog import Catalog
from migsafe.model.report import Excuse
from migsafe.postgres.connection import Database
from migsafe.preflight import all_checks, preflight
from migsafe.preflight.document import checks_page
from migsafe.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
CHECKS = Path(__file__).parents[2] / "src" / "migsafe" / "preflight" / "checks"

ADD_COLUMN = "ALTER TABLE orders ADD COLUMN note text"


def test_the_page_of_the_checks_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == checks_page(), "run `python -m migsafe.cli.docs`"


def test_every_file_is_a_check_of_its_name() -> None:
    files = sorted(path.stem.replace("_", "-") for path in CHECKS.glob("*.py") if path.stem != "__init__")
    assert [check.name for check in all_checks()] == files


def test_every_check_says_why_and_what_to_do() -> None:
    assert all(check.why and check.remedy and check.group for check in all_checks())


def test_a_skipped_check_is_asked_and_marked(connection: Connection) -> None:
    settings = Settings(min_postgres="99")
    skip = (Excuse("skip", "server-version", "we test on it"), Excuse("allow", "drop-table", "not for checks"))
    result = only(asked("server-version", connection, settings=settings, skip=skip))
    assert (result.status, result.skipped_because, result.refuses) == ("blocked", "we test on it", False)


def test_an_unknown_check_names_the_nearest(connection: Connection) -> None:
    with pytest.raises(UsageError) as caught:
        asked("", connection, skip=(Excuse("skip", "server-versio", "?"),))
    assert caught.value.remedy == "Did you mean server-version?"


def test_a_version_that_is_none_is_an_error_of_the_settings(connection: Connection) -> None:
    with pytest.raises(UsageError, match="min_postgres"):
        asked("", connection, settings=Settings(min_postgres="sixteen"))
    with pytest.raises(UsageError, match=r"extensions\.vector"):
        asked("", connection, settings=Settings(extensions={"vector": "new"}))


def test_checks_that_the_plan_does_not_touch_say_nothing(connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    names = {result.check for result in asked("", connection, "COMMENT ON TABLE orders IS 'x'")}
    assert not names & {"extensions", "disk", "names-taken", "required-env", "long-transactions"}


def test_nothing_is_left_open_or_set(connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    before = connection.execute("SELECT name, setting FROM pg_settings ORDER BY 1").fetchall()
    asked("", connection, ADD_COLUMN)
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert connection.execute("SELECT name, setting FROM pg_settings ORDER BY 1").fetchall() == before


def test_what_did_not_pass_has_a_remedy(connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    results = asked("", connection, ADD_COLUMN, "CREATE TABLE orders (id int)", settings=Settings(min_postgres="99"))
    assert all(result.remedy for result in results if result.status != "passed")
    assert not any(result.remedy for result in results if result.status == "passed")


def test_a_connection_that_is_gone_blocks_and_kills_no_check(connection: Connection) -> None:
    plan = plan_of(Catalog(), "CREATE EXTENSION vector")
    connection.close()
    results = preflight(connection, plan, Settings(), catalog=Catalog(), backup_kind="none")
    status = {result.check: result.status for result in results}
    assert status["server-reachable-and-primary"] == "blocked"
    assert status["extensions"] == "unknown"


def test_a_relation_that_is_locked_away_is_unknown(connection: Connection, connect: Connect) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    plan = plan_of(Catalog(), "ALTER TABLE orders ALTER id TYPE bigint")
    other = connect(autocommit=False)
    other.execute("LOCK TABLE orders")
    results = preflight(connection, plan, Settings(), catalog=Catalog(), backup_kind="none")
    other.rollback()
    disk = next(result for result in results if result.check == "disk")
    assert disk.status == "unknown"
    assert "ACCESS EXCLUSIVE" in disk.message


def test_no_check_passes_what_is_bad_though_the_role_sees_little(
    connection: Connection, connect: Connect, role: Role, tmp_path: Path
) -> None:
    """Everything wrong at once; only that the connection is direct is true."""
    app = role("app")
    connection.execute("CREATE TABLE orders (id int, code int)")
    connection.execute("INSERT INTO orders VALUES (1, 1), (1, 1)")
    connection.execute("CREATE TABLE stays (id int)")
    connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY orders_id ON orders (id)")
    holder = connect(autocommit=False)
    holder.execute("SELECT FROM orders")
    for setting in ("statement_timeout = '5s'", "default_transaction_read_only = on"):
        connection.execute(f"ALTER ROLE {app.parameters['user']} SET {setting}".encode())
    catalog_plan = plan_of(
        Catalog(complete=True),
        "CREATE EXTENSION no_such_extension",
        "ALTER TABLE orders ALTER id TYPE bigint",
        "CREATE INDEX CONCURRENTLY orders_code ON orders (code)",
        "CREATE TABLE stays (id int)",
        "THIS IS NO STATEMENT",
    )
    long = msgspec.structs.replace(catalog_plan.steps[0], revision="x" * 40)
    settings = Settings(
        min_postgres="99", required_env=("MIGSAFE_TEST_NOT_SET",), declared_free=0, directory=str(tmp_path)
    )
    settings = msgspec.structs.replace(settings, max_transaction_age=0.0)
    asker = connect(app)
    results = preflight(
        asker,
        msgspec.structs.replace(catalog_plan, steps=(long,)),
        settings,
        catalog=Catalog(complete=True),
        unknown_heads=("abc",),
        backup_kind="evidence",
    )
    by_check: dict[str, set[str]] = {}
    for result in results:
        by_check.setdefault(result.check, set()).add(result.status)
    holder.rollback()
    assert set(by_check) == {check.name for check in all_checks()}
    assert {name for name, found in by_check.items() if "passed" in found} == {"pooler"}


def test_no_check_passes_what_the_role_cannot_see(connection: Connection, connect: Connect, role: Role) -> None:
    """Nothing is wrong but that it is hidden: transactions of others, the disk, who is building an index."""
    app = role("app")
    user = app.parameters["user"]
    connection.execute("CREATE TABLE orders (id int, code int)")
    connection.execute("INSERT INTO orders SELECT i, i FROM generate_series(1, 100) i")
    connection.execute(f"ALTER TABLE orders OWNER TO {user}".encode())
    connection.execute(f"GRANT CREATE, USAGE ON SCHEMA public TO {user}".encode())
    writer = connect(autocommit=False)
    writer.execute("UPDATE orders SET code = 0 WHERE id = 1")
    builder = connect()
    thread = threading.Thread(
        target=builder.execute, args=(b"CREATE INDEX CONCURRENTLY orders_other ON orders (code)",)
    )
    thread.start()
    try:
        while not connection.execute("SELECT FROM pg_index WHERE NOT indisvalid").fetchall():
            pass
        statements = (
            "CREATE INDEX CONCURRENTLY orders_code ON orders (code)",
            "ALTER TABLE orders ALTER id TYPE bigint",
        )
        results = asked("", connection, *statements, by=connect(app), plan=plan_of(Catalog(), *statements))
    finally:
        writer.rollback()
        thread.join()
    by_check: dict[str, set[str]] = {}
    for result in results:
        by_check.setdefault(result.check, set()).add(result.status)
    assert by_check["long-transactions"] == {"unknown"}
    assert by_check["invalid-indexes"] == {"unknown"}
    assert by_check["disk"] == {"unknown"}
    assert by_check["lock-holders"] == {"warned"}
    needs_more = {check.name for check in all_checks() if check.privilege != "none"}
    assert needs_more == {"long-transactions", "invalid-indexes", "disk"}
    remedies = {result.check: result.remedy or "" for result in results if result.status == "unknown"}
    assert f"GRANT pg_read_all_stats TO {user}" in remedies["long-transactions"]
    assert f"GRANT pg_read_all_stats TO {user}" in remedies["invalid-indexes"]
    assert f"GRANT pg_read_all_settings TO {user}" in remedies["disk"]


def test_the_same_role_sees_it_with_the_grants(connection: Connection, connect: Connect, role: Role) -> None:
    app: Database = role("app")
    user = app.parameters["user"]
    connection.execute("CREATE TABLE orders (id int)")
    connection.execute(f"ALTER TABLE orders OWNER TO {user}; GRANT CREATE ON SCHEMA public TO {user}".encode())
    connection.execute(f"GRANT pg_read_all_stats, pg_read_all_settings TO {user}".encode())
    statements = ("ALTER TABLE orders ALTER id TYPE bigint", "CREATE INDEX CONCURRENTLY orders_id ON orders (id)")
    results = asked("", connection, *statements, by=connect(app))
    asked_for = {result.check: result.status for result in results}
    assert {asked_for[name] for name in ("long-transactions", "invalid-indexes", "disk", "privileges")} == {"passed"}
