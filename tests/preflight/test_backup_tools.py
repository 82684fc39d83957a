"""What pgBackRest, Barman and WAL-G say, as they print it (backups/), held against the real server."""

import datetime
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fix_postgres import Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.model.checks import CheckResult
from migsafe.preflight.backups.listed import Cluster, problems
from migsafe.preflight.backups.recognise import recognise
from migsafe.settings import Settings

SAMPLES = Path(__file__).parent / "backups"
HOUR = 3600.0
DROP = "ALTER TABLE orders DROP COLUMN note"
TOOLS = ("pgbackrest.json", "barman.json barman_show_server.json", "wal_g.json", "provider.json")

Say = Callable[..., str]


@pytest.fixture
def orders(connection: Connection) -> Connection:
    connection.execute("CREATE TABLE orders (id int, note text)")
    return connection


@pytest.fixture
def say(orders: Connection) -> Say:
    """`say("barman.json barman_check.json", age=HOUR, swap=(old, new), **marks)`: samples as if this cluster's, now."""
    row = orders.execute(
        "SELECT system_identifier::text, pg_walfile_name(pg_current_wal_lsn()) FROM pg_control_system()"
    ).fetchone()
    assert row is not None

    def of(names: str, age: float = HOUR, swap: tuple[str, str] = ("", ""), **marks: str) -> str:
        ended = time.time() - age
        known = {
            "IDENTIFIER": row[0],
            "SEGMENT": row[1],
            "STARTED": str(int(ended) - 5),
            "ENDED": str(int(ended)),
            "ISO": _iso(ended),
            "ISO_OLD": _iso(ended - 86400),
            "ISO_LATER": _iso(time.time() + 86400),
        }
        text = "\n".join((SAMPLES / name).read_text() for name in names.split())
        assert swap[0] in text
        text = text.replace(*swap) if swap[0] else text
        for name, value in (known | marks).items():
            text = text.replace(f"@{name}@", value)
        return text

    return of


def _iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat().replace("+00:00", "Z")


def answers(orders: Connection, path: Path, text: str, by: Connection | None = None) -> tuple[CheckResult, ...]:
    path.write_text(text)
    settings = Settings(backup_evidence=str(path))
    return asked("backup", orders, DROP, by=by, settings=settings, backup_kind="evidence")


@pytest.fixture
def judge(orders: Connection, tmp_path: Path) -> Callable[[str], CheckResult]:
    """The one answer about a text that was saved in a file."""
    return lambda text: only(answers(orders, tmp_path / "evidence", text))


@pytest.mark.parametrize("names", TOOLS)
def test_a_recent_backup_of_this_cluster_passes(say: Say, judge: Callable[[str], CheckResult], names: str) -> None:
    result = judge(say(names))
    assert (result.status, "1 h 0 min old and of this cluster" in result.message) == ("passed", True)


@pytest.mark.parametrize("names", TOOLS)
def test_an_old_backup_blocks(say: Say, judge: Callable[[str], CheckResult], names: str) -> None:
    result = judge(say(names, age=50 * HOUR))
    assert (result.status, "is 2 d 2 h old; backup_max_age is 24 h 0 min" in result.message) == ("blocked", True)


@pytest.mark.parametrize("names", TOOLS)
def test_a_backup_of_another_cluster_blocks(say: Say, judge: Callable[[str], CheckResult], names: str) -> None:
    result = judge(say(names, IDENTIFIER="7099999999999999999"))
    assert (result.status, "it is of cluster" in result.message) == ("blocked", True)
    assert "7099999999999999999" in result.message


