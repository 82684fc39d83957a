"""The last drill of a backup is evidence: equal and recent, too long ago, or not what was saved."""

import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from fix_postgres import VERSION, Connect, Connection
from fix_preflight import asked, only
from migsafe.backup import back_up
from migsafe.going_back.restored import drill
from migsafe.model.checks import CheckResult
from migsafe.model.drill import FILE, Drill
from migsafe.postgres.connection import Database
from migsafe.settings import Settings

DROP = "DROP TABLE orders"


@pytest.fixture
def orders(connect: Connect) -> Connection:
    connection = connect()
    connection.execute("CREATE TABLE orders (id int PRIMARY KEY)")
    return connection


@pytest.fixture
def backup(orders: Connection, database: Database, tmp_path: Path) -> Path:
    folder = tmp_path / Settings().runs / "2026-05-01T00-00-00-000Z_base_head"
    made = back_up(database, folder, server_version=VERSION)
    assert made.path is not None
    return Path(made.path)


def test_a_drill_is_evidence_until_it_is_too_old_or_of_another_backup(
    orders: Connection, backup: Path, database: Database, tmp_path: Path
) -> None:
    settings = Settings(directory=str(tmp_path))

    def answer(kind: Literal["dump", "evidence"] = "evidence", **wishes: object) -> CheckResult:
        wished = msgspec.structs.replace(settings, **wishes)
        return only(asked("restore-drill", orders, DROP, settings=wished, backup_kind=kind))

    assert "Nobody has said" in answer().message
    done = drill(backup.parent, server=database)
    kinds: tuple[Literal["dump", "evidence"], ...] = ("evidence", "dump")
    for kind in kinds:
        assert answer(kind).status == "passed"
        assert f"{backup} was restored in a drill " in answer(kind).message
        assert " s ago on " in answer(kind).message
        assert answer(kind).message.endswith(f": 1 tables, 0 rows, {done.objects} objects; equal.")
    old = answer(drill_max_age=0.001)
    assert old.status == "warned"
    assert old.remedy == f"Try a newer one: migsafe restore --drill {backup.parent}"
    _file(backup, done, differences=("public.orders has 0 rows, and the backup 3",))
    assert answer().status == "warned"
    assert "; public.orders has 0 rows, and the backup 3." in answer().message
    assert answer(backup_evidence=str(backup)).status == "blocked"
    assert answer("dump").status == "warned"
    strangers: tuple[dict[str, Any], ...] = (
        {"manifest": "0" * 64},
        {"database": "another"},
        {"system_identifier": "7"},
    )
    for strange in strangers:
        _file(backup, done, **strange)
        assert "Nobody has said" in answer().message
    (backup / FILE).write_text("{")
    assert "Nobody has said" in answer().message


def _file(backup: Path, done: Drill, **changed: object) -> None:
    (backup / FILE).write_bytes(msgspec.json.encode(msgspec.structs.replace(done, **changed)))


def test_a_drill_of_last_year_counts_as_long_as_it_is_agreed(
    orders: Connection, backup: Path, database: Database, tmp_path: Path
) -> None:
    done = drill(backup.parent, server=database)
    _file(backup, done, ended=datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=31))
    settings = Settings(directory=str(tmp_path))
    late = only(asked("restore-drill", orders, DROP, settings=settings, backup_kind="evidence"))
    assert (late.status, "in a drill 31 d 0 h ago" in late.message) == ("warned", True)
    longer = msgspec.structs.replace(settings, drill_max_age=40 * 86400.0)
    assert only(asked("restore-drill", orders, DROP, settings=longer, backup_kind="evidence")).status == "passed"
