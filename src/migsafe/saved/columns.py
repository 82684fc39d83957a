"""Columns of a restore from their room to their last attribute."""

from collections.abc import Iterator

import psycopg

from migsafe.model.saved import Manifest
from migsafe.postgres import saved_facts
from migsafe.saved import shaping
from migsafe.saved.guarded import Guarded, together
from migsafe.saved.shaping import Place
from migsafe.sql.quote import identifier, literal, qualified

# A value of one type as another, or NULL: pg_input_is_valid() is from 16 on.
_CAST = (
    "CREATE OR REPLACE FUNCTION pg_temp.migsafe_cast(given text, INOUT made {type}) LANGUAGE plpgsql AS "
    "'BEGIN made := given::{type}; EXCEPTION WHEN OTHERS THEN made := NULL; END'"
)


def make_room(guarded: Guarded, manifest: Manifest) -> tuple[Place, ...]:
    """Have every saved column there, with its old type. Raises psycopg.Error when a table will not have it."""
    places = []
    for place, made in shaping.shapes(guarded.connection, manifest):
        if made:
            guarded.told(f"making room for {place.relation}.{place.definition.name}", None)
            together(guarded, *made)
        places.append(place)
    return tuple(places)


def finish_values(guarded: Guarded, places: tuple[Place, ...]) -> Iterator[str]:
    """Take over what waits aside where it fits, and drop the columns with nothing left in them; sentences on others."""
    for place in places:
        if place.aside is None or place.aside not in saved_facts.columns_of(
            guarded.connection, qualified(place.relation)
        ):
            continue
        left = _take_over(guarded, place)
        name = f"{place.relation}.{place.aside}"
        if left:
            rows = "1 row has a value" if left == 1 else f"{left} rows have values"
            drop = f"ALTER TABLE {qualified(place.relation)} DROP COLUMN {identifier(place.aside)};"
            yield (
                f"{rows} that the old type of {place.definition.name} cannot hold: they wait in {name} "
                f"(when nobody needs them: {drop})"
            )
            continue
        try:
            together(guarded, f"ALTER TABLE {qualified(place.relation)} DROP COLUMN {identifier(place.aside)}")
        except psycopg.errors.DependentObjectsStillExist as error:
            yield f"{name} stays, because {' '.join((error.diag.message_detail or '').split())}"


def _take_over(guarded: Guarded, place: Place) -> int:
    """How many values of the column aside do not fit into the old type."""
    connection, definition = guarded.connection, place.definition
    assert place.aside is not None
    table, name, aside = qualified(place.relation), identifier(definition.name), identifier(place.aside)
    default = shaping.default_text(connection, place.relation, place.aside)
    own = f"{aside} IS NOT NULL" + (f" AND {aside}::text <> {literal(default)}" if default is not None else "")
    fitting = f"pg_temp.migsafe_cast({aside}::text, NULL::{definition.type})"
    connection.execute(_CAST.format(type=definition.type.replace("'", "''")).encode())

    def work(_tries: int) -> int:
        connection.execute(
            f"UPDATE {table} SET {name} = {fitting}, {aside} = NULL "
            f"WHERE {own} AND {name} IS NULL AND {fitting} IS NOT NULL".encode()
        )
        row = connection.execute(f"SELECT count(*) FROM {table} WHERE {own}".encode()).fetchone()
        return int(row[0]) if row else 0

    return guarded.transaction(work)


def dress(guarded: Guarded, places: tuple[Place, ...]) -> list[str]:
    """Defaults, NOT NULL, identity, checks, comments and grants; sentences on what cannot be as before."""
    notes: list[str] = []
    for place in places:
        for sql in shaping.dressing(place.definition, place.relation):
            _try(guarded, (sql,), f"{place.relation}.{place.definition.name}", notes)
        if place.definition.not_null:
            _not_null(guarded, place, notes)
        if place.definition.identity:
            _identity(guarded, place, notes)
        for name, definition in place.definition.checks:
            _check(guarded, place, name, definition, notes)
    return notes


def _try(guarded: Guarded, statements: tuple[str, ...], what: str, notes: list[str]) -> bool:
    try:
        together(guarded, *statements)
    except psycopg.Error as error:
        notes.append(f"{what}: {error.diag.message_primary or error}; by hand: {statements[-1]}")
        return False
    return True


def _not_null(guarded: Guarded, place: Place, notes: list[str]) -> None:
    table, name = qualified(place.relation), identifier(place.definition.name)
    if saved_facts.is_not_null(guarded.connection, table, place.definition.name):
        return
    if place.definition.default is not None:
        # Rows that came while the column was away.
        _try(guarded, (f"UPDATE {table} SET {name} = DEFAULT WHERE {name} IS NULL",), f"{table}.{name}", notes)
    row = guarded.connection.execute(f"SELECT count(*) FROM {table} WHERE {name} IS NULL".encode()).fetchone()
    if row and row[0]:
        rows = "1 row has" if row[0] == 1 else f"{row[0]} rows have"
        sql = f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL"
        notes.append(f"{rows} no value in {table}.{name}, which was NOT NULL: give them one, then {sql};")
        return
    for statements in shaping.not_null(place.definition, place.relation):
        if not _try(guarded, statements, f"{table}.{name}", notes):
            return
    wanted = place.definition.not_null_name
    now = saved_facts.not_null_name(guarded.connection, table, place.definition.name)
    if wanted is not None and now is not None and now != wanted:
        rename = f"ALTER TABLE {table} RENAME CONSTRAINT {identifier(now)} TO {identifier(wanted)}"
        _try(guarded, (rename,), f"{table}.{name}", notes)


def _identity(guarded: Guarded, place: Place, notes: list[str]) -> None:
    table = qualified(place.relation)
    if saved_facts.is_identity(guarded.connection, table, place.definition.name):
        return
    name = identifier(place.definition.name)
    sequence = f"pg_catalog.pg_get_serial_sequence({literal(table)}, {literal(place.definition.name)})"
    on = f"SELECT pg_catalog.setval({sequence}::regclass, greatest(max({name}), 1)) FROM {table}"
    _try(guarded, (shaping.identity(place.definition, place.relation), on), f"{table}.{name}", notes)


def _check(guarded: Guarded, place: Place, name: str, definition: str, notes: list[str]) -> None:
    table = qualified(place.relation)
    if saved_facts.has_constraint(guarded.connection, table, name):
        return
    later = definition if definition.endswith("NOT VALID") else f"{definition} NOT VALID"
    made = _try(guarded, (f"ALTER TABLE {table} ADD CONSTRAINT {identifier(name)} {later}",), table, notes)
    if made and later != definition:
        _try(guarded, (f"ALTER TABLE {table} VALIDATE CONSTRAINT {identifier(name)}",), table, notes)
