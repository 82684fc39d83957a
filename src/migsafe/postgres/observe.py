"""Effects of a statement, by running it on a scratch server and looking: pg_locks, relfilenode, DEBUG1 messages.

The other producer of Effects is the parse tree; tests hold the two against each other. What is observed are locks,
rewrites, scans, builds, truncates, waits_for and in_transaction. A lock that is released before a statement inside a
transaction ends (SET STORAGE takes one on each index) is not seen.
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from migsafe.model.effects import Build, Effects
from migsafe.model.locks import Lock, LockMode
from migsafe.postgres.bystanders import Watched, watch
from migsafe.postgres.queries import query
from migsafe.postgres.sqlstate import ACTIVE_SQL_TRANSACTION, server_message, sqlstate_of

Session = psycopg.Connection[Any]
_TRUNCATE = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*TRUNCATE\b", re.IGNORECASE | re.DOTALL)
# tablecmds.c, ATRewriteTable and validateForeignKeyConstraint; names without their schema. Same texts in 14 to 18.
_WHOLE = re.compile(r'(?:rewriting|verifying) table "(.+)"$')
_FOREIGN_KEY = re.compile(r'validating foreign key constraint "(.+)"$')
_COPY = re.compile(r"\s*COPY\b.*\b(?:FROM\s+STDIN|(TO)\s+STDOUT)\b", re.IGNORECASE | re.DOTALL)
_TABLES = ("table", "materialized view")
# Before 15 a process of its own keeps the counters, and hands them out as of half a second ago (PGSTAT_STAT_INTERVAL).
_COUNTERS_LATE = 0.6


class _Relation(msgspec.Struct, frozen=True):
    oid: int
    name: str
    kind: str
    filenode: int
    table_oid: int | None
    method: str | None
    scans: int


class _Seen(msgspec.Struct, frozen=True):
    """Relations before and after by oid, locks by oid and mode, DEBUG1 messages.

    `validated` are the foreign keys that were not valid before: the name and the tables that were compared.
    """

    before: Mapping[int, _Relation]
    after: Mapping[int, _Relation]
    locks: frozenset[tuple[int, str]]
    messages: tuple[str, ...]
    validated: tuple[tuple[str, frozenset[int]], ...]


def observe(sql: str, connection: Session, *, keep: bool = False) -> Effects:
    """Run one statement on a scratch server and say what it did; `keep` leaves it done, else it is rolled back.

    `connection` must be idle, in autocommit mode, and nobody else at work in the database. A statement that refuses
    a transaction block (SQLSTATE 25001) is run outside of one, and stays done: `in_transaction` is False then. When
    the statement fails `unknown` is SQLSTATE and message of the server.
    """
    try:
        return _effects(sql, _inside(sql, connection, keep))
    except psycopg.Error as error:
        if sqlstate_of(error) != ACTIVE_SQL_TRANSACTION:
            return _failed(error, in_transaction=True)
    try:
        seen, watched = _outside(sql, connection)
    except psycopg.Error as error:
        return _failed(error, in_transaction=False)
    effects = _effects(sql, seen)
    return msgspec.structs.replace(
        effects,
        in_transaction=False,
        waits_for=_waits_for(watched, seen.before),
        concurrently=bool(watched.waits),
        builds=tuple(msgspec.structs.replace(build, concurrently=bool(watched.waits)) for build in effects.builds),
    )


def _failed(error: psycopg.Error, *, in_transaction: bool) -> Effects:
    reason = f"{sqlstate_of(error) or 'no SQLSTATE'}: {server_message(error).primary}"
    return Effects(unknown=reason, in_transaction=in_transaction, source="observed")


def _inside(sql: str, connection: Session, keep: bool) -> _Seen:
    with connection.transaction(force_rollback=not keep), _messages(connection) as messages:
        before, valid = _relations(connection), _foreign_keys(connection)
        connection.execute(query("observe_settings"), {"local": True})
        _run(sql, connection)
        locks = _locks(connection, connection.info.backend_pid)
        validated = _new(_foreign_keys(connection), valid)
        return _Seen(before, _relations(connection), locks, tuple(messages), validated)


def _outside(sql: str, connection: Session) -> tuple[_Seen, Watched]:
    with _messages(connection) as messages:
        _await_counters(connection)
        before, valid = _relations(connection), _foreign_keys(connection)
        was = _rows(connection, "observe_settings_now")
        connection.execute(query("observe_settings"), {"local": False})
        try:
            watched = watch(connection, lambda: _run(sql, connection))
        finally:
            for row in () if connection.closed else was:
                connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (row["name"], row["setting"]))
        _await_counters(connection)
        after = _relations(connection)
        validated = _new(_foreign_keys(connection), valid)
        return _Seen(before, after, watched.locks, tuple(messages), validated), watched


def _await_counters(connection: Session) -> None:
    if connection.info.server_version < 150000:
        time.sleep(_COUNTERS_LATE)


def _run(sql: str, connection: Session) -> None:
    text = sql.encode(connection.info.encoding)
    copies = _COPY.match(sql)
    if copies is None:
        connection.execute(text)
        return
    with connection.cursor() as cursor, cursor.copy(text) as copy:
        for _ in copy if copies[1] else ():
            pass


@contextmanager
def _messages(connection: Session) -> Iterator[list[str]]:
    found: list[str] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        found.append(diagnostic.message_primary or "")

    connection.add_notice_handler(note)
    try:
        yield found
    finally:
        connection.remove_notice_handler(note)


def _rows(connection: Session, name: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query(name), parameters).fetchall()


def _relations(connection: Session) -> dict[int, _Relation]:
    rows = _rows(connection, "observe_relations")
    return {row["oid"]: msgspec.convert(row, _Relation) for row in rows}


def _locks(connection: Session, pid: int) -> frozenset[tuple[int, str]]:
    return frozenset((row["oid"], row["mode"]) for row in _rows(connection, "observe_locks", {"pid": pid}))


def _foreign_keys(connection: Session) -> dict[int, tuple[str, frozenset[int]]]:
    rows = _rows(connection, "observe_foreign_keys")
    return {row["oid"]: (row["name"], frozenset(row["relations"])) for row in rows}


def _new(keys: dict[int, tuple[str, frozenset[int]]], before: Iterable[int]) -> tuple[tuple[str, frozenset[int]], ...]:
    return tuple(key for oid, key in keys.items() if oid not in before)


def _effects(sql: str, seen: _Seen) -> Effects:
    renewed = [
        before
        for oid, before in seen.before.items()
        if before.filenode and oid in seen.after and seen.after[oid].filenode != before.filenode
    ]
    tables = _names(relation for relation in renewed if relation.kind in _TABLES)
    truncates = bool(_TRUNCATE.match(sql))
    # TRUNCATE builds the indexes of the new, empty file, which counts as a scan of it.
    return Effects(
        locks=_strongest(seen),
        rewrites=() if truncates else tables,
        truncates=tables if truncates else (),
        scans=tuple(name for name in _scans(seen) if not (truncates and name in tables)),
        builds=() if truncates else _builds(seen),
        source="observed",
    )


def _strongest(seen: _Seen) -> tuple[Lock, ...]:
    modes: dict[int, LockMode] = {}
    for oid, text in seen.locks:
        mode = LockMode(text)
        if oid in seen.before and (oid not in modes or mode.strength > modes[oid].strength):
            modes[oid] = mode
    locks = (Lock(seen.before[oid].name, seen.before[oid].kind, mode) for oid, mode in modes.items())
    return tuple(sorted(locks, key=lambda lock: lock.relation))


def _scans(seen: _Seen) -> tuple[str, ...]:
    touched = {oid for oid, _ in seen.locks if oid in seen.before}
    oids = {oid for oid, after in seen.after.items() if oid in seen.before and after.scans > seen.before[oid].scans}
    for message in seen.messages:
        if match := _WHOLE.match(message):
            oids |= {oid for oid in touched if _bare(oid, seen) == match[1] and seen.before[oid].kind in _TABLES}
        if match := _FOREIGN_KEY.match(message):
            compared = (oid for name, tables in seen.validated if name == match[1] for oid in tables)
            oids |= {oid for oid in compared if oid in touched and seen.before[oid].kind in _TABLES}
    return _names(seen.before[oid] for oid in oids)


def _bare(oid: int, seen: _Seen) -> str:
    return seen.before[oid].name.partition(".")[2]


def _builds(seen: _Seen) -> tuple[Build, ...]:
    """Indexes of tables that were there before, in files that were not: one that keeps its file was not built."""
    files = {relation.filenode for relation in seen.before.values()}
    found = []
    for oid, index in seen.after.items():
        table = seen.before.get(index.table_oid or 0)
        if index.kind == "index" and table is not None and index.filenode not in files:
            name = seen.before[oid].name if oid in seen.before else index.name
            found.append(Build(name, table.name, method=index.method or "btree"))
    return tuple(sorted(found, key=lambda build: build.index))


def _waits_for(watched: Watched, before: Mapping[int, _Relation]) -> tuple[str, ...]:
    found: set[str] = set()
    for name, locks in watched.waits:
        if name == "older snapshots":
            found.add(name)
            continue
        held = (before[oid].name for oid, _ in locks if oid in before and before[oid].kind in _TABLES)
        found |= {f"{name} {relation}" for relation in held}
    return tuple(sorted(found))


def _names(relations: Iterable[_Relation]) -> tuple[str, ...]:
    return tuple(sorted({relation.name for relation in relations}))
