"""`migsafe status`: what a run has left, whoever asks, and what the next one will do about it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fix_migsafe import Migsafe
from fix_postgres import Connect, Role
from fix_stories import FIRST_LINE, EnterStory, RunTo, Start, outcomes, wait_for, write_chain
from migsafe import rundir
from migsafe.journal import Journal
from migsafe.model.report import Report
from migsafe.model.status import Status
from migsafe.postgres import advisory
from migsafe.postgres.connection import Database
from migsafe.revisions.config import open_environment
from migsafe.settings import Settings
from migsafe.situation import Asked
from migsafe.status import status

CREATE = 'op.execute("CREATE TABLE t (id integer)")'
ADD = 'op.execute("ALTER TABLE t ADD COLUMN a integer")'
BUILD = (
    'op.execute("INSERT INTO t VALUES (1)")\n'
    "with op.get_context().autocommit_block():\n"
    '    op.create_index("ix", "t", ["id"], postgresql_concurrently=True)'
)
Look = Callable[..., Status]


class Nobody:
    """An Observer that sees nothing."""

    def known(self, database: Database) -> None: ...

    def planned(self, report: Report) -> bool:
        return True

    def progress(self, text: str, fraction: float | None) -> None: ...

    def blocked(self, blockers: object, pause: float) -> None: ...


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(directory=str(tmp_path))


@pytest.fixture
def look(settings: Settings) -> Look:
    """`look(url=None)`: the status of the story that was entered."""

    def ask(url: str | None = None) -> Status:
        return status(open_environment(), settings, Asked("heads", url=url), Nobody())

    return ask


def crashed(settings: Settings, database: Database, *entries: dict[str, str], target: str = "f01") -> Path:
    """A run directory whose journal ends in the middle of a line."""
    path = rundir.create(settings, (), (target,))
    with Journal(path / rundir.JOURNAL) as log:
        facts = {"command": "upgrade", "database": database.label, "current": [], "target": [target]}
        log.write("started", **facts, pid=2**22 + 1, host=os.uname().nodename)
        for entry in entries:
            log.write(entry["event"], **{name: value for name, value in entry.items() if name != "event"})
    with (path / rundir.JOURNAL).open("a") as file:
        file.write('{"at": "2026-01-01T00:0')
    return path


def test_nothing_half_done_is_said_and_what_is_pending(
    enter_story: EnterStory, run_to: RunTo, look: Look, database: Database
) -> None:
    write_chain(enter_story("generic"), CREATE, ADD)
    found = look()
    assert (found.heads, found.pending, found.recorded, found.leftovers, found.runner) == (
        *((), ("f00", "f01"), (), (), None),
    )
    assert (found.database, found.last, found.exit_code) == (database.label, None, 0)
    assert outcomes(run_to()) == ["done", "done"]
    assert (look().heads, look().pending) == (("f01",), ())


def test_a_build_that_was_cut_off_is_told_with_what_the_next_run_does_about_it(
    enter_story: EnterStory,
    run_to: RunTo,
    connect: Connect,
    start_run: Start,
    settings: Settings,
    look: Look,
) -> None:
    write_chain(enter_story("generic"), CREATE, BUILD)
    assert outcomes(run_to("f00")) == ["done"]
    old = connect(autocommit=False)
    old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    old.execute("SELECT 1")
    journal = rundir.create(settings, ("f00",), ("f01",)) / rundir.JOURNAL
    child = start_run(journal)
    connection = connect()
    wait_for(connection, "SELECT FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted")
    assert look().last is not None
    assert f"{look().last}".count("running") == 1
    child.kill()
    child.wait(timeout=30)

    found = look()
    assert [(each.number, each.finished) for each in found.recorded or ()] == [(1, True), (2, False)]
    done, begun = found.recorded or ()
    assert done.next == "skips it"
    (left,) = found.leftovers or ()
    assert begun.next == f"waits for pid {left.worker}, which works on public.ix still"
    assert begun.place == f"migrations/versions/f01_written.py:{FIRST_LINE + 2}"
    assert f"{begun.sql}".startswith("CREATE INDEX CONCURRENTLY ix ON t")
    assert found.last is not None
    assert (found.last.outcome, found.last.revision, found.last.pid) == ("crashed", "f01", child.pid)
    assert found.exit_code == 4

    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted")
    wait_for(connection, "SELECT FROM pg_index WHERE indexrelid = 'ix'::regclass AND NOT indisvalid")
    wait_for(connection, f"SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {left.worker})")
    _, begun = look().recorded or ()
    assert begun.next == "drops the invalid index public.ix, then runs it again"
    (left,) = look().leftovers or ()
    assert left.next == f"revision f01, statement 2: {begun.next}"
    old.rollback()
    assert outcomes(run_to()) == ["done"]
    assert (look().recorded, look().leftovers, look().exit_code) == ((), (), 0)


def test_a_crash_in_a_transaction_leaves_nothing_and_one_between_two_revisions_is_part_way(
    enter_story: EnterStory, run_to: RunTo, settings: Settings, look: Look, database: Database
) -> None:
    write_chain(enter_story("generic"), CREATE, ADD)
    place = "migrations/versions/f01_written.py:11"
    revision = {"event": "revision", "revision": "f00", "path": "migrations/versions/f00_written.py"}
    path = crashed(settings, database, revision, {"event": "statement", "place": place, "sql": "CREATE TABLE t"})
    found = look()
    assert found.last is not None
    assert (found.last.directory, found.last.outcome, found.last.event) == (str(path), "crashed", "statement")
    assert (found.last.revision, found.last.place, found.last.sql) == ("f00", place, "CREATE TABLE t")
    assert (found.part_way, found.exit_code) == (False, 0)
    assert outcomes(run_to("f00")) == ["done"]
    assert (look().part_way, look().exit_code) == (True, 4)
    assert outcomes(run_to("f01")) == ["done"]
    assert (look().part_way, look().exit_code) == (False, 0)


def test_leftovers_that_no_revision_knows_are_told_with_the_sql_that_clears_them_away(
    enter_story: EnterStory, connect: Connect, look: Look
) -> None:
    write_chain(enter_story("generic"), CREATE)
    connection = connect()
    for statement in (
        "CREATE TABLE parts (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (10)",
        'CREATE INDEX "Odd_ccnew1" ON part (id)',
        "CREATE INDEX old_ccold ON part (id)",
        "UPDATE pg_index SET indisvalid = false WHERE indrelid = 'part'::regclass",
        "UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'part'::regclass",
    ):
        connection.execute(statement.encode())
    found = look()
    assert [(each.kind, each.name, each.relation, each.end) for each in found.leftovers or ()] == [
        ("new copy of an index", "public.Odd_ccnew1", "public.part", 'DROP INDEX CONCURRENTLY "public"."Odd_ccnew1";'),
        ("old copy of an index", "public.old_ccold", "public.part", 'DROP INDEX CONCURRENTLY "public"."old_ccold";'),
        (
            *("partition half detached", "public.part", "public.parts"),
            'ALTER TABLE "public"."parts" DETACH PARTITION "public"."part" FINALIZE;',
        ),
    ]
    assert found.exit_code == 4


def test_a_role_that_may_only_read_the_version_table_is_told_what_it_does_not_see(
    enter_story: EnterStory, run_to: RunTo, connect: Connect, role: Role, look: Look
) -> None:
    write_chain(enter_story("generic"), CREATE)
    assert outcomes(run_to()) == ["done"]
    reader = role("reader")
    connection = connect()
    connection.execute(f"GRANT SELECT ON alembic_version TO {reader.parameters['user']}")
    connection.execute("CREATE TABLE migsafe_progress (revision text)")
    found = look(reader.url("psycopg"))
    assert (found.heads, found.recorded, found.leftovers) == (("f00",), None, ())
    assert found.unknown == (f"migsafe_progress: GRANT SELECT ON it to {reader.parameters['user']}",)


def test_who_migrates_now_is_told_and_nothing_is_wrong_then(
    enter_story: EnterStory, connect: Connect, look: Look, database: Database
) -> None:
    write_chain(enter_story("generic"), CREATE)
    holder = connect(application_name="migsafe lock")
    holder.execute("SELECT pg_advisory_lock(%s)", (advisory.key(database.dbname, "public.alembic_version"),))
    connect().execute(
        "CREATE TABLE migsafe_progress (revision text, number int, digest text, finished bool, at timestamptz)"
    )
    connect().execute("INSERT INTO migsafe_progress VALUES ('f00', 0, 'x', false, now())")
    found = look()
    assert found.runner is not None
    assert (found.runner.pid, found.runner.application) == (holder.info.backend_pid, "migsafe lock")
    assert found.runner.age is not None
    assert found.exit_code == 0


def test_the_last_run_is_found_whoever_made_it_and_only_on_its_version_table(
    enter_story: EnterStory, run_to: RunTo, connect: Connect, role: Role, look: Look, settings: Settings
) -> None:
    write_chain(enter_story("generic"), CREATE)
    assert outcomes(run_to()) == ["done"]
    reader = role("reader")
    connect().execute(f"GRANT SELECT ON alembic_version TO {reader.parameters['user']}".encode())
    mine = crashed(
        settings, reader.replace(user="somebody_else"), {"event": "run", "version_table": "public.alembic_version"}
    )
    crashed(settings, reader, {"event": "run", "version_table": "tenant_b.alembic_version"})
    last = look(reader.url("psycopg")).last
    assert last is not None
    assert (Path(last.directory).name, last.database) == (mine.name, reader.replace(user="somebody_else").label)


def test_without_a_server_the_story_of_the_run_directory_is_told(
    enter_story: EnterStory, migsafe: Migsafe, database: Database
) -> None:
    folder = enter_story("generic")
    write_chain(folder, CREATE)
    statement = {"event": "statement", "revision": "f00", "place": "f00.py:11", "sql": "CREATE TABLE t"}
    crashed(Settings(directory=str(folder)), database, statement, target="f00")
    ini = folder / "alembic.ini"
    ini.write_text(
        "\n".join(
            "sqlalchemy.url = postgresql+psycopg://nobody:s3cr3t-word@127.0.0.1:1/nowhere"
            if line.startswith("sqlalchemy.url")
            else line
            for line in ini.read_text().splitlines()
        )
    )
    done = migsafe(folder, "status")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "cannot be asked" in done.stdout
    assert "crashed, process" in done.stdout
    assert "in revision f00, at f00.py:11: CREATE TABLE t" in done.stdout
    assert "s3cr3t-word" not in done.stdout + done.stderr
    told = json.loads(migsafe(folder, "status --format json").stdout)
    assert (told["exit_code"], told["last"]["outcome"], told["recorded"]) == (2, "crashed", None)


def test_it_says_what_to_type_next(enter_story: EnterStory, run_to: RunTo, migsafe: Migsafe, connect: Connect) -> None:
    folder = enter_story("generic")
    write_chain(folder, CREATE, 'op.execute("SELECT 1 / 0")')
    assert migsafe(folder, "upgrade head --yes --backup none").returncode == 4
    done = migsafe(folder, "status")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "f00 (public.alembic_version), 1 revision behind f01" in done.stdout
    assert "nobody migrates it now" in done.stdout
    assert f"f01_written.py:{FIRST_LINE}: SELECT 1 / 0" in done.stdout
    assert "division by zero" in done.stdout
    assert done.stdout.endswith("  carries on from there:\n    migsafe upgrade f01\n")
