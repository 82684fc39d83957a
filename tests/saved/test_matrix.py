"""Every kind of destructive statement: upgraded, written to, undone, and held to a twin that was never upgraded."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fix_postgres import Connect
from migsafe.postgres.connection import Database
from saved.cases import GROUPS, Case
from saved.undoing import VERSIONS, Undoing

CreateDatabase = Callable[[], Database]


def undone(create: CreateDatabase, connect: Connect, folder: Path, cases: tuple[Case, ...], rows: int) -> None:
    """All cases as one run over one database, and over its twin what was written afterwards alone."""
    live, twin = (Undoing(create(), connect, folder / name) for name in ("live", "twin"))
    setup = [each.replace("{rows}", str(rows)) for case in cases for each in case.setup]
    later = [each for case in cases for each in case.later]
    for each in (live, twin):
        each.run(*VERSIONS, *setup)
    live.migrate(*(each for case in cases for each in case.destroys), rows=50 if rows < 1000 else None)
    assert live.rows() != live.before
    live.run(*later)
    twin.run(*later)
    done = live.undo()
    assert done.first == ()
    assert (done.notes, done.counts.conflicting, [each.because for each in done.parts if each.because]) == ((), 0, [])
    found, wanted = live.rows(), twin.rows()
    inserts = any("INSERT" in each or "MERGE" in each for case in cases for each in case.destroys)
    assert found.pop("public.alembic_version") == [{"version_num": "r1" if inserts else "r0"}]
    del wanted["public.alembic_version"]
    assert {name: found.get(name) for name in wanted if found.get(name) != wanted[name]} == {}
    assert found.keys() == wanted.keys()
    assert live.shape() == twin.shape()


@pytest.mark.parametrize("group", GROUPS)
def test_what_was_destroyed_is_back_and_what_was_written_since_is_kept(
    create_database: CreateDatabase, connect: Connect, tmp_path: Path, group: str
) -> None:
    undone(create_database, connect, tmp_path, GROUPS[group], rows=200)


@pytest.mark.servers
@pytest.mark.parametrize("group", GROUPS)
def test_the_same_with_a_hundred_thousand_rows_each(
    create_database: CreateDatabase, connect: Connect, tmp_path: Path, group: str
) -> None:
    undone(create_database, connect, tmp_path, GROUPS[group], rows=100_000)
