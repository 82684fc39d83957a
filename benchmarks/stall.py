"""How long the application waits for a migration: the same revision by `alembic upgrade` and by `migsafe upgrade`.

`python benchmarks/stall.py [NAME …]`, NAME a word of the list below (add-column, rename …); without one, all.
On the embedded server: two tables of 500,000 rows, four clients in short transactions (two reads, two writes), and one
transaction of 8 seconds that has read both tables (a report). The command is started right after the report. What is
measured is the longest transaction of a client from before the start of the command to after its end. `!` marks a
migration that was not done; what the command said follows then.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
from project import ALEMBIC, MIGSAFE, embedded, maintain, project, session

from migsafe.postgres.connection import Database

ROWS, CLIENTS, REPORT = 500_000, 4, 8.0
SCHEMA = f"""
CREATE TABLE customers (id integer PRIMARY KEY, name text, note text);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL, total integer, note text);
INSERT INTO customers SELECT n, 'customer ' || n, 'x' FROM generate_series(1, {ROWS}) n;
INSERT INTO orders SELECT n, n, n % 1000, 'x' FROM generate_series(1, {ROWS}) n;
"""
PARENT = (
    "CREATE TABLE sold (id integer, customer_id integer NOT NULL, total integer, note text) PARTITION BY RANGE (id)"
)


class Case(msgspec.Struct, frozen=True):
    """A migration: SQL to prepare, the bodies of its revisions, and a query that is true when it is done."""

    title: str
    bodies: tuple[str, ...]
    done: str
    before: tuple[str, ...] = ()


def _column(name: str) -> str:
    return f"SELECT FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = '{name}'"


CASES = {
    "add-column": Case(
        "ADD COLUMN",
        ('op.add_column("orders", sa.Column("weight", sa.Integer()))',),
        f"SELECT EXISTS ({_column('weight')})",
    ),
    "drop-column": Case("DROP COLUMN", ('op.drop_column("orders", "note")',), f"SELECT NOT EXISTS ({_column('note')})"),
    "set-not-null": Case(
        "SET NOT NULL after a validated CHECK",
        ('op.alter_column("orders", "total", nullable=False)',),
        "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'total'",
        (
            "ALTER TABLE orders ADD CONSTRAINT total_there CHECK (total IS NOT NULL) NOT VALID",
            "ALTER TABLE orders VALIDATE CONSTRAINT total_there",
        ),
    ),
    "foreign-key": Case(
        "ADD FOREIGN KEY NOT VALID + VALIDATE",
        (
            'op.create_foreign_key("fk", "orders", "customers", ["customer_id"], ["id"], postgresql_not_valid=True)',
            'op.execute("ALTER TABLE orders VALIDATE CONSTRAINT fk")',
        ),
        "SELECT convalidated FROM pg_constraint WHERE conname = 'fk'",
    ),
    "create-index": Case(
        "CREATE INDEX CONCURRENTLY",
        (
            "with op.get_context().autocommit_block():\n"
            '        op.create_index("ix", "orders", ["customer_id"], postgresql_concurrently=True)',
        ),
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix')",
    ),
    "attach-partition": Case(
        "ATTACH PARTITION",
        (f'op.execute("ALTER TABLE sold ATTACH PARTITION orders FOR VALUES FROM (1) TO ({ROWS + 1})")',),
        "SELECT relispartition FROM pg_class WHERE oid = 'orders'::regclass",
        (
            PARENT,
            f"ALTER TABLE orders ADD CONSTRAINT part CHECK (id IS NOT NULL AND id >= 1 AND id < {ROWS + 1}) NOT VALID",
            "ALTER TABLE orders VALIDATE CONSTRAINT part",
        ),
    ),
    "rename": Case(
        "RENAME COLUMN",
        ('op.alter_column("orders", "note", new_column_name="remark")',),
        f"SELECT EXISTS ({_column('remark')})",
    ),
}
ACCEPTED = {"drop-column": ("drop-column",), "rename": ("rename-breaks-running-code",)}


class Measured(msgspec.Struct, frozen=True):
    """Seconds of the longest transaction of a client, and of the command; whether the migration is done."""

    longest: float
    command: float
    done: bool
    said: str


def main(names: list[str]) -> None:
    chosen = names or list(CASES)
    print(f"{'longest transaction of the application':<40} {'alembic upgrade':>22} {'migsafe upgrade':>22}")
    with embedded() as server:
        maintain(server, "CREATE DATABASE model")
        with session(server.replace(dbname="model")) as connection:
            connection.execute(SCHEMA)
            connection.execute("VACUUM ANALYZE")
        for name in chosen:
            case = CASES[name]
            accepted = [word for rule in ACCEPTED.get(name, ()) for word in ("--allow", rule)]
            accepted += ["--because", "benchmark"] if accepted else []
            guarded = [MIGSAFE, "upgrade", "head", "--yes", "--backup", "none", *accepted]
            pair = [_measure(server, case, command) for command in ([ALEMBIC, "upgrade", "head"], guarded)]
            shown = [f"{each.longest:.2f} s{' ' if each.done else '!'}(of {each.command:4.1f} s)" for each in pair]
            print(f"{case.title:<40} {shown[0]:>22} {shown[1]:>22}", flush=True)
            for each in pair:
                if not each.done:
                    print(each.said)


def _measure(server: Database, case: Case, command: list[str]) -> Measured:
    maintain(server, "DROP DATABASE IF EXISTS shop WITH (FORCE)", "CREATE DATABASE shop TEMPLATE model")
    database = server.replace(dbname="shop")
    with session(database) as connection, tempfile.TemporaryDirectory() as name:
        for statement in (*case.before, "CHECKPOINT"):
            connection.execute(statement.encode())
        folder = project(Path(name) / "project", case.bodies)
        environment = os.environ | {"DATABASE_URL": database.url("psycopg")}
        with _report(database), _clients(database) as longest:
            time.sleep(0.2)
            began = time.monotonic()
            arguments = [sys.executable, "-c", *command]
            done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            took = time.monotonic() - began
            # Whoever waits still is in the middle of a transaction.
            time.sleep(0.5)
        row = connection.execute(case.done.encode()).fetchone()
        ok = done.returncode == 0 and row is not None and bool(row[0])
        return Measured(max(longest), took, ok, done.stdout + done.stderr)


@contextmanager
def _report(database: Database) -> Iterator[None]:
    """One transaction of 8 seconds that has read both tables."""
    with session(database, autocommit=False) as connection:
        connection.execute("SELECT sum(total) FROM orders JOIN customers ON customers.id = customer_id")
        thread = threading.Thread(target=_go_on, args=(connection,))
        thread.start()
        yield
        thread.join()


def _go_on(connection: psycopg.Connection) -> None:
    connection.execute("SELECT pg_sleep(%s)", (REPORT,))
    connection.commit()


@contextmanager
def _clients(database: Database) -> Iterator[list[float]]:
    """Four sessions in short transactions over both tables; the list gets the longest transaction of each."""
    longest, over = [0.0] * CLIENTS, threading.Event()
    threads = [threading.Thread(target=_client, args=(database, n, longest, over)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield longest
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _client(database: Database, number: int, longest: list[float], over: threading.Event) -> None:
    with session(database, autocommit=False) as connection:
        row = number
        while not over.is_set():
            row = (row * 7919 + number) % ROWS + 1
            began = time.monotonic()
            connection.execute("SELECT name FROM customers WHERE id = %s", (row,))
            connection.execute("SELECT total FROM orders WHERE id = %s", (row,))
            connection.execute("UPDATE orders SET total = total WHERE id = %s", (row,))
            connection.execute("UPDATE customers SET name = name WHERE id = %s", (row,))
            connection.commit()
            longest[number] = max(longest[number], time.monotonic() - began)
            time.sleep(0.005)


if __name__ == "__main__":
    main(sys.argv[1:])
