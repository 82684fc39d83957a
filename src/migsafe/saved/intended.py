"""What a restore would do, without doing it."""

from pathlib import Path
from typing import Any

import psycopg

from migsafe.model.restored import Intended
from migsafe.model.saved import Manifest
from migsafe.postgres import saved_facts
from migsafe.saved import shaping


def intended(connection: psycopg.Connection[Any], directory: Path, manifest: Manifest) -> Intended:
    """The plan of a restore of the run in `directory`. Only reads."""
    missing = saved_facts.missing(connection, manifest.entries)
    if manifest.gone is not None:
        missing = tuple(each for each in missing if each.id in manifest.gone)
    made = tuple(each.what.rpartition(" ")[0] for each in missing)
    sql = tuple(line for _, lines in shaping.shapes(connection, manifest) for line in lines)
    rows, gone = [], [f"{what}: {because}" for what, because in manifest.unsaved]
    for saved in manifest.parts:
        part = saved.part
        schema, _, name = part.relation.partition(".")
        comes = f"TABLE {schema} {name}" in made
        if shaping.relation_now(connection, manifest, part.relation) is None and not comes:
            gone.append(f"{part.label}: {part.relation} is not there any more")
        elif saved.rows:
            rows.append(f"{saved.rows:,} rows of {part.label} ({part.place})")
    if manifest.undefined is not None:
        gone.append(f"definitions of what was dropped: {manifest.undefined}")
    return Intended(made, sql, tuple(rows), tuple(gone), manifest.expires)
