"""What a restore would do, without doing it."""

from pathlib import Path
from typing import Any

import psycopg

from migsafe.model.restored import Counts, Intended
from migsafe.model.saved import Manifest, PartSaved
from migsafe.postgres import saved_facts
from migsafe.saved import shaping
from migsafe.saved.foreseen import foresee


def intended(connection: psycopg.Connection[Any], directory: Path, manifest: Manifest) -> Intended:
    """The plan of a restore of the run in `directory`. Changes nothing."""
    missing = saved_facts.missing(connection, manifest.entries)
    if manifest.gone is not None:
        missing = tuple(each for each in missing if each.id in manifest.gone)
    made = tuple(each.what.rpartition(" ")[0] for each in missing)
    sql = tuple(line for _, lines in shaping.shapes(connection, manifest) for line in lines)
    counts = foresee(connection, directory, manifest)
    rows, gone = [], [f"{what}: {because}" for what, because in manifest.unsaved]
    for saved, counted in zip(manifest.parts, counts, strict=True):
        part = saved.part
        schema, _, name = part.relation.partition(".")
        comes = f"TABLE {schema} {name}" in made
        if shaping.relation_now(connection, manifest, part.relation) is None and not comes:
            gone.append(f"{part.label}: {part.relation} is not there any more")
        elif saved.rows:
            rows.append(f"{_counted(saved)} ({part.place}){_foreseen(counted)}")
    if manifest.undefined is not None:
        gone.append(f"definitions of what was dropped: {manifest.undefined}")
    return Intended(made, sql, tuple(rows), tuple(gone), manifest.expires)


def _foreseen(counts: Counts | None) -> str:
    """What would become of them as the tables are now."""
    if counts is None:
        return ""
    words = (("to restore", counts.restored), ("kept as they are", counts.kept), ("conflicting", counts.conflicting))
    found = [f"{number:,} {word}" for word, number in (*words, ("deleted since", counts.gone)) if number]
    return f": {', '.join(found)}" if found else ""


def _counted(saved: PartSaved) -> str:
    """What was written while it was saved is in it a second time: then fewer rows than that are touched."""
    several = "up to " if any(chunk.newer for chunk in saved.chunks) else ""
    label = saved.part.label
    what = label if saved.part.kind in ("rows", "values") else f"rows of {label}"
    return f"{several}{saved.rows:,} {what}"
