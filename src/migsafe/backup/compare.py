"""Whether a database is what was recorded when its backup was made: objects, rows, sequences, contents."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from migsafe.backup.manifest import About, read_catalog
from migsafe.errors import UsageError, nearest
from migsafe.postgres.described import Object, copied, count, describe, sequence

Progress = Callable[[str, float | None], None]

# A CHECK of `x IN ('a', 'b')` on a varchar is printed with its casts in other places once it was restored (measured
# on 14 to 18): of two texts that differ in casts, parentheses and white space only, neither is wrong.
_CASTS = re.compile(r'::(?:(?:"[^"]+"|\w+)\.)?(?:"[^"]+"|[a-z_]\w*(?: (?:varying|precision|with(?:out)? time zone))?)')
_LAYOUT = re.compile(r"\(\d+(?:,\d+)?\)(?=[\[:)\s,]|$)|\[\]|[()\s]")
_PRINTED = ("constraint", "column", "index", "policy", "view", "materialized view", "trigger", "rule", "type", "table")
_OWNERS = ("owner", "access")
# Printed from a query, and differently by another major version (16 leaves out what names a column's only table).
_QUERIES = ("view", "materialized view", "rule")


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared, and a sentence for each difference. `tables`, `rows` and `objects` are those of the backup.

    `not_compared` says what could not be, and why.
    """

    tables: int
    rows: int
    objects: int
    checksums: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()


def chosen(about: About, checksum: Sequence[str]) -> tuple[str, ...]:
    """The tables to compare by content: those named, with `*` all. Raises UsageError for one that is not here."""
    if "*" in checksum:
        return tuple(about.checksums)
    names = tuple(name if "." in name else f"public.{name}" for name in checksum)
    for name in names:
        if name not in about.checksums:
            near = nearest(name, about.checksums)
            hint = f"Did you mean {near}?" if near else "Name a table of the backup as schema.table."
            raise UsageError(f"{name} is no table of this backup", hint)
    return names


def compare(
    connection: psycopg.Connection[Any],
    path: Path,
    about: About,
    *,
    checksum: Sequence[str] = (),
    without: Sequence[str] = (),
    on_progress: Progress,
) -> Comparison:
    """Hold the database of `connection` to the backup at `path`.

    `checksum` are tables whose contents are compared too, `without` kinds of objects that are not ("owner", "access",
    "extension"…). Raises UsageError for a table that the backup does not have, OSError and ValueError for a catalog
    that cannot be read.
    """
    tables = chosen(about, checksum)
    on_progress("comparing the catalog", None)
    recorded = [each for each in read_catalog(path) if each[0] not in without]
    found = [each for each in describe(connection) if each[0] not in without]
    same_version = connection.info.server_version // 10000 == about.server_version
    differences = [*_objects(recorded, found, same_version), *_rows(connection, about, recorded, on_progress)]
    differences += [*_sequences(connection, about), *_contents(connection, about, tables, on_progress)]
    return Comparison(
        tables=len(about.rows),
        rows=sum(about.rows.values()),
        objects=len(recorded),
        checksums=tables,
        differences=tuple(differences),
        not_compared=() if same_version else _of_queries(recorded, about, connection),
    )


def _of_queries(recorded: Iterable[Object], about: About, connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    number = sum(_is_query(kind, definition) for kind, _, definition in recorded)
    versions = f"{about.server_version} and {connection.info.server_version // 10000} print them differently"
    return (f"the queries of {number} views, rules and functions: {versions}",) if number else ()


def _is_query(kind: str, definition: str) -> bool:
    return kind in _QUERIES or (kind == "function" and "\nBEGIN ATOMIC\n" in definition)


def _objects(recorded: Iterable[Object], found: Iterable[Object], same_version: bool) -> Iterator[str]:
    before, now = _by_name(recorded), _by_name(found)
    for key in [key for key in before if key not in now]:
        yield f"{_label(key)} is missing"
    for key in [key for key in now if key not in before]:
        yield f"{_label(key)} is not in the backup"
    for key, text in before.items():
        if key in now and not _same(key[0], text, now[key], same_version):
            yield f"{_label(key)} is {_short(now[key])}, and was {_short(text)}"


def _by_name(objects: Iterable[Object]) -> dict[tuple[str, str], str]:
    return {(kind, name): definition for kind, name, definition in objects}


def _same(kind: str, one: str, other: str, same_version: bool) -> bool:
    if one == other:
        return True
    if not same_version and _is_query(kind, one):
        return True
    if kind == "access" and not same_version:
        # MAINTAIN is a privilege since 17, and the owner has it.
        return _without_maintain(one) == _without_maintain(other)
    return kind in _PRINTED and _meaning(one) == _meaning(other)


def _without_maintain(text: str) -> list[str]:
    return [each for each in text.split(", ") if not each.rstrip("*").endswith(" MAINTAIN")]


def _meaning(text: str) -> str:
    return _LAYOUT.sub("", _CASTS.sub("", text))


def _label(key: tuple[str, str]) -> str:
    return " ".join(filter(None, key)) if key[0] not in _OWNERS else f"{key[0]} of {key[1]}"


def _short(text: str) -> str:
    line = re.sub(r"\s+", " ", text).strip() or "without anything special"
    return line if len(line) <= 160 else f"{line[:160]}…"


def _rows(
    connection: psycopg.Connection[Any], about: About, recorded: Iterable[Object], on_progress: Progress
) -> Iterator[str]:
    """Tables of the backup's own; an extension's may hold more than it has saved of them."""
    own = {name.replace('"', "") for kind, name, _ in recorded if kind in ("table", "partitioned table")}
    for name, rows in about.rows.items():
        if name.replace('"', "") not in own:
            continue
        on_progress(f"counting {name}", None)
        space, _, table = name.partition(".")
        try:
            found = count(connection, space, table)
        except psycopg.Error as error:
            yield f"{name} cannot be counted: {_first_line(error)}"
        else:
            if found != rows:
                yield f"{name} has {found:,} rows, and the backup {rows:,}"


def _sequences(connection: psycopg.Connection[Any], about: About) -> Iterator[str]:
    for name, place in about.sequences.items():
        try:
            found = sequence(connection, name)
        except psycopg.Error as error:
            yield f"sequence {name} cannot be read: {_first_line(error)}"
        else:
            if found != tuple(place):
                yield f"sequence {name} stands at {found[0]}, and in the backup at {place[0]}"


def _contents(
    connection: psycopg.Connection[Any], about: About, tables: Iterable[str], on_progress: Progress
) -> Iterator[str]:
    for name in tables:
        on_progress(f"comparing the content of {name}", None)
        try:
            found = copied(connection, about.copied[name], about.encoding)
        except psycopg.Error as error:
            yield f"{name} cannot be read: {_first_line(error)}"
        else:
            if found != about.checksums[name]:
                yield f"the content of {name} is not that of the backup: its checksum differs"


def _first_line(error: psycopg.Error) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
