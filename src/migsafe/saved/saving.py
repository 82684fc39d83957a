"""Saving: everything that a plan destroys, before it runs."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import psycopg

from migsafe.model.catalog import Catalog
from migsafe.model.plan import Plan
from migsafe.model.report import BackupFile, Loss, Saved, SavedData
from migsafe.model.saved import ALIAS, Entry, Manifest, Part, PartSaved
from migsafe.postgres import definitions as known_definitions
from migsafe.postgres import saved_facts
from migsafe.postgres.connection import Database
from migsafe.saved import definitions, manifest, stamping
from migsafe.saved.copying import Files, Store, save_part
from migsafe.saved.estimate import Estimate
from migsafe.saved.files import DIRECTORY, NotSaved, synchronise
from migsafe.saved.parts import Losses
from migsafe.saved.tables import SCHEMA, Tables

Told = Callable[[str, float | None], None]
_LOCK_TIMEOUT = 30.0


def save(
    connection: psycopg.Connection[Any],
    database: Database,
    directory: Path,
    plan: Plan,
    catalog: Catalog,
    losses: Losses,
    *,
    store: Literal["files", "tables"],
    up_to: int,
    keep: float,
    told: Told,
    estimate: Estimate | None = None,
    rows: int | None = None,
) -> Manifest:
    """Save what `losses` names of the database into `directory/saved`, or into tables of `migsafe_undo`.

    `connection` is in autocommit. `up_to` is the most in bytes, `keep` the seconds until it expires, `rows` the rows of
    a chunk (None: what is good). When this returns, all of it is on disk with its checksums. Raises NotSaved; then
    nothing is left of it.
    """
    folder = directory / DIRECTORY
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        server = saved_facts.server(connection)
        saved_facts.plain_texts(connection, server.encoding, catalog.search_path)
        place = _place(connection, store, directory, server.encoding)
        parts = _parts(connection, place, losses.parts, up_to, told, estimate, rows)
        schema, entries, undefined = _schema(database, folder, plan, losses, server.version)
        done = _manifest(directory.name, database, server, plan, catalog, losses, keep, store)
        done = msgspec.structs.replace(
            done,
            parts=parts,
            columns=definitions.columns_of(losses.parts, catalog, known_definitions.read(connection)),
            sequences=saved_facts.sequences(connection, _sequences(plan, catalog, losses)),
            entries=entries,
            schema=schema,
            undefined=undefined,
        )
        stamping.keep(directory, catalog)
        synchronise(folder)
        manifest.write(directory, done)
        return done
    except psycopg.Error as error:
        shutil.rmtree(folder, ignore_errors=True)
        remedy = 'Run the same command again; or set undo = "off" to go on without.'
        raise NotSaved(f"what the run destroys could not be saved: {_said(error)}", remedy) from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _place(connection: psycopg.Connection[Any], store: str, directory: Path, encoding: str) -> Files | Tables:
    if store == "files":
        return Files(directory / DIRECTORY, _python(encoding))
    place = Tables(directory.name)
    place.prepare(connection)
    return place


def _manifest(
    run: str,
    database: Database,
    server: saved_facts.Server,
    plan: Plan,
    catalog: Catalog,
    losses: Losses,
    keep: float,
    store: Literal["files", "tables"],
) -> Manifest:
    """What is known before a row is saved."""
    made = datetime.now(UTC)
    return Manifest(
        run=run,
        label=database.label,
        database=server.database,
        system_identifier=server.identifier,
        server_version=server.version,
        encoding=server.encoding,
        search_path=catalog.search_path,
        version_table=plan.version_table,
        current=plan.current,
        target=plan.target,
        made=made.isoformat(timespec="seconds"),
        expires=(made + timedelta(seconds=keep)).isoformat(timespec="seconds"),
        store=store,
        wholly=losses.wholly and not losses.unsaved,
        unsaved=tuple((each.what, each.because) for each in losses.unsaved),
    )


def _sequences(plan: Plan, catalog: Catalog, losses: Losses) -> tuple[str, ...]:
    dropped = (
        each.name for statement in plan.statements for each in statement.effects.drops if each.kind == "sequence"
    )
    return definitions.sequences_of(losses.parts, catalog, dropped)


def _schema(
    database: Database, folder: Path, plan: Plan, losses: Losses, version: int
) -> tuple[BackupFile | None, tuple[Entry, ...], str | None]:
    """schema.dump and what is in it; why there is none. A plan that drops nothing needs none."""
    defined = any(part.kind in ("table", "column") for part in losses.parts)
    if not defined and not any(statement.effects.drops for statement in plan.statements):
        return None, (), None
    try:
        made = definitions.dump_schema(database, folder, version, _LOCK_TIMEOUT)
        return made, definitions.contents(folder, version), None
    except definitions.Undefined as why:
        return None, (), str(why)


def _parts(
    connection: psycopg.Connection[Any],
    store: Store,
    parts: tuple[Part, ...],
    up_to: int,
    told: Told,
    estimate: Estimate | None,
    rows: int | None,
) -> tuple[PartSaved, ...]:
    done: list[PartSaved] = []
    number = written = 0

    def heard(_rows: int, size: int) -> None:
        nonlocal written
        written += size
        if written > up_to:
            raise NotSaved(
                f"what the run destroys is larger than undo_up_to ({up_to:,} bytes); nothing was changed",
                'Raise undo_up_to; or set undo = "off" to lose it, which a backup of the whole makes good.',
            )
        told(f"saving {part.label}", min(0.99, written / estimate.bytes) if estimate and estimate.bytes else None)

    for part in parts:
        told(f"saving {part.label}", None)
        saved = _saved(connection, store, part, number, heard, rows)
        done.append(saved)
        number += len(saved.chunks)
    return tuple(done)


def _saved(
    connection: psycopg.Connection[Any],
    store: Store,
    part: Part,
    number: int,
    heard: Callable[[int, int], None],
    rows: int | None,
) -> PartSaved:
    try:
        return save_part(connection, store, part, number, heard, rows)
    except psycopg.Error as error:
        if part.where is None or isinstance(error, psycopg.OperationalError):
            raise NotSaved(f"{part.label} could not be saved: {_said(error)}", _remedy(error, part)) from None
        # A condition that the schema of now cannot answer, or that fails on some row.
        because = f"its WHERE cannot be asked beforehand ({_said(error)})"
        whole = msgspec.structs.replace(part, where=None, alias=ALIAS, because=because)
        return _saved(connection, store, whole, number, heard, rows)


def _said(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error)).strip()


def _remedy(error: psycopg.Error, part: Part) -> str:
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return (
            f'GRANT SELECT ON {part.relation} to this role (and BYPASSRLS where policies hide rows), or undo = "off".'
        )
    return 'Run the same command again; or set undo = "off" to go on without.'


def _python(encoding: str) -> str:
    """Python's name of a server encoding, for the keys in COPY text; any that keeps ASCII serves for the rest."""
    import codecs

    try:
        return codecs.lookup(encoding.replace("SQL_ASCII", "latin-1")).name
    except LookupError:
        return "latin-1"


def summary(directory: Path, done: Manifest, seconds: float) -> Saved:
    """What the report says of it."""
    parts = tuple(
        SavedData(revision=each.part.revision, what=each.part.label, rows=each.rows, bytes=each.bytes)
        for each in done.parts
    )
    unsaved = [Loss(revision="", what=what, because=because) for what, because in done.unsaved]
    if done.undefined is not None:
        unsaved.append(Loss(revision="", what="definitions of what is dropped", because=done.undefined))
    path = str(directory / DIRECTORY) if done.store == "files" else SCHEMA
    return Saved(path=path, expires=done.expires, parts=parts, unsaved=tuple(unsaved), seconds=round(seconds, 3))
