"""What a CONCURRENTLY statement that was cut off leaves is finished or cleared away; what is another's stays."""

import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from fix_postgres import Connect, Connection
from fix_stories import EnterStory, RunTo, Start, outcomes, wait_for, write_chain
from migsafe.model.run import Blocker
from migsafe.run import Ran

BLOCK = "with op.get_context().autocommit_block():\n    op.execute({0!r})"
DROP = BLOCK.format("DROP INDEX CONCURRENTLY ix")
REINDEX = BLOCK.format("REINDEX INDEX CONCURRENTLY ix")
REINDEX_TABLE = BLOCK.format("REINDEX TABLE CONCURRENTLY t")
CREATE = BLOCK.format("CREATE INDEX CONCURRENTLY ix ON t (id)")
DETACH = BLOCK.format("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY")
REFRESH = BLOCK.format("REFRESH MATERIALIZED VIEW CONCURRENTLY m")

NOTED = "SELECT FROM migsafe_progress WHERE found LIKE '%\"made\":[_%' AND found NOT LIKE '%\"made\":[]%'"
WAITS = "SELECT FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted"


@pytest.fixture
def owner(connect: Connect) -> Connection:
    """A session that has made a table t with an index ix, and a partitioned table p with the partition p1."""
    connection = connect()
    for statement in (
        "CREATE TABLE t (id integer, note text)",
        "INSERT INTO t SELECT generate_series(1, 100), 'x'",
        "CREATE INDEX ix ON t (id)",
        "CREATE TABLE p (id integer) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
    ):
        connection.execute(statement.encode())
    return connection


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migsafe.run.reconcile.TO_DROP", 0.3)


def reader(connect: Connect, table: str = "t") -> Connection:
    """A session that has read the table and not ended its transaction: a lock, and no snapshot."""
    connection = connect(autocommit=False)
    connection.execute(f"SELECT * FROM {table}".encode())
    return connection


def snapshot(connect: Connect) -> Connection:
    connection = connect(autocommit=False)
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.execute("SELECT 1")
    return connection


def indexes(connection: Connection, table: str = "t") -> dict[str, tuple[int, bool]]:
    """Oid and validity by name."""
    query = (
        "SELECT indexrelid::regclass::text, indexrelid::int8, indisvalid AND indisready AND indislive"
        " FROM pg_index WHERE indrelid = %s::regclass ORDER BY 1"
    )
    return {name: (oid, valid) for name, oid, valid in connection.execute(query, (table,))}


def cut_off(run_to: RunTo, after: float = 0.3) -> Ran:
    """Where something is left, the database is not as it was before."""
    ran = run_to(concurrently_deadline=after)
    assert (outcomes(ran), ran.stopped_at) == (["partial" if ran.notes else "failed"], "deadline")
    return ran


def killed_while_it_waits(child: subprocess.Popen[str], connection: Connection) -> None:
    """Kill -9 of the run, and the end of its session in the server."""
    wait_for(connection, WAITS)
    wait_for(connection, NOTED)
    child.kill()
    child.wait(timeout=30)
    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'virtualxid' AND NOT granted")
    wait_for(connection, f"SELECT WHERE NOT EXISTS ({WAITS})")


@pytest.mark.parametrize("body", [REINDEX, REINDEX_TABLE])
def test_the_new_copy_of_a_rebuild_that_was_given_up_is_dropped(
    body: str, enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect
) -> None:
    write_chain(enter_story("generic"), body)
    before = indexes(owner)
    old = snapshot(connect)
    ran = cut_off(run_to)
    assert "REINDEX CONCURRENTLY public." in f"{ran.failure}"
    assert (indexes(owner), ran.notes) == (before, ())
    old.rollback()
    assert outcomes(run_to()) == ["done"]
    after = indexes(owner)
    assert after.keys() == before.keys()
    assert after["ix"] != before["ix"]


