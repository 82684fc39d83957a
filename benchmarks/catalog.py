"""How long the catalog of a database with 10,000 tables takes to read, and the strongest lock held meanwhile.

`python benchmarks/catalog.py [TABLES]`, on the embedded server.
"""

import sys
import threading
import time

import psycopg

from migsafe.model.locks import LockMode
from migsafe.postgres.binaries import wheel
from migsafe.postgres.catalog import read
from migsafe.postgres.cluster import running

BATCH = 250
LOCKS = "SELECT DISTINCT mode FROM pg_locks WHERE pid = %s AND locktype = 'relation'"


def main(tables: int) -> None:
    programs = wheel()
    if programs is None:
        sys.exit("pip install 'alembic-migsafe[embedded]'")
    with running(programs) as database:
        keywords = database.parameters
        with psycopg.connect(**keywords, autocommit=True) as connection, psycopg.connect(**keywords) as eye:
            _fill(connection, tables)
            for _ in range(3):
                seconds, found, mode = _measure(connection, eye)
                print(f"{found} relations read in {seconds:.2f} s; strongest lock held: {mode.text}")


def _fill(connection: psycopg.Connection, tables: int) -> None:
    """Each with ten columns, a primary key, an index, a CHECK, a default from a sequence and a foreign key."""
    columns = ", ".join(f"c{number} text" for number in range(6))
    for first in range(0, tables, BATCH):
        with connection.transaction():
            for number in range(first, min(first + BATCH, tables)):
                connection.execute(
                    f"CREATE TABLE t{number} (id bigserial PRIMARY KEY,"
                    f" before bigint REFERENCES t{max(0, number - 1)}, "
                    f"qty int DEFAULT 1 CHECK (qty > 0), at timestamptz DEFAULT now(), {columns});"
                    f"CREATE INDEX ON t{number} (before)"
                )
    connection.execute("ANALYZE pg_class, pg_attribute, pg_constraint, pg_depend, pg_index")


def _measure(connection: psycopg.Connection, eye: psycopg.Connection) -> tuple[float, int, LockMode]:
    """Seconds, number of relations, and the strongest lock that another session saw ours hold."""
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.update(mode for (mode,) in eye.execute(LOCKS, (connection.info.backend_pid,)))
            eye.rollback()
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    try:
        catalog = read(connection)
        seconds = time.perf_counter() - started
    finally:
        done.set()
        watcher.join()
    return seconds, len(catalog.relations), max(map(LockMode, seen), key=lambda mode: mode.strength)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
