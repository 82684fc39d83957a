"""Does a table have rows without a value that the plan makes mandatory?"""

from collections.abc import Iterator

from migsafe.model.catalog import Catalog, Column
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.preflight.answer import check
from migsafe.preflight.asking import Connection
from migsafe.preflight.rows import Doubt, answers, doubt, is_among, is_asked_with_parent, key_of, source
from migsafe.preflight.standing import Standing, standings
from migsafe.settings import Settings
from migsafe.sql.quote import identifier, qualified

CHECK = check(
    __name__,
    group="data",
    why="SET NOT NULL and PRIMARY KEY fail on the first row without a value, and ADD COLUMN … NOT NULL without a "
    "DEFAULT on the first row at all.",
    remedy="Fill them first.",
    privilege="SELECT on the table",
)


def run(
    *, connection: Connection, plan: Plan, settings: Settings, catalog: Catalog, **_: object
) -> Iterator[CheckResult]:
    doubts = [each for standing in standings(plan) for each in _doubts(standing, catalog)]
    yield from answers(CHECK, connection, settings, catalog, doubts)


def _doubts(standing: Standing, catalog: Catalog) -> Iterator[Doubt]:
    effects = standing.moment.effects
    relations = [
        each.relation
        for each in (*effects.creates, *(item.after for item in effects.alters))
        if isinstance(each, Column)
    ]
    for altered in effects.alters:
        new, old = altered.after, altered.before
        if not isinstance(new, Column) or not new.not_null or (isinstance(old, Column) and old.not_null):
            continue
        # What a validated CHECK proves is not looked at again.
        if is_among(catalog, new.relation, effects.scans) and not is_asked_with_parent(
            catalog, new.relation, relations
        ):
            yield from _without_value(new, standing, catalog)
    for made in effects.creates:
        is_needed = isinstance(made, Column) and _needs_a_value(made)
        if isinstance(made, Column) and is_needed and not is_asked_with_parent(catalog, made.relation, relations):
            yield from _any_row(made, standing, catalog)


def _needs_a_value(column: Column) -> bool:
    return bool(column.not_null) and column.default is None and not column.identity and not column.generated


def _without_value(column: Column, standing: Standing, catalog: Catalog) -> Iterator[Doubt]:
    asked = standing.asked(column.relation, (column.name,))
    if asked is None:
        return
    table, (name,) = asked
    keys = key_of(catalog, table)
    query = f"SELECT {', '.join(map(identifier, keys))} FROM {source(catalog, table)} WHERE {identifier(name)} IS NULL"
    remedy = f"Fill them first: UPDATE {qualified(table)} SET {identifier(name)} = … WHERE {identifier(name)} IS NULL;"
    what = f"NOT NULL on {column.name}"
    yield doubt(standing, table, what, f"rows without {column.name}", query, keys, f"{remedy} (In batches.)")


def _any_row(column: Column, standing: Standing, catalog: Catalog) -> Iterator[Doubt]:
    table = standing.moment.now(column.relation)
    if table is None:
        return
    query = f"SELECT 1 FROM {source(catalog, table)}"
    remedy = f"Give {column.name} a server_default, or add it nullable, fill it, and make it NOT NULL afterwards."
    yield doubt(standing, table, f"ADD COLUMN {column.name} NOT NULL without a DEFAULT", "rows", query, (), remedy)
