"""How what goes was defined: columns from the catalog, everything else from a pg_dump of the schema alone."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from migsafe.errors import ToolMissing
from migsafe.model.catalog import Catalog, Column
from migsafe.model.definitions import Known
from migsafe.model.effects import Object
from migsafe.model.lookup import lookup
from migsafe.model.report import BackupFile
from migsafe.model.saved import ColumnDefinition, Entry, Part
from migsafe.postgres.binaries import find
from migsafe.postgres.connection import Database, redact
from migsafe.saved.files import SCHEMA, checked

# `12; 1259 16385 TABLE public users postgres`, and with --verbose `;	depends on: 3 11`.
_LINE = re.compile(r"(\d+); (\d+) (\d+) (.*)")
_DEPENDS = re.compile(r";\s+depends on: ([\d ]+)")
_DATA = ("TABLE DATA ", "SEQUENCE SET ", "BLOB", "MATERIALIZED VIEW DATA ")


class Undefined(Exception):
    """There is no schema.dump; the text says why."""


def dump_schema(database: Database, folder: Path, version: int, lock_timeout: float) -> BackupFile:
    """Write schema.dump: the whole schema without rows, 0600, on disk. Raises Undefined."""
    path = folder / SCHEMA
    command = ["--format=custom", "--schema-only", "--no-password", f"--file={path}"]
    command.append(f"--lock-wait-timeout={max(1, round(lock_timeout * 1000))}")
    try:
        done = _run(find("pg_dump", version), command, database)
    except ToolMissing as error:
        raise Undefined(error.message) from None
    if done.returncode != 0:
        said = redact(" ".join(done.stderr.split()), database)
        raise Undefined(f"pg_dump --schema-only failed: {said[:300]}")
    with path.open("rb") as file:
        import hashlib

        os.fsync(file.fileno())
        return BackupFile(
            path=SCHEMA, bytes=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest()
        )


def contents(folder: Path, version: int) -> tuple[Entry, ...]:
    """What schema.dump holds, in the order in which it can be made. Raises Undefined."""
    try:
        done = _run(find("pg_restore", version), ["--list", "--verbose", str(folder / SCHEMA)], None)
    except ToolMissing as error:
        raise Undefined(error.message) from None
    if done.returncode != 0:
        raise Undefined(f"pg_restore --list failed: {' '.join(done.stderr.split())[:300]}")
    return tuple(_entries(done.stdout.splitlines()))


def _entries(lines: Iterable[str]) -> Iterator[Entry]:
    held: Entry | None = None
    for line in lines:
        if (match := _LINE.fullmatch(line)) is not None:
            if held is not None:
                yield held
            held = Entry(int(match[1]), int(match[2]), int(match[3]), match[4])
        elif held is not None and (depends := _DEPENDS.match(line)) is not None:
            held = Entry(held.id, held.classid, held.oid, held.what, tuple(map(int, depends[1].split())))
    if held is not None:
        yield held


def sql_of(folder: Path, file: BackupFile, entries: Iterable[Entry], version: int) -> str:
    """The statements that make these entries, as pg_restore writes them. Raises Undefined."""
    if (wrong := checked(folder, file)) is not None:
        raise Undefined(wrong)
    wanted = "".join(f"{each.id}; {each.classid} {each.oid} {each.what}\n" for each in entries)
    command = ["--use-list=/dev/stdin", "--file=-", str(folder / SCHEMA)]
    done = _run(find("pg_restore", version), command, None, wanted)
    if done.returncode != 0:
        raise Undefined(f"pg_restore failed: {' '.join(done.stderr.split())[:300]}")
    return done.stdout


def _run(
    program: Path, arguments: list[str], database: Database | None, given: str | None = None
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"LC_ALL": "C", "PGAPPNAME": "migsafe saving"}
    environment |= database.environment() if database is not None else {}
    return subprocess.run(
        [str(program), *arguments],
        env=environment,
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        umask=0o077,
    )


def columns_of(parts: Iterable[Part], catalog: Catalog, known: Known) -> tuple[ColumnDefinition, ...]:
    """How the columns were defined that go or change their type, on the relation whose ALTER TABLE brings them back."""
    wanted = {(part.top or part.relation, name): None for part in parts if part.kind == "column" for name in part.lost}
    return tuple(
        _column(catalog.columns[relation][name], catalog, known)
        for relation, name in wanted
        if name in catalog.columns.get(relation, {})
    )


def _column(column: Column, catalog: Catalog, known: Known) -> ColumnDefinition:
    facts = dict(known.of(Object("column", column.name, column.relation)) or {})
    constraints = catalog.constraints.get(column.relation, {}).values()
    checks = []
    for each in constraints:
        definition = (known.of(Object("constraint", each.name, each.relation)) or {}).get("definition")
        if each.kind == "check" and column.name in each.columns and definition:
            checks.append((each.name, definition))
    named = next(
        (each.name for each in constraints if each.kind == "not null" and each.columns == (column.name,)), None
    )
    sequence = next(
        (
            name
            for name in lookup(catalog).sequences.get(column.relation, ())
            if catalog.relations[name].owned_by == (column.relation, column.name)
        ),
        None,
    )
    return ColumnDefinition(
        relation=column.relation,
        name=column.name,
        type=column.type or "text",
        default=column.default if isinstance(column.default, str) else None,
        not_null=bool(column.not_null),
        not_null_name=named,
        identity=column.identity,
        sequence=sequence,
        generated=column.generated,
        collation=facts.get("collation"),
        facts=facts,
        checks=tuple(checks),
    )


def sequences_of(parts: Iterable[Part], catalog: Catalog, dropped: Iterable[str]) -> tuple[str, ...]:
    """The sequences that go with tables and columns, or by themselves."""
    owners = {part.relation for part in parts if part.kind in ("table", "column")}
    owned = [name for owner in owners for name in lookup(catalog).sequences.get(owner, ())]
    return tuple(sorted({*owned, *(name for name in dropped if name in catalog.relations)}))
