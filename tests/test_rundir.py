"""Where runs are kept: in whose hands, under which name, and which of them ended without a word."""

import os
import re
import socket
import stat
from pathlib import Path

import pytest

from migsafe import rundir
from migsafe.errors import UsageError
from migsafe.journal import Journal
from migsafe.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(directory=str(tmp_path))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_run_is_named_for_its_time_and_its_revisions(settings: Settings, tmp_path: Path) -> None:
    path = rundir.create(settings, (), ("c05b3e86d7f1",))
    assert path.parent == tmp_path / ".migsafe" / "runs"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z_base_c05b3e86d7f1", path.name)
    assert mode(path) == 0o700


@pytest.mark.parametrize(
    ("heads", "name"),
    [((), "base"), (("a1", "b2"), "a1+b2"), (("../../etc",), "..-..-etc"), (("x" * 90,), "x" * 40), (("é ü",), "é-ü")],
)
def test_heads_make_a_name_that_is_one_folder(heads: tuple[str, ...], name: str, settings: Settings) -> None:
    path = rundir.create(settings, heads, ("t",))
    assert path.name.endswith(f"Z_{name}_t")
    assert path.parent == rundir.folder(settings)


def test_the_newest_run_is_first(settings: Settings) -> None:
    made = [rundir.create(settings, (), (name,)) for name in ("1", "2")]
    os.utime(made[0])
    assert rundir.directories(settings) == made[::-1]
    assert rundir.directories(Settings(directory="/nowhere")) == []


def test_runs_stay_out_of_the_repository(settings: Settings, tmp_path: Path) -> None:
    rundir.create(settings, (), ("a",))
    ignore = tmp_path / ".migsafe" / ".gitignore"
    assert ignore.read_text().splitlines()[-1] == "*"
    ignore.write_text("mine")
    rundir.create(settings, (), ("b",))
    assert ignore.read_text() == "mine"


def test_a_folder_of_ones_own_gets_no_gitignore(tmp_path: Path) -> None:
    settings = Settings(directory=str(tmp_path), runs="var/runs")
    assert rundir.create(settings, (), ("a",)).parent == tmp_path / "var" / "runs"
    assert not (tmp_path / "var" / ".gitignore").exists()
    absolute = Settings(directory="/nowhere", runs=str(tmp_path / "elsewhere"))
    assert rundir.create(absolute, (), ("a",)).parent == tmp_path / "elsewhere"


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UsageError) as caught:
        rundir.create(Settings(directory=str(tmp_path), runs="runs"), (), ("a",))
    assert "cannot be made: " in caught.value.message
    assert "Set `runs` to a folder" in f"{caught.value.remedy}"


def test_a_file_is_there_whole_or_not_at_all(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    path = rundir.create(settings, (), ("a",)) / "report.json"
    rundir.write(path, "first")
    assert (path.read_text(), mode(path)) == ("first", 0o600)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        rundir.write(path, b"second")
    assert path.read_text() == "first"
    assert list(path.parent.iterdir()) == [path]


def journal_of(settings: Settings, name: str, **facts: object) -> Path:
    path = rundir.create(settings, (), (name,))
    with Journal(path / rundir.JOURNAL) as journal:
        journal.write("started", **({"database": "app@db/shop", "host": socket.gethostname()} | facts))
    return path


def test_a_run_without_an_end_is_found_by_its_database(settings: Settings) -> None:
    journal_of(settings, "other", database="app@db/other")
    old, new = (journal_of(settings, name, pid=os.getpid()) for name in ("1", "2"))
    found = rundir.crashed(settings, "app@db/shop")
    assert [crashed.directory for crashed in found] == [str(new), str(old)]
    assert [crashed.alive for crashed in found] == [True, True]
    assert found[0].last["event"] == "started"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("owner@db/shop", True),
        ("db/shop", True),
        ("app@db:5432/shop", True),
        ("app@provider@db/shop", True),
        ("app@db:5433/shop", False),
        ("app@other/shop", False),
        ("app@db/shop2", False),
        ("app@/run/postgres:5432/shop", False),
    ],
)
def test_a_run_of_another_user_is_of_the_same_database_where_server_port_and_name_are(
    settings: Settings, other: str, same: bool
) -> None:
    journal_of(settings, "1")
    assert bool(rundir.crashed(settings, other)) is same


def test_a_run_with_a_report_or_without_a_journal_has_not_crashed(settings: Settings) -> None:
    reported = journal_of(settings, "reported")
    (reported / rundir.REPORT).write_text("{}")
    rundir.create(settings, (), ("dry",))
    assert rundir.crashed(settings, "app@db/shop") == ()


def test_a_run_that_came_to_its_end_later_has_carried_on(settings: Settings) -> None:
    journal_of(settings, "crashed", pid=None)
    later = journal_of(settings, "other", database="app@db/other")
    (later / rundir.REPORT).write_text("{}")
    assert len(rundir.crashed(settings, "app@db/shop")) == 1
    later = journal_of(settings, "later")
    (later / rundir.REPORT).write_text("{}")
    assert rundir.crashed(settings, "app@db/shop") == ()


@pytest.mark.parametrize("facts", [{"pid": 2**22 + 1}, {"pid": None}, {"host": "elsewhere", "pid": os.getpid()}])
def test_a_process_that_cannot_be_seen_is_not_alive(facts: dict[str, object], settings: Settings) -> None:
    journal_of(settings, "a", **facts)
    (found,) = rundir.crashed(settings, "app@db/shop")
    assert not found.alive


def test_a_process_of_somebody_else_is_alive(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    journal_of(settings, "a", pid=1)

    def refused(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    assert rundir.crashed(settings, "app@db/shop")[0].alive