def test_of_a_rebuild_that_died_the_copies_of_others_are_kept(
    enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect, start_run: Start, tmp_path: Path
) -> None:
    write_chain(enter_story("generic"), REINDEX_TABLE)
    owner.execute("CREATE INDEX other_ccnew ON t (note)")
    owner.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'other_ccnew'::regclass")
    theirs = indexes(owner)["other_ccnew"]
    old = snapshot(connect)
    killed_while_it_waits(start_run(tmp_path / "journal"), owner)
    assert "ix_ccnew" in indexes(owner)
    old.rollback()
    told: list[str] = []
    assert outcomes(run_to(told=lambda text, _fraction: told.append(text))) == ["done"]
    assert [text for text in told if "other_ccnew" in text and "dropping" in text] == []
    assert "dropping public.ix_ccnew: an interrupted build left it invalid" in told
    assert indexes(owner).keys() == {"ix", "other_ccnew"}
    assert indexes(owner)["other_ccnew"] == theirs


def test_a_rebuild_whose_new_copy_is_in_place_is_done(
    enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect
) -> None:
    write_chain(enter_story("generic"), REINDEX)
    before = indexes(owner)["ix"]
    report = reader(connect)
    # Before it comes to readers, it waits for whatever sessions of ours are looking.
    ran = cut_off(run_to, after=1.0)
    left = indexes(owner)
    assert left["ix"][1]
    assert left["ix_ccold"] == (before[0], False)
    assert [note.partition(",")[0] for note in ran.notes] == ["public.ix_ccold is left invalid"]
    assert "DROP INDEX CONCURRENTLY public.ix_ccold;" in ran.notes[0]
    report.rollback()
    ran = run_to()
    assert (outcomes(ran), ran.steps[0].resumed) == (["done"], 1)
    assert indexes(owner) == {"ix": left["ix"]}


def test_a_drop_that_was_cut_off_is_told_with_the_way_back_and_finished(
    enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect
) -> None:
    write_chain(enter_story("generic"), DROP)
    report = reader(connect)
    ran = cut_off(run_to)
    assert ran.notes == (
        "public.ix is left half dropped: no query uses it, and every write still pays for it; the next run finishes "
        "the drop; to have it back instead: REINDEX INDEX CONCURRENTLY public.ix;",
    )
    assert indexes(owner)["ix"][1] is False
    report.rollback()
    told: list[str] = []
    assert outcomes(run_to(told=lambda text, _fraction: told.append(text))) == ["done"]
    assert "public.ix was left half dropped; dropping it goes on" in told
    assert indexes(owner) == {}


def test_the_way_back_from_a_drop_that_was_cut_off_is_one(
    enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect
) -> None:
    write_chain(enter_story("generic"), DROP)
    report = reader(connect)
    way_back = cut_off(run_to).notes[0].rpartition(": ")[2]
    report.rollback()
    owner.execute(way_back.encode())
    assert indexes(owner)["ix"][1] is True
    # The revision still wants it dropped.
    assert outcomes(run_to()) == ["done"]
    assert indexes(owner) == {}


def test_an_index_that_took_the_name_of_the_dropped_one_is_not_dropped(
    enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect
) -> None:
    write_chain(enter_story("generic"), DROP)
    report = reader(connect)
    cut_off(run_to)
    report.rollback()
    owner.execute("DROP INDEX CONCURRENTLY ix")
    owner.execute("CREATE INDEX ix ON t (note)")
    before = indexes(owner)
    ran = run_to()
    assert (outcomes(ran), ran.steps[0].resumed) == (["done"], 1)
    assert indexes(owner) == before


@pytest.mark.parametrize("columns", ["(lower(note), id)", "(id) INCLUDE (note) WHERE id > 3"])
def test_an_index_that_was_never_noted_is_known_by_what_it_looks_like(
    columns: str,
    enter_story: EnterStory,
    run_to: RunTo,
    owner: Connection,
    connect: Connect,
    start_run: Start,
    tmp_path: Path,
) -> None:
    write_chain(enter_story("generic"), BLOCK.format(f"CREATE INDEX CONCURRENTLY fresh ON t {columns}"))
    old = snapshot(connect)
    killed_while_it_waits(start_run(tmp_path / "journal"), owner)
    owner.execute("UPDATE migsafe_progress SET found = regexp_replace(found, '\"made\":[^]]*]', '\"made\":[]')")
    before = indexes(owner)["fresh"]
    old.rollback()
    assert outcomes(run_to()) == ["done"]
    oid, valid = indexes(owner)["fresh"]
    assert valid
    assert oid != before[0]


