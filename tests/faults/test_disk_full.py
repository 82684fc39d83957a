"""A disk that is full, the server's or that of the run directory: where, what is in, and the run with room again."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from faults.conftest import SETTINGS, Begin, Reference, Trial, Undisturbed, arrived
from faults.revisions import STORIES
from faults.revisions import TRANSACTIONAL as REVISION
from faults.state import state
from fix_postgres import Connection
from fix_stories import CreateDatabase, write_chain
from migsafe.cli.terminal import Terminal
from migsafe.postgres.connection import Database
from migsafe.postgres.connection import connect as connect_to

pytestmark = pytest.mark.servers

TRANSACTIONAL = 'op.execute("INSERT INTO crowded SELECT n, md5(n::text) FROM generate_series(1, 100000) AS n")'
AUTOCOMMIT = """
with op.get_context().autocommit_block():
    op.execute("INSERT INTO orders SELECT max(id) + 1, 1, 1 FROM orders")
    op.execute("CREATE INDEX CONCURRENTLY ix_wide ON wide (padding) TABLESPACE crowded")
"""
MIXED = f"""
op.execute("UPDATE accounts SET balance = balance + 1 WHERE id <= 100")
{AUTOCOMMIT}
op.execute("INSERT INTO orders SELECT max(id) + 1, 1, 1 FROM orders")
"""
BODIES = {
    "transactional": (TRANSACTIONAL,),
    "autocommit": (AUTOCOMMIT,),
    "mixed": (MIXED,),
    "multi": (REVISION, MIXED, TRANSACTIONAL),
}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes that everybody may write to. Needs root."""
    folder = Path("/mnt") / f"migsafe-{tmp_path.name}"
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=777", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


@pytest.fixture
def tablespace(small_disk: Path, postgres: Database) -> Iterator[Path]:
    """Tablespace `crowded` on it. It ends after the databases that are made after it."""
    place = small_disk / "crowded"
    place.mkdir()
    owner = Path(postgres.parameters["host"]).stat()
    shutil.chown(place, owner.st_uid, owner.st_gid)
    with connect_to(postgres) as connection:
        connection.execute(f"CREATE TABLESPACE crowded LOCATION '{place}'".encode())
    yield place
    with connect_to(postgres) as connection:
        connection.execute("DROP TABLESPACE crowded")


def crowded(connection: Connection) -> None:
    connection.execute("CREATE TABLE crowded (id integer, padding text) TABLESPACE crowded")
    connection.execute("CREATE TABLE wide (id integer, padding text)")
    connection.execute("INSERT INTO wide SELECT n, md5(n::text) FROM generate_series(1, 100000) AS n")
    connection.execute("ANALYZE")


@pytest.mark.parametrize("story", BODIES)
def test_the_servers(story: str, tablespace: Path, begin: Begin, create_database: CreateDatabase) -> None:
    def begun() -> Trial:
        trial = begin("transactional", create_database())
        write_chain(trial.folder, "pass", *BODIES[story])
        crowded(trial.connection)
        return trial

    resize(tablespace.parent, "64m")
    other = begun()
    assert other.upgrade().code == 0
    reference = Reference(state(other.connection), 0)
    other.connection.execute("TRUNCATE crowded; DROP INDEX IF EXISTS ix_wide")
    resize(tablespace.parent, "2m")

    trial = begun()
    done = trial.upgrade("--skip", "disk", "--because", "it is to fill")
    assert done.code == (3 if story == "transactional" else 4), done.ending
    (attempt,) = done.attempts
    assert attempt["sqlstate"] == "53100"
    assert "No space left on device (SQLSTATE 53100)" in done.out
    assert f"Free space on the database server, in tablespace crowded ({tablespace})" in done.out
    assert f"then run the same command again: migsafe upgrade f0{len(BODIES[story])}" in done.out
    resize(tablespace.parent, "64m")
    again = trial.upgrade()
    assert (again.code, set(again.outcomes)) == (0, {"done"}), again.ending
    arrived(trial, reference)


@pytest.mark.parametrize("story", STORIES)
def test_that_of_the_run_directory(
    story: str, begin: Begin, undisturbed: Undisturbed, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = undisturbed(story)
    trial = begin(story)
    (trial.folder / "migsafe.toml").write_text(f'runs = "{small_disk}/runs"\n{SETTINGS}')
    filler = small_disk / "filler"

    told = Terminal.progress

    def progress(self: Terminal, text: str, fraction: float | None) -> None:
        """To the last page, when the UPDATE is next; the journal has some room left in its own."""
        if text.startswith("op.execute") and "UPDATE accounts" in text and not filler.exists():
            filler.write_bytes(b"")
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(b"0" * 4096):
                    continue
        told(self, text, fraction)

    with monkeypatch.context() as patched:
        patched.setattr(Terminal, "progress", progress)
        # More than the rest of a page.
        patched.setattr("migsafe.run.guard.short", lambda sql: sql + " " * 5000)
        done = trial.upgrade()
    assert done.code == {"autocommit": 4}.get(story, 3), done.ending
    assert "the run directory (" in done.out
    assert "cannot be written: No space left on device" in done.out
    filler.unlink()
    assert trial.upgrade().code == 0
    arrived(trial, reference)
