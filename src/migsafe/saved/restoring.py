"""Putting back what a run destroyed: objects, columns, rows, in this order, each step repeatable."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from migsafe.model.restored import Counts, PartRestored, Restored
from migsafe.model.saved import Manifest, PartSaved
from migsafe.postgres import saved_facts
from migsafe.saved import batches, columns, keyless, objects, reading, shaping
from migsafe.saved.conflicts import Conflicts
from migsafe.saved.files import DIRECTORY
from migsafe.saved.guarded import Guarded, together
from migsafe.saved.matching import HIGH, LOW, Target, stage_field
from migsafe.saved.record import Record
from migsafe.saved.staging import STAGE
from migsafe.sql.quote import identifier, qualified

CONFLICTS = "conflicts.jsonl"


def restore(
    guarded: Guarded, directory: Path, manifest: Manifest, *, on_conflict: batches.OnConflict, shown: int = 10
) -> Restored:
    """Put back what `manifest`, of the run directory, says; with `on_conflict` restore over newer values too.

    What is overwritten then is in the file of conflicts. Done again after a crash, it goes on where it was. Raises
    psycopg.Error for what cannot be done at all, LockNotAvailable at the deadline.
    """
    connection = guarded.connection
    saved_facts.plain_texts(connection, manifest.encoding, manifest.search_path)
    schema = saved_facts.may_create(connection, [*_schemas(manifest)]) or "public"
    record = Record(connection, schema, manifest.run)
    conflicts = Conflicts(directory / DIRECTORY / CONFLICTS, shown)
    conflicts.resume() if record.begin() else conflicts.begin()
    made = objects.gone(guarded, manifest, directory)
    objects.make(guarded, made, rows_are_back=False)
    places = columns.make_room(guarded, manifest)
    objects.make(guarded, made, rows_are_back=False)
    way = batches.Way(guarded, directory, manifest, record, conflicts, on_conflict)
    parts = _rows(way, places)
    notes = [*columns.finish_values(guarded, places)]
    together_each(guarded, shaping.generated(connection, manifest))
    objects.make(guarded, made, rows_are_back=True)
    notes += columns.dress(guarded, places)
    objects.make(guarded, made, rows_are_back=True)
    objects.give_up(guarded, made)
    notes += [*made.notes, *_sequences(guarded, manifest, made.names), *_refreshed(guarded, made.names)]
    connection.execute(f"DROP TABLE IF EXISTS pg_temp.{STAGE}".encode())
    record.end()
    file = str(conflicts.path) if conflicts.first else None
    doubts = tuple(_doubts(manifest, parts))
    return Restored(parts, tuple(made.names), tuple(notes), file, tuple(conflicts.first), doubts=doubts)


def _doubts(manifest: Manifest, parts: tuple[PartRestored, ...]) -> Iterator[str]:
    """On rows that are back, where nobody could look which of them the run met."""
    for saved, part in zip(manifest.parts, parts, strict=True):
        if saved.sure or saved.part.kind not in ("rows", "table") or not part.counts.restored:
            continue
        rows = "1 row" if part.counts.restored == 1 else f"{part.counts.restored:,} rows"
        counted = "" if saved.written is None else f" (the server counted {saved.written:,} writes to it by then)"
        yield (
            f"{saved.part.label}: whether somebody else had deleted some of the {rows} that came back, after they were "
            f"saved (from {manifest.made}) and before the run came to them{counted}"
        )


def _schemas(manifest: Manifest) -> Iterator[str]:
    version = manifest.version_table.rpartition(".")[0]
    yield from (name for name in (version, *manifest.search_path) if name)


def together_each(guarded: Guarded, statements: Iterator[str]) -> None:
    """Run statements, a transaction each."""
    for sql in statements:
        together(guarded, sql)


def _rows(way: batches.Way, places: tuple[shaping.Place, ...]) -> tuple[PartRestored, ...]:
    """Rows first, parents before children as far as there is an order; then columns and values, the last first."""
    numbered = list(enumerate(way.manifest.parts))
    rows = [each for each in numbered if each[1].part.kind in ("rows", "table")]
    values = [each for each in numbered if each[1].part.kind not in ("rows", "table")]
    done: dict[int, PartRestored] = {}
    targets = {number: target_of(way, saved, places) for number, saved in numbered}
    for number, saved in rows:
        done[number] = _part(way, number, saved, targets[number], again=False)
    pending = sum(each.counts.pending for each in done.values())
    while pending:
        for number, saved in rows:
            if done[number].counts.pending:
                done[number] = _part(way, number, saved, targets[number], again=True)
        left = sum(each.counts.pending for each in done.values())
        if left >= pending:
            break
        pending = left
    for number, saved in rows:
        target = targets[number]
        if done[number].counts.pending and target is not None:
            lost = batches.orphans(way, number, saved, target)
            counts = msgspec.structs.replace(done[number].counts.plus(lost), pending=0)
            done[number] = msgspec.structs.replace(done[number], counts=counts)
    # The last statement first; what followed from it through foreign keys after it.
    for number, saved in sorted(values, key=lambda each: (-each[1].part.statement, each[0])):
        done[number] = _part(way, number, saved, targets[number], again=False)
    return tuple(done[number] for number, _ in numbered)


def _part(way: batches.Way, number: int, saved: PartSaved, target: Target | None, *, again: bool) -> PartRestored:
    if target is None:
        return PartRestored(saved.part.label, Counts(), f"{saved.part.relation} is not there any more")
    if not target.columns:
        return PartRestored(saved.part.label, Counts())
    if saved.part.key:
        counts = batches.put_back(way, number, saved, target, again=again)
    else:
        counts = keyless.put_back_whole(way, number, saved, target)
    return PartRestored(saved.part.label, counts)


def target_of(way: batches.Way, saved: PartSaved, places: tuple[shaping.Place, ...]) -> Target | None:
    """Where a part goes; None when its table or its key is not there any more."""
    connection, part = way.guarded.connection, saved.part
    relation = shaping.relation_now(connection, way.manifest, part.relation)
    if relation is None:
        return None
    there = saved_facts.columns_of(connection, qualified(relation))
    if not set(part.key) <= there.keys():
        return None
    wanted = reading.columns(part) if part.kind in ("rows", "table") or not part.key else part.columns
    columns_ = tuple(name for name in wanted if name in there and not there[name].generated)
    asides = {
        each.definition.name: each.aside
        for each in places
        if each.aside is not None and each.definition.name in part.lost and each.aside in there
    }
    defaults = {}
    for name in part.lost:
        value = shaping.default_text(connection, relation, asides.get(name, name)) if name in there else None
        if value is not None:
            defaults[name] = value
    parents = tuple(_parents(connection, saved, relation)) if part.kind in ("rows", "table") else ()
    return Target(relation, columns_, asides, defaults, parents)


def _parents(connection: psycopg.Connection[Any], saved: PartSaved, relation: str) -> Iterator[str]:
    """Conditions on a staged row `s`: what it refers to is there, or comes with the same rows."""
    part = saved.part
    stored = reading.columns(part)
    for key in saved_facts.foreign_keys(connection, qualified(relation)):
        if not set(key.columns) <= set(stored):
            continue
        fields = [f"s.{stage_field(part, name)}" for name in key.columns]
        to = f"{identifier(key.schema)}.{identifier(key.relation)}"
        met = " AND ".join(
            f"p.{identifier(name)} = {field}" for name, field in zip(key.referenced, fields, strict=True)
        )
        ways = [f"{field} IS NULL" for field in fields] + [f"EXISTS (SELECT FROM {to} AS p WHERE {met})"]
        if key.itself and set(key.referenced) <= set(stored):
            same = " AND ".join(
                f"q.{stage_field(part, name)} = {field}" for name, field in zip(key.referenced, fields, strict=True)
            )
            ways.append(f"EXISTS (SELECT FROM {STAGE} AS q WHERE q.n BETWEEN {LOW} AND {HIGH} AND {same})")
        yield " OR ".join(ways)


def _sequences(guarded: Guarded, manifest: Manifest, made: list[str]) -> Iterator[str]:
    """Sequences that were made again count on from where they were, or from where somebody else has come since."""
    for each in manifest.sequences:
        schema, _, name = each.name.partition(".")
        if f"SEQUENCE {schema} {name}" not in made:
            continue
        called = "true" if each.is_called else "false"
        set_ = f"SELECT pg_catalog.setval('{qualified(each.name)}'::regclass, {each.last_value}, {called})"
        try:
            together(guarded, set_)
        except psycopg.Error as error:
            yield f"sequence {each.name} was at {each.last_value}: {error.diag.message_primary}"


def _refreshed(guarded: Guarded, made: list[str]) -> Iterator[str]:
    for each in objects.refreshed(made):
        name = ".".join(identifier(part) for part in each.split(" ", 1))
        try:
            together(guarded, f"REFRESH MATERIALIZED VIEW {name}")
        except psycopg.Error as error:
            yield f"{name} is not refreshed: {error.diag.message_primary}"
