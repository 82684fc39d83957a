"""Saving one column of a table of a million rows, against pg_dump of that table: time and size as ratios.

    python benchmarks/saving.py [ROWS]

Three rounds, the best of each; pg_dump writes its directory format with its default compression (gzip), one job.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from migsafe.model.after import after
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement
from migsafe.postgres.binaries import find
from migsafe.postgres.catalog import read
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.embedded import scratch_server
from migsafe.saved import losses, save
from migsafe.sql.predict import predict

ROUNDS = 3
SETUP = (
    "CREATE TABLE big (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, note text, made timestamptz)",
    "INSERT INTO big (name, note, made) SELECT 'name ' || n, md5(n::text) || md5((n + 1)::text), now()"
    " FROM generate_series(1, {rows}) n",
    "VACUUM ANALYZE big",
)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with scratch_server() as server, server.database("saving") as database:
        with connect(database) as connection:
            for statement in SETUP:
                connection.execute(statement.format(rows=rows).encode())
        saved = min(_saved(database) for _ in range(ROUNDS))
        dumped = min(_dumped(database, server.version) for _ in range(ROUNDS))
    print(f"{rows:,} rows: save one column {saved[0]:.2f} s, {saved[1]:,} bytes")
    print(f"{rows:,} rows: pg_dump the table {dumped[0]:.2f} s, {dumped[1]:,} bytes")
    print(f"time {saved[0] / dumped[0]:.2f}, size {saved[1] / dumped[1]:.2f} of the dump")


def _saved(database: Database) -> tuple[float, int]:
    with connect(database) as own, tempfile.TemporaryDirectory() as folder:
        catalog = read(own)
        sql = "ALTER TABLE big DROP COLUMN note"
        effects = predict(sql, catalog)
        after(catalog, effects)
        step = Step("r1", ("r0",), "r1.py", statements=(Statement(sql=sql, effects=effects, revision="r1"),))
        plan = Plan(current=("r0",), target=("r1",), steps=(step,))
        found = losses(plan, catalog)
        began = time.monotonic()
        done = save(
            own,
            database,
            Path(folder),
            plan,
            catalog,
            found,
            store="files",
            up_to=1 << 40,
            keep=60,
            told=lambda _text, _fraction: None,
        )
        return time.monotonic() - began, sum(part.bytes for part in done.parts)


def _dumped(database: Database, version: int) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "dump"
        command = [str(find("pg_dump", version)), "--format=directory", "--table=big", f"--file={target}"]
        began = time.monotonic()
        subprocess.run(command, env=os.environ | database.environment(), check=True)
        took = time.monotonic() - began
        return took, sum(path.stat().st_size for path in target.iterdir())


if __name__ == "__main__":
    main()
