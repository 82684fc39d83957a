"""What the run dropped beside rows and columns is made again, from schema.dump."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import psycopg

from migsafe.model.saved import Entry, Manifest
from migsafe.postgres import saved_facts
from migsafe.saved import definitions
from migsafe.saved.files import DIRECTORY
from migsafe.saved.guarded import Guarded, together
from migsafe.sql.split import split

_AFTER_ROWS = (
    "INDEX ",
    "CONSTRAINT ",
    "FK CONSTRAINT ",
    "TRIGGER ",
    "RULE ",
    "POLICY ",
    "STATISTICS ",
    "EVENT TRIGGER ",
    "MATERIALIZED VIEW ",
)
_INDEX = re.compile(r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)(?=\S+ ON (?!ONLY ))")
_FOREIGN = re.compile(r"(ALTER TABLE .*?)ADD CONSTRAINT (\"(?:[^\"]|\"\")*\"|\S+) FOREIGN KEY .*", re.DOTALL)
_ATTACH = re.compile(
    r"ALTER (?:TABLE|INDEX) .*? ATTACH PARTITION ((?:\"(?:[^\"]|\"\")*\"|[^\s;.])+\.(?:\"(?:[^\"]|\"\")*\"|[^\s;.])+)"
)
_THERE = (
    psycopg.errors.DuplicateObject,
    psycopg.errors.DuplicateTable,
    psycopg.errors.DuplicateFunction,
    psycopg.errors.DuplicateSchema,
    psycopg.errors.DuplicateColumn,
    psycopg.errors.InvalidTableDefinition,
)


class Made(msgspec.Struct):
    """What is still to be made, in the order in which it can be; `notes` on what cannot."""

    manifest: Manifest
    folder: Path
    waiting: list[Entry]
    notes: list[str] = []
    names: list[str] = []


def gone(guarded: Guarded, manifest: Manifest, directory: Path) -> Made:
    """What the run took away and nobody has made again since, with the comments and grants on it."""
    missing = saved_facts.missing(guarded.connection, manifest.entries)
    if manifest.gone is not None:
        missing = tuple(each for each in missing if each.id in manifest.gone)
    ids = {each.id for each in missing}
    hanging = [each for each in manifest.entries if not each.oid and ids & set(each.depends)]
    chosen = {each.id for each in (*missing, *hanging)}
    entries = [each for each in manifest.entries if each.id in chosen]
    return Made(manifest, directory / DIRECTORY, entries)


def tables(made: Made) -> tuple[str, ...]:
    """The kinds and names of what is to be made, as pg_restore lists them, without owners."""
    return tuple(each.what.rpartition(" ")[0] for each in made.waiting if each.oid)


def make(guarded: Guarded, made: Made, *, rows_are_back: bool) -> None:
    """Make what can be made now; what needs something else stays in `made.waiting`.

    Indexes and all that checks rows come when those are back, except for the keys of tables that are made here: by
    these their rows are found.
    """
    fresh = {each.id for each in made.waiting if each.what.startswith("TABLE ")}
    left = True
    while left:
        left = False
        for entry in tuple(made.waiting):
            early = entry.what.startswith("CONSTRAINT ") and fresh & set(entry.depends)
            if not rows_are_back and entry.what.startswith(_AFTER_ROWS) and not early:
                continue
            came = _made(guarded, made, entry, last=False)
            if came != "failed":
                made.waiting.remove(entry)
                left = True
            if came == "made":
                made.names.append(entry.what.rpartition(" ")[0])


def give_up(guarded: Guarded, made: Made) -> None:
    """Say of each that is left why it cannot be made."""
    for entry in tuple(made.waiting):
        if _made(guarded, made, entry, last=True) != "failed":
            made.waiting.remove(entry)


def _made(guarded: Guarded, made: Made, entry: Entry, *, last: bool) -> Literal["made", "there", "failed"]:
    assert made.manifest.schema is not None
    text = definitions.sql_of(made.folder, made.manifest.schema, (entry,), made.manifest.server_version)
    try:
        for sql in _statements(text):
            if (attached := _ATTACH.match(sql)) and saved_facts.is_partition(guarded.connection, attached[1]):
                return "there"
            _run(guarded, sql)
    except _THERE:
        return "there"
    except psycopg.Error as error:
        if last:
            said = error.diag.message_primary or str(error)
            made.notes.append(f"{entry.what.rpartition(' ')[0]} could not be made again: {said}")
        return "failed"
    return "made"


def _statements(text: str) -> Iterator[str]:
    for piece in split(text):
        if not piece.sql.startswith(("SET ", "SELECT pg_catalog.set_config", "\\")):
            yield piece.sql


def _run(guarded: Guarded, sql: str) -> None:
    if _INDEX.match(sql) and _concurrently(guarded, sql):
        return
    foreign = _FOREIGN.match(sql)
    if foreign is None or "NOT VALID" in sql:
        together(guarded, sql)
        return
    try:
        together(guarded, f"{sql} NOT VALID")
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.WrongObjectType):
        # Of a partitioned table, before 18.
        together(guarded, sql)
        return
    together(guarded, f"{foreign[1]}VALIDATE CONSTRAINT {foreign[2]}".replace("ALTER TABLE ONLY", "ALTER TABLE"))


def _concurrently(guarded: Guarded, sql: str) -> bool:
    """Whether the index was built beside the writers; not that of a partitioned table."""
    name = re.match(r"CREATE (?:UNIQUE )?INDEX (\"(?:[^\"]|\"\")*\"|\S+) ON (\"(?:[^\"]|\"\")*\"|[^\" .]+)\.", sql)
    if name is not None and saved_facts.is_invalid_index(guarded.connection, f"{name[2]}.{name[1]}"):
        together(guarded, f"DROP INDEX {name[2]}.{name[1]}")
    try:
        guarded.alone(_INDEX.sub(lambda found: f"CREATE {found[1] or ''}INDEX CONCURRENTLY ", sql, count=1))
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.WrongObjectType):
        return False
    return True


def refreshed(entries: Iterable[str]) -> tuple[str, ...]:
    """The materialized views among what was made, as `schema name`."""
    return tuple(each.removeprefix("MATERIALIZED VIEW ") for each in entries if each.startswith("MATERIALIZED VIEW "))
