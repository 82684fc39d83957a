"""The journal says after any crash what was going on."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from migsafe.journal import Journal, read, unfinished


def test_every_entry_is_a_line_of_json_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.write("started", pid=7, database="app@db/shop")
        journal.write("statement", sql="INSERT 'é\n\u2028'")
    lines = path.read_text().split("\n")
    assert [json.loads(line)["event"] for line in lines[:-1]] == ["started", "statement"]
    assert lines[-1] == ""
    assert list(json.loads(lines[0])) == ["at", "event", "pid", "database"]
    assert [entry["sql"] for entry in read(path) if "sql" in entry] == ["INSERT 'é\n\u2028'"]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_entries_are_added_to_what_is_there(tmp_path: Path) -> None:
    for event in ("started", "ended"):
        with Journal(tmp_path / "journal.jsonl") as journal:
            journal.write(event)
    assert [entry["event"] for entry in read(tmp_path / "journal.jsonl")] == ["started", "ended"]


def test_an_entry_of_the_run_is_on_disk_before_the_next_thing_happens_and_takes_those_of_statements_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(file: int) -> None:
        real(file)
        synced.append(os.fstat(file).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("started")
        journal.write("revision")
        journal.write("durable")
    sizes = [len(line) + 1 for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert synced == [sizes[0], sum(sizes)]


def test_what_was_written_before_a_kill_is_there(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from migsafe.journal import Journal\n"
        "Journal(Path(sys.argv[1])).write('statement', number=3); os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = tmp_path / "journal.jsonl"
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -9
    last = unfinished(path)
    assert last is not None
    assert (last["event"], last["number"]) == ("statement", 3)


@pytest.mark.parametrize("tail", ['{"at": "2026", "eve', '{"at"', "{}", "\x00\x00\x00", "[1]", '"text"'])
def test_a_last_line_that_was_cut_is_left_out(tail: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.write("started", pid=7)
    with path.open("a") as file:
        file.write(tail)
    assert [entry["event"] for entry in read(path)] == ["started"]


def test_a_journal_that_is_not_there_has_no_entries(tmp_path: Path) -> None:
    assert list(read(tmp_path / "none")) == []
    assert unfinished(tmp_path / "none") is None


def test_a_run_that_ended_is_finished(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("started")
        journal.write("ended", outcome="done")
    assert unfinished(tmp_path / "journal.jsonl") is None


def test_an_unfinished_run_tells_what_it_was_doing(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("started", database="app@db/shop", pid=7)
        journal.write("revision", revision="a1", path="a1.py")
        journal.write("statement", number=0, place="a1.py:9", sql="SELECT 1")
        journal.write("revision-done", revision="a1")
        journal.write("revision", revision="b2", path="b2.py")
        last = unfinished(journal.path)
        assert last is not None
        # Nothing of the first revision is said to be of the second.
        assert {key: value for key, value in last.items() if key != "at"} == {
            "event": "revision",
            "database": "app@db/shop",
            "pid": 7,
            "revision": "b2",
            "path": "b2.py",
        }
        journal.write("statement", number=4, place="b2.py:11", sql="SELECT 2")
        last = unfinished(journal.path)
        assert last is not None
        assert (last["revision"], last["place"], last["sql"], last["number"]) == ("b2", "b2.py:11", "SELECT 2", 4)


def test_a_closed_journal_may_be_closed_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.close()
    journal.close()
