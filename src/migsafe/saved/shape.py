"""What a relation is made of, as far as saving its rows needs it; and the making of a part."""

from collections.abc import Iterable

import msgspec

from migsafe.model.catalog import Catalog, Constraint
from migsafe.model.lookup import lookup
from migsafe.model.saved import Part
from migsafe.model.statement import Statement


def made(statement: Statement, **facts: object) -> Part:
    """A part with what is known of it from the statement that destroys it."""
    return msgspec.convert(
        facts
        | {
            "statement": statement.index,
            "revision": statement.revision or "",
            "transaction": statement.transaction,
            "place": statement.place,
        },
        Part,
    )


def family(catalog: Catalog, relation: str) -> tuple[str, ...]:
    """The relation and everything below it: partitions and inheritance children."""
    found = [relation]
    for each in found:
        found += [child for child in lookup(catalog).children.get(each, ()) if child not in found]
    return tuple(found)


def stored(catalog: Catalog, relation: str) -> tuple[str, ...]:
    """The columns whose values cannot be computed again."""
    return tuple(each.name for each in catalog.columns.get(relation, {}).values() if not each.generated)


def key_of(catalog: Catalog, relation: str, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The primary key, or else the columns of a unique constraint that are NOT NULL; none of `without` among them."""
    found: Iterable[Constraint] = catalog.constraints.get(relation, {}).values()
    columns = catalog.columns.get(relation, {})
    usable = [
        each
        for each in found
        if each.kind in ("primary key", "unique")
        and not set(each.columns) & set(without)
        and all(name in columns and columns[name].not_null and not columns[name].generated for name in each.columns)
        and (each.kind == "primary key" or not each.deferrable)
    ]
    usable.sort(key=lambda each: (each.kind != "primary key", len(each.columns), each.name))
    return usable[0].columns if usable else ()
