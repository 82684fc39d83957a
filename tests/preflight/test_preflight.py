"""The folder of checks, and what holds for all of them."""

import re
import tomllib
from pathlib import Path

import psycopg
import pytest

from fix_postgres import Connect, Connection, Role
from fix_preflight import asked, only
from fix_verify import plan_of
from migsafe.errors import UsageError
from migsafe.model.catalog import Catalog
from migsafe.model.own_checks import KINDS, OwnCheck
from migsafe.model.report import Excuse
from migsafe.own_checks import prepared
from migsafe.postgres.connection import Database
from migsafe.preflight import all_checks, preflight
from migsafe.preflight.document import checks_page
from migsafe.settings import Settings, from_table

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


def test_only_the_checks_that_are_named_are_asked(connection: Connection) -> None:
    connection.execute("CREATE TABLE orders (id int)")
    plan, catalog = plan_of(Catalog(), ADD_COLUMN), Catalog()
    own = (OwnCheck(name="ours", sql="SELECT true"), OwnCheck(name="theirs", sql="SELECT true"))
    settings, only_these = Settings(check=own), ("server-version", "ours")
    results = preflight(connection, plan, settings, catalog=catalog, only=only_these, backup_kind="none")
    assert [result.check for result in results] == ["server-version", "ours"]


def test_a_place_that_the_scripts_do_not_know_is_never_left_out(connection: Connection) -> None:
    results = preflight(
        connection,
        plan_of(Catalog()),
        Settings(),
        catalog=Catalog(),
        only=("server-version",),
        unknown_heads=("abc",),
        backup_kind="none",
    )
    assert {result.check: result.refuses for result in results} == {"heads": True, "server-version": False}


def test_a_required_check_refuses_where_it_cannot_see(connection: Connection) -> None:
    own = OwnCheck(name="queue", redis="${MIGSAFE_TEST_NOT_SET}")
    free, bound = (
        only(asked("queue", connection, settings=Settings(check=(own,), require=require)))
        for require in ((), ("queue",))
    )
    assert (free.status, free.refuses) == ("unknown", False)
    assert (bound.status, bound.refuses) == ("unknown", True)


def test_own_checks_are_asked_after_the_others_and_may_be_skipped(connection: Connection) -> None:
    own = OwnCheck(name="drained", sql="SELECT 40", expect="< 30")
    after = OwnCheck(name="after", sql="SELECT false", phase="after")
    skip = (Excuse("skip", "drained", "it never is"),)
    results = asked("", connection, settings=Settings(check=(own, after)), skip=skip)
    assert (results[-1].check, results[-1].status, results[-1].skipped_because) == ("drained", "blocked", "it never is")


@pytest.mark.parametrize(
    ("settings", "message", "remedy"),
    [
        (Settings(require=("bakup",)), "--require: there is no check bakup", "Did you mean backup?"),
        (
            Settings(check=(OwnCheck(name="disk", env="X"),), source="migsafe.toml"),
            "migsafe.toml: check.name: migsafe has a check disk itself",
            "Give yours another name.",
        ),
        (
            Settings(check=(OwnCheck(name="x", http="app/health", phase="after"),), source="migsafe.toml"),
            "migsafe.toml: check x: http is not an http:// or https:// URL",
            'Write it like "https://app.internal/health".',
        ),
    ],
)
def test_what_is_wrong_in_the_settings_stops_preflight_before_it_asks(
    connection: Connection, settings: Settings, message: str, remedy: str
) -> None:
    with pytest.raises(UsageError) as caught:
        asked("", connection, settings=settings)
    assert (caught.value.message, caught.value.remedy) == (message, remedy)


def test_the_examples_on_the_page_can_be_taken_over() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", checks_page(), re.DOTALL)
    settings = from_table(tomllib.loads(block)["tool"]["migsafe"], Path("pyproject.toml"))
    assert {check.kind for check, _ in prepared(settings)} == set(KINDS)


def test_the_page_has_the_query_of_a_check() -> None:
    assert (
        "FROM pg_catalog.pg_stat_activity"
        in checks_page().partition("\n## long-transactions\n")[2].partition("\n## ")[0]
    )


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