def test_an_index_that_was_built_meanwhile_under_the_name_is_neither_dropped_nor_taken_for_ours(
    enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect, start_run: Start, tmp_path: Path
) -> None:
    write_chain(enter_story("generic"), CREATE)
    owner.execute("DROP INDEX ix")
    old = snapshot(connect)
    killed_while_it_waits(start_run(tmp_path / "journal"), owner)
    old.rollback()
    owner.execute("DROP INDEX CONCURRENTLY ix")
    owner.execute("CREATE INDEX ix ON t (id)")
    owner.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix'::regclass")
    before = indexes(owner)
    ran = run_to()
    assert outcomes(ran) == ["failed"]
    assert "public.ix on public.t is there already, but invalid, and not this revision's" in f"{ran.failure}"
    assert indexes(owner) == before


def test_a_build_whose_leftover_cannot_be_dropped_yet_says_so_and_is_cleared_away_later(
    enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect
) -> None:
    write_chain(enter_story("generic"), CREATE)
    owner.execute("DROP INDEX ix")
    writer = connect(autocommit=False)
    writer.execute("INSERT INTO t VALUES (0)")
    ran = cut_off(run_to)
    assert [note.partition(",")[0] for note in ran.notes] == ["public.ix is left invalid"]
    assert "because its table is being read: no write pays for it any more; the next run drops it" in ran.notes[0]
    writer.rollback()
    assert outcomes(run_to()) == ["done"]
    assert [valid for _, valid in indexes(owner).values()] == [True]


def test_a_partition_that_is_half_detached_is_told_and_detached_by_the_next_run(
    enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect
) -> None:
    write_chain(enter_story("generic"), DETACH)
    report = reader(connect, "p")
    ran = cut_off(run_to)
    assert ran.notes == (
        "public.p1 is half detached from public.p; the next run finishes it, or by hand: "
        'ALTER TABLE "public"."p" DETACH PARTITION "public"."p1" FINALIZE;',
    )
    assert attached(owner) == [("p1", True)]
    report.rollback()
    told: list[str] = []
    assert outcomes(run_to(told=lambda text, _fraction: told.append(text))) == ["done"]
    assert "public.p1 was left half detached from public.p; detaching it goes on" in told
    assert attached(owner) == []


def test_who_reads_the_partition_itself_does_not_wait_for_the_end_of_its_detaching(
    enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect
) -> None:
    write_chain(enter_story("generic"), DETACH)
    first, second = reader(connect, "p1"), connect()

    def read() -> None:
        wait_for(owner, "SELECT FROM pg_locks WHERE relation = 'p1'::regclass AND mode = 'AccessExclusiveLock'")
        second.execute("SELECT * FROM p1")

    def blocked(_blockers: tuple[Blocker, ...], pause: float) -> None:
        if pause:
            first.rollback()

    thread = threading.Thread(target=read)
    thread.start()
    ran = run_to(on_blocked=blocked)
    thread.join()
    assert outcomes(ran) == ["done"]
    first_attempt, *_, last = ran.steps[0].attempts
    assert first_attempt.sqlstate in ("57014", "57P01")
    assert last.sqlstate is None
    assert attached(owner) == []


def test_a_partition_that_somebody_else_has_detached_for_good_is_done(
    enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect
) -> None:
    write_chain(enter_story("generic"), DETACH)
    report = reader(connect, "p")
    cut_off(run_to)
    report.rollback()
    owner.execute("ALTER TABLE p DETACH PARTITION p1 FINALIZE")
    ran = run_to()
    assert (outcomes(ran), ran.steps[0].resumed) == (["done"], 1)


def test_a_refresh_that_was_given_up_leaves_nothing(
    enter_story: EnterStory, run_to: RunTo, owner: Connection, connect: Connect
) -> None:
    owner.execute("CREATE MATERIALIZED VIEW m AS SELECT id FROM t")
    owner.execute("CREATE UNIQUE INDEX m_id ON m (id)")
    write_chain(enter_story("generic"), REFRESH)
    holder = connect(autocommit=False)
    holder.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY m")
    ran = cut_off(run_to)
    assert [each.pid for each in ran.steps[0].attempts[-1].blocked_by] == [holder.info.backend_pid]
    assert ran.notes == ()
    holder.rollback()
    assert outcomes(run_to()) == ["done"]


def attached(connection: Connection) -> list[tuple[Any, ...]]:
    query = "SELECT inhrelid::regclass::text, inhdetachpending FROM pg_inherits WHERE inhparent = 'p'::regclass"
    return connection.execute(query).fetchall()
