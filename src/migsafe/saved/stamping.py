"""Whether a restore undid a run altogether: then the version table may say so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from migsafe import rundir
from migsafe.model.catalog import Catalog
from migsafe.model.saved import Manifest
from migsafe.saved.files import DIRECTORY
from migsafe.saved.tables import SCHEMA

CATALOG = "catalog.json"
_KINDS = (
    "relations",
    "columns",
    "constraints",
    "indexes",
    "types",
    "extensions",
    "triggers",
    "rules",
    "policies",
    "statistics",
    "functions",
    "publications",
    "event_triggers",
)
# What differs from day to day.
_SIZES = {"rows": None, "bytes": None}


def keep(directory: Path, catalog: Catalog) -> None:
    """Keep the schema of before the run in its directory. Raises OSError."""
    rundir.write(directory / DIRECTORY / CATALOG, msgspec.json.encode(shape(catalog)))


def shape(catalog: Catalog) -> dict[str, dict[str, Any]]:
    """What of a schema must be equal, by kind and name; the order of columns is not."""
    plain: dict[str, Any] = msgspec.to_builtins(catalog)
    for relation in plain["relations"].values():
        relation.update(_SIZES)
    for index in plain["indexes"].values():
        # The text tells them already, and says nothing of the place of columns.
        index.pop("mentions", None)
    return {kind: {name: each for name, each in _flat(plain[kind], kind) if not _ours(name)} for kind in _KINDS}


def _ours(name: str) -> bool:
    """Whether it is there only to undo or to resume a run."""
    return name.startswith(f"{SCHEMA}.") or name.partition(".")[2].startswith(("migsafe_undo_", "migsafe_restore"))


def _flat(things: dict[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    """Columns and such are by relation and name; one level is easier to compare."""
    nested = ("columns", "constraints", "triggers", "rules", "policies")
    for name, thing in things.items():
        if kind in nested:
            yield from ((f"{name}.{inner}", value) for inner, value in thing.items())
        else:
            yield name, thing


def differences(directory: Path, catalog: Catalog) -> tuple[str, ...]:
    """What is otherwise in `catalog` than before the run, as labels."""
    try:
        before: dict[str, dict[str, Any]] = msgspec.json.decode((directory / DIRECTORY / CATALOG).read_bytes())
    except (OSError, msgspec.DecodeError):
        return (f"the schema of before cannot be read from {CATALOG}",)
    now = msgspec.json.decode(msgspec.json.encode(shape(catalog)))
    return tuple(_compared(before, now))


def _compared(before: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> Iterator[str]:
    for kind, things in before.items():
        other = now.get(kind, {})
        word = {"indexes": "index", "policies": "policy", "statistics": "statistics"}.get(kind, kind.removesuffix("s"))
        for name in sorted({*things, *other}):
            if name not in other:
                yield f"{word} {name} is missing"
            elif name not in things:
                yield f"{word} {name} is new"
            elif things[name] != other[name]:
                yield f"{word} {name} is different"


def move(connection: psycopg.Connection[Any], saved: Manifest) -> None:
    """Have the version table say what it said before the run."""
    table = sql.Identifier(*saved.version_table.split(".", 1))
    connection.execute(sql.SQL("DELETE FROM {}").format(table))
    for revision in saved.current:
        connection.execute(sql.SQL("INSERT INTO {} (version_num) VALUES (%s)").format(table), (revision,))
