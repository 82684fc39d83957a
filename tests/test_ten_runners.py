"""Ten `migsafe upgrade head` at once, as ten pods of one deployment start: one works, and none fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fix_alembic import Environment
from fix_postgres import Connect
from fix_stories import write_chain
from migsafe.postgres import advisory
from migsafe.postgres.connection import Database

TEN = 10
COMMAND = [sys.executable, "-c", "from migsafe.cli import main; main()"]


def all_at_once(folders: list[Path], words: str) -> list[tuple[int, str]]:
    """The exit codes and what was said, of one process in each of the folders."""
    children = [
        subprocess.Popen(
            [*COMMAND, *words.split()],
            cwd=folder,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for folder in folders
    ]
    said = [child.communicate(timeout=300)[0] for child in children]
    return [(child.returncode, text) for child, text in zip(children, said, strict=True)]


@pytest.mark.parametrize("pods", [False, True], ids=["one folder", "a file system each"])
def test_one_works_and_nine_find_nothing_to_do(
    pods: bool, environment: Environment, database: Database, connect: Connect, tmp_path: Path
) -> None:
    folder = environment("generic", database)
    write_chain(
        folder,
        'op.execute("CREATE TABLE t (id integer)")',
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("ix", "t", ["id"], postgresql_concurrently=True)',
        'op.execute("ALTER TABLE t ADD COLUMN n integer")',
    )
    folders = [folder] * TEN
    if pods:
        folders = [tmp_path / f"pod{number}" for number in range(TEN)]
        for each in folders:
            each.mkdir()
            for name in ("alembic.ini", "migrations", "models.py"):
                if (folder / name).exists():
                    (each / name).symlink_to(folder / name)
    ran = all_at_once(folders, "upgrade head --yes --backup none")
    assert [code for code, _ in ran] == [0] * TEN, "\n".join(said for code, said in ran if code)
    assert sum("Done: " in said for _, said in ran) == 1
    assert sum("Nothing to do: " in said for _, said in ran) == TEN - 1
    assert connect().execute("SELECT version_num FROM alembic_version").fetchall() == [("f02",)]
    assert connect().execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix'::regclass").fetchone() == (True,)
    directories = {path for each in set(folders) for path in (each / ".migsafe" / "runs").glob("*")}
    assert len(directories) == 1


def test_at_head_nobody_asks_for_the_lock(environment: Environment, database: Database, connect: Connect) -> None:
    folder = environment("generic", database)
    write_chain(folder, 'op.execute("CREATE TABLE t (id integer)")')
    assert all_at_once([folder], "upgrade head --yes --backup none")[0][0] == 0
    holder = connect(application_name="the first runner")
    holder.execute("SELECT pg_advisory_lock(%s)", (advisory.key(database.dbname, "public.alembic_version"),))
    ((code, said),) = all_at_once([folder], "upgrade head --yes --backup none --deadline 1s")
    assert (code, "Nothing to do: " in said) == (0, True), said
