"""How long `migsafe explain` takes, in processor time (user and system) beyond Python's own start."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

TABLE = "CREATE TABLE t{0} (id bigint PRIMARY KEY, note varchar(100), parent bigint REFERENCES t0);\n"
STATEMENTS = (
    "ALTER TABLE t{0} ADD COLUMN total numeric(10, 2) DEFAULT 0;\n",
    "CREATE INDEX CONCURRENTLY ON t{0} (note);\n",
    "ALTER TABLE t{0} ALTER COLUMN note TYPE varchar(200);\n",
    "UPDATE t{0} SET note = 'x' WHERE id < 10;\n",
)
ROUNDS = 7


def seconds(command: list[str], folder: Path) -> float:
    """The least of several runs: what else the machine does only adds."""
    return min(_once(command, folder) for _ in range(ROUNDS))


def _once(command: list[str], folder: Path) -> float:
    before = _used()
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return _used() - before


def _used() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "schema.sql").write_text("".join(TABLE.format(number) for number in range(100)))
        many = (STATEMENTS[number % 4].format(number % 100) for number in range(2_000))
        (folder / "many.sql").write_text("".join(many))
        explain = [sys.executable, "-c", "from migsafe.cli import main; main()", "explain", "--format", "json"]
        start = seconds([sys.executable, "-c", "pass"], folder)
        print(f"python -c pass                                {start:.3f} s")
        for label, arguments in (
            ("explain, one statement, no schema", ["DROP TABLE t"]),
            ("explain, one statement, schema of 100 tables", ["--schema", "schema.sql", "DROP TABLE t7"]),
            ("explain, 2,000 statements, the same schema", ["--schema", "schema.sql", "many.sql"]),
        ):
            beyond = seconds([*explain, *arguments], folder) - start
            print(f"{label:<45} {beyond:.3f} s beyond Python's start, {beyond / start:.1f} times it")


if __name__ == "__main__":
    main()
