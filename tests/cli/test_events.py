"""`--events` tells a program what happens, one JSON object a line, and nothing else."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe
from fix_postgres import Connect, Connection
from fix_stories import write_revision
from migsafe.postgres.connection import Database

HEAD = "c05b3e86d7f1"


@pytest.fixture
def project(environment: Environment, database: Database, alembic: Run) -> Path:
    """The generic story at its head, with one pending revision that adds a column to customers."""
    folder = environment("generic", database)
    assert alembic(folder, "upgrade head").returncode == 0
    write_revision(folder, "f01", HEAD, 'op.add_column("customers", sa.Column("name", sa.Text()))')
    return folder


@pytest.fixture
def report(project: Path, connect: Connect) -> Iterator[int]:
    """A report over customers that ends when a run waits for it; its pid."""
    session = connect(autocommit=False, application_name="monthly report")
    session.execute("SELECT count(*) FROM customers")
    over = Event()
    leaving = Thread(target=_leave, args=(session, project / "events.jsonl", over))
    leaving.start()
    yield session.info.backend_pid
    over.set()
    leaving.join()


def _leave(session: Connection, file: Path, over: Event) -> None:
    while not (over.wait(0.05) or (file.exists() and '"wait"' in file.read_text())):
        pass
    session.rollback()


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_run_that_waits_is_told_from_attempt_to_done(project: Path, migsafe: Migsafe, report: int) -> None:
    done = migsafe(project, "upgrade head --yes --backup none --events events.jsonl")
    assert done.returncode == 0, done.stderr
    told = events((project / "events.jsonl").read_text())
    names = [each["event"] for each in told]
    # On a busy machine an attempt may fail between the wait and the lock, and the next one has it.
    assert [name for name in dict.fromkeys(names) if name not in ("progress", "failed")] == [
        *("attempt", "blocker", "wait", "acquired", "done")
    ]
    assert "progress" in names
    blocker = next(each for each in told if each["event"] == "blocker")
    assert (blocker["pid"], blocker["application"], blocker["relation"]) == (
        report,
        "monthly report",
        "public.customers",
    )
    acquired = next(each for each in told if each["event"] == "acquired")
    assert acquired["locks"] == {"public.customers": "ACCESS EXCLUSIVE"}
    assert (told[-1]["outcome"], told[-1]["exit_code"], told[-1]["failure"]) == ("done", 0, None)
    assert all(each["at"].endswith("+00:00") for each in told)


def test_events_are_added_to_a_file_and_a_run_with_nothing_to_do_is_done_too(project: Path, migsafe: Migsafe) -> None:
    for _ in range(2):
        assert migsafe(project, "upgrade head --yes --backup none --events events.jsonl").returncode == 0
    told = events((project / "events.jsonl").read_text())
    assert [each["exit_code"] for each in told if each["event"] == "done"] == [0, 0]
    assert [each["event"] for each in told].count("attempt") == 1
    printed = migsafe(project, "upgrade head --yes --backup none --events -").stdout
    assert [each["event"] for each in events(printed)] == ["done"]


@pytest.mark.parametrize(
    ("words", "said"), [("--events nowhere/events", "nowhere/events"), ("--events - --format json", "standard output")]
)
def test_events_that_cannot_be_written_are_wrong_usage(words: str, said: str, project: Path, migsafe: Migsafe) -> None:
    done = migsafe(project, f"upgrade head --yes {words}")
    assert (done.returncode, said in done.stderr) == (2, True)


def test_a_refusal_and_a_failure_are_told_too(project: Path, migsafe: Migsafe) -> None:
    refused = migsafe(project, "upgrade head --yes --events -", MIGSAFE_PG_BIN=str(project))
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert [(each["outcome"], each["exit_code"]) for each in events(refused.stdout) if each["event"] == "done"] == [
        ("refused", 1)
    ]
    write_revision(project, "f02", "f01", 'op.execute("SELECT 1 / 0")')
    failed = migsafe(project, "upgrade head --yes --backup none --events -")
    told = events(failed.stdout)
    assert [each["sqlstate"] for each in told if each["event"] == "failed"] == ["22012"]
    assert (told[-1]["event"], told[-1]["outcome"], told[-1]["exit_code"]) == ("done", "partial", 4)
    unknown = events(migsafe(project, "upgrade nowhere --yes --events -").stdout)
    assert (unknown[-1]["event"], unknown[-1]["outcome"], unknown[-1]["exit_code"]) == ("done", None, 2)


def test_neither_a_full_disk_nor_a_reader_that_goes_away_stops_the_migration(project: Path, migsafe: Migsafe) -> None:
    write_revision(project, "f02", "f01", 'op.add_column("customers", sa.Column("age", sa.Integer()))')
    assert migsafe(project, "upgrade f01 --yes --backup none --events /dev/full").returncode == 0
    os.mkfifo(project / "events")

    def read_one_line() -> None:
        with (project / "events").open() as file:
            file.readline()

    reader = Thread(target=read_one_line)
    reader.start()
    done = migsafe(project, "upgrade head --yes --backup none --events events")
    reader.join()
    assert done.returncode == 0, done.stdout + done.stderr