@pytest.mark.parametrize("names", TOOLS)
def test_half_of_an_answer_is_said_to_be_cut(say: Say, judge: Callable[[str], CheckResult], names: str) -> None:
    text = say(names)
    for cut in (text[: len(text) // 2], text.rstrip()[:-1]):
        result = judge(cut)
        assert (result.status, "is cut: the JSON has no end" in result.message) == ("blocked", True)


@pytest.mark.parametrize("names", TOOLS)
def test_a_role_that_may_not_see_the_cluster_knows_nothing(
    orders: Connection, say: Say, names: str, tmp_path: Path, connect: Connect, role: Role
) -> None:
    orders.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    app = role("app")
    result = only(answers(orders, tmp_path / "evidence", say(names), by=connect(app)))
    assert (result.status, "pg_control_system()" in (result.remedy or "")) == ("unknown", True)
    orders.execute((result.remedy or "").encode())
    assert only(answers(orders, tmp_path / "evidence", say(names), by=connect(app))).status == "passed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("[]", "is an empty list"),
        ('{"a": 1}', "of no tool that migsafe knows: its keys are a"),
        ('{"a": 1,,}', "is no JSON"),
        ('[{"backup_name": "base_1", "finish_time": "yesterday"}]', "is not what the tool prints"),
        ('[{"name": "shop", "status": {"code": 0}}]', "lacks 'db'"),
        ('{"provider": "rds", "kind": "snapshot"}', "missing required field `latest_restorable_time`"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(judge: Callable[[str], CheckResult], text: str, said: str) -> None:
    result = judge(text)
    assert (result.status, said in result.message) == ("blocked", True), result.message


@pytest.mark.parametrize(
    ("names", "old", "new", "status", "said"),
    [
        ("pgbackrest.json", '"code":0,"lock"', '"code":2,"lock"', "blocked", "its status is 2"),
        ("pgbackrest.json", '"code":0,"lock"', '"code":4,"lock"', "warned", "its status is 4"),
        ("pgbackrest.json", '"error":false', '"error":true', "blocked", "no backup without an error"),
        ("pgbackrest.json", '"id":2,"repo-key":1},"error"', '"id":1,"repo-key":1},"error"', "blocked", "no backup"),
        ("barman.json barman_show_server.json", '"DONE"', '"WAITING_FOR_WALS"', "blocked", "20260430T010000 (FAILED)"),
        ("barman.json", "", "", "warned", "does not say which cluster"),
        ("barman.json barman_show_server.json barman_check.json", "", "", "blocked", "archiver_errors failed"),
        ("wal_g.json wal_verify.json", "", "", "blocked", "wal-verify integrity says FAILURE"),
        ("wal_g.json", '"finish_time"', '"was"', "warned", "without --detail"),
        ("provider.json", "@ISO_LATER@", "2026-01-01T00:00:00Z", "blocked", "it expired"),
        ("provider.json", "@ISO_LATER@", "2026-01-01T00:00:00", "blocked", "without a time zone"),
        ("provider.json", "Ada, from describe-db-instances", "", "blocked", "said_by is empty"),
        ("provider.json", '"system_identifier"', '"host"', "blocked", "unknown field `host`"),
        ("provider.json", ', "system_identifier": "@IDENTIFIER@"', "", "warned", "does not say which cluster"),
    ],
)
def test_what_a_tool_says_against_itself_counts(
    orders: Connection, say: Say, tmp_path: Path, names: str, old: str, new: str, status: str, said: str
) -> None:
    results = answers(orders, tmp_path / "evidence", say(names, swap=(old, new)))
    assert any(each.status == status and said in each.message for each in results), results


def test_nagios_may_stand_behind_the_list(say: Say, judge: Callable[[str], CheckResult]) -> None:
    listed = say("barman.json barman_show_server.json")
    assert judge(f"{listed}BARMAN OK - Ready to serve the Espresso backup for shop\n").status == "passed"
    critical = judge(f"{listed}BARMAN CRITICAL - server shop has issues * shop FAILED: archiver errors\n")
    assert (critical.status, "BARMAN CRITICAL" in critical.message) == ("blocked", True)


def test_the_stanza_of_this_cluster_is_found_among_others(say: Say, judge: Callable[[str], CheckResult]) -> None:
    other = (
        say("pgbackrest.json", IDENTIFIER="42", age=90 * HOUR).strip()[1:-1].replace('"name":"shop"', '"name":"old"')
    )
    assert judge(f"[{other},{say('pgbackrest.json').strip()[1:]}").status == "passed"


def test_an_archive_far_behind_blocks_when_the_tool_says_so_now(say: Say) -> None:
    found = recognise(say("pgbackrest.json", SEGMENT="0000000100000001000000FE"), None)
    (identifier,) = (each for each in found.systems if each != "7100000000000000001")
    near = Cluster(identifier, "000000010000000200000001", 16 * 1024**2, "postgres")
    far = Cluster(identifier, "000000010000000200000040", 16 * 1024**2, "postgres")
    other_line = Cluster(identifier, "000000020000000200000001", 16 * 1024**2, "postgres")
    statuses = [
        [status for status, _, _ in problems(found, where, Settings(), live=live)]
        for where, live in ((near, True), (far, True), (far, False), (other_line, True))
    ]
    assert statuses == [[], ["blocked"], ["warned"], ["warned"]]


@pytest.mark.parametrize("name", TOOLS[::2])
def test_a_command_may_print_it(orders: Connection, say: Say, tmp_path: Path, name: str) -> None:
    (tmp_path / "said").write_text(say(name))
    result = only(_commanded(orders, tmp_path, f"cat {shlex.quote(str(tmp_path / 'said'))}"))
    assert (result.status, "backup_command" in result.message) == ("passed", True)


@pytest.mark.parametrize("command", ["no-such-program", "false", "'"])
def test_a_command_that_fails_is_unknown(orders: Connection, tmp_path: Path, command: str) -> None:
    result = only(_commanded(orders, tmp_path, command))
    assert (result.status, "backup_command" in (result.remedy or "")) == ("unknown", True)


def _commanded(orders: Connection, folder: Path, command: str, **more: Any) -> tuple[CheckResult, ...]:
    settings = Settings(directory=str(folder), backup_command=command, **more)
    return asked("backup", orders, DROP, settings=settings, backup_kind="evidence")
