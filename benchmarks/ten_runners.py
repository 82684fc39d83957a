"""Ten `migsafe upgrade head` at once on one database, again and again: one works, nine wait or find nothing to do.

`python benchmarks/ten_runners.py [TIMES]`, fifty by default. Each time on a new database of the embedded server, with
a history of three revisions, a concurrent index build among them; every second time each runner has a folder (`runs`)
of its own, as pods have. It ends with 1 at the first time that any of the ten fails, more than one works, or the
database is not where it should be.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from project import MIGSAFE, embedded, maintain, project, session

from migsafe.postgres.connection import Database

TEN, TIMES = 10, 50
BODIES = (
    'op.execute("CREATE TABLE t (id integer)")',
    'with op.get_context().autocommit_block():\n        op.execute("CREATE INDEX CONCURRENTLY ix ON t (id)")',
    'op.execute("ALTER TABLE t ADD COLUMN n integer")',
)


def pods(folder: Path, scratch: Path) -> list[Path]:
    """TEN folders with the files of `folder`, and nothing else in common."""
    made = [scratch / f"pod{number}" for number in range(TEN)]
    for each in made:
        each.mkdir(parents=True)
        for name in ("alembic.ini", "migrations"):
            (each / name).symlink_to(folder / name)
    return made


def at_once(folders: list[Path], database: Database) -> list[tuple[int, str]]:
    environment = os.environ | {"DATABASE_URL": database.url("psycopg")}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", MIGSAFE, "upgrade", "head", "--yes", "--backup", "none"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for folder in folders
    ]
    said = [child.communicate()[0] for child in children]
    return [(child.returncode, text) for child, text in zip(children, said, strict=True)]


def wrong(ran: list[tuple[int, str]], folders: list[Path], database: Database) -> str | None:
    """What is not as it should be, None when all is."""
    failed = [f"exit code {code}:\n{said}" for code, said in ran if code]
    if failed:
        return "\n".join(failed)
    workers = sum("Done: " in said for _, said in ran)
    directories = sum(len(list((folder / ".migsafe" / "runs").glob("*"))) for folder in set(folders))
    with session(database) as connection:
        heads = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        invalid = connection.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchone()
    found = (workers, directories, heads, invalid)
    return None if found == (1, 1, [("r002",)], (0,)) else f"workers, run directories, heads, invalid indexes: {found}"


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    took = []
    with tempfile.TemporaryDirectory() as scratch, embedded() as server:
        for number in range(times):
            maintain(server, f"CREATE DATABASE ten_{number}")
            database = server.replace(dbname=f"ten_{number}")
            folder = project(Path(scratch) / f"time{number}", BODIES)
            folders = pods(folder, folder / "pods") if number % 2 else [folder] * TEN
            began = time.perf_counter()
            said = wrong(at_once(folders, database), folders, database)
            took.append(time.perf_counter() - began)
            if said is not None:
                sys.exit(f"time {number + 1} of {times}: {said}")
    print(f"{TEN} at once, {times} times: each time one worked, {TEN - 1} found nothing to do, none failed")
    print(f"all ten together took {statistics.median(took):.1f} s (median), {max(took):.1f} s (longest)")


if __name__ == "__main__":
    main()
