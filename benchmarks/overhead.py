"""What migsafe costs over Alembic: `upgrade head` at head, and a whole history on an empty database.

`python benchmarks/overhead.py [FOLDER]`. FOLDER is a project with an alembic.ini whose URL is in DATABASE_URL, or is
replaced by it (the PYTHONPATH that it needs in the environment); without one, a history of 200 revisions is made.
On the embedded server, each measured alternately, the median of the ratios; `--backup none` for the history, and every
finding accepted. Goals: 1.3 at head, 1.5 over a history (which is not met, and why: decision 035).
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from project import ALEMBIC, MIGSAFE, embedded, maintain, project

from migsafe.lint import all_rules
from migsafe.postgres.connection import Database

REVISIONS, ROUNDS_AT_HEAD, ROUNDS = 200, 9, 3
BODIES = (
    'op.create_table("t{n}", sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("name", sa.Text))',
    'op.add_column("t{before}", sa.Column("a{n}", sa.Integer))',
    'op.execute("UPDATE t{table} SET name = name WHERE id < 10")',
    'op.alter_column("t{table}", "name", new_column_name="name{n}")',
)


def history(folder: Path) -> Path:
    """A project of REVISIONS revisions: each four a new table, a column, an UPDATE, a rename."""
    named = ({"n": number, "before": number - 1, "table": number - number % 4} for number in range(REVISIONS))
    return project(folder, (BODIES[number % 4].format(**names) for number, names in enumerate(named)))


def timed(folder: Path, code: str, words: list[str], database: Database, *, accepted: tuple[int, ...] = (0,)) -> float:
    """Seconds of one process; its driver is the one that env.py's URL names."""
    url = database.url(os.environ.get("MIGSAFE_BENCH_DRIVER", "psycopg"))
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"DATABASE_URL": url}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=folder, env=environment, capture_output=True, text=True
    )
    seconds = time.perf_counter() - began
    if done.returncode not in accepted:
        sys.exit(f"{' '.join(words)} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return seconds


def accepting() -> list[str]:
    """Every finding: what is measured is the run."""
    return [word for rule in all_rules() for word in ("--allow", rule.name)] + ["--because", "a benchmark"]


def fresh(server: Database, number: int) -> Database:
    name = f"bench_{number}"
    maintain(server, f"CREATE DATABASE {name}")
    return server.replace(dbname=name)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, embedded() as server:
        folder = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else history(Path(scratch) / "project")
        words = ["upgrade", "head"]
        guarded = [*words, "--yes", "--backup", "none", *accepting()]
        number, pairs = 0, []
        for _ in range(ROUNDS):
            seconds = []
            for code, arguments in ((ALEMBIC, words), (MIGSAFE, guarded)):
                number += 1
                seconds.append(timed(folder, code, arguments, fresh(server, number), accepted=(0, 5)))
            pairs.append(seconds)
            print(f"history: alembic {seconds[0]:6.2f} s, migsafe {seconds[1]:6.2f} s, {seconds[1] / seconds[0]:.2f}")
        print(f"history: migsafe / alembic = {statistics.median(b / a for a, b in pairs):.2f} (goal 1.5)")
        at_head = server.replace(dbname=f"bench_{number}")
        pairs = [
            [timed(folder, ALEMBIC, words, at_head), timed(folder, MIGSAFE, [*words, "--yes"], at_head)]
            for _ in range(ROUNDS_AT_HEAD)
        ]
        medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
        print(f"at head: alembic {medians[0]:.3f} s, migsafe {medians[1]:.3f} s")
        print(f"at head: migsafe / alembic = {statistics.median(b / a for a, b in pairs):.2f} (goal 1.3)")


if __name__ == "__main__":
    main()
