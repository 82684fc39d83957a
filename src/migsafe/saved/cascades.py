"""What happens through foreign keys when rows are deleted or their keys change: the rows of other tables."""

from collections.abc import Iterator
from typing import Literal

from migsafe.model.catalog import Catalog, Constraint
from migsafe.model.lookup import lookup
from migsafe.model.saved import ALIAS
from migsafe.sql.quote import identifier, qualified

_CIRCLE = "how far its foreign keys lead in a circle is not known beforehand"

Swept = tuple[Constraint, Literal["rows", "values"], str | None, str | None]


def swept(
    catalog: Catalog, relation: str, where: str | None, alias: str, changed: tuple[str, ...] | None
) -> Iterator[Swept]:
    """Foreign keys to `relation`, what of the referencing rows goes (whole rows, or the key's columns), and which.

    `where` says which rows of `relation AS alias` go, None for all; `changed`: they stay, and these columns change. The
    conditions that come back are for `FROM key.relation AS migsafe_saved`. In a circle of keys all rows that refer to
    something are meant, and why is said last: how deep the circle is followed only the rows can tell.
    """
    yield from _below(catalog, relation, where, alias, changed, frozenset(), (relation,), None)


def _below(
    catalog: Catalog,
    relation: str,
    where: str | None,
    alias: str,
    changed: tuple[str, ...] | None,
    seen: frozenset[tuple[str, str]],
    path: tuple[str, ...],
    because: str | None,
) -> Iterator[Swept]:
    for child, name in lookup(catalog).keys.get(relation, ()):
        key = catalog.constraints[child][name]
        action = key.on_delete if changed is None else key.on_update
        if not key.enforced or action not in "cnd" or (child, name) in seen:
            continue
        if changed is not None and not set(changed) & set(key.referenced_columns):
            continue
        circle = child in path
        condition = _condition(key, None if circle else where, alias, len(path))
        rows = action == "c" and changed is None
        why = _CIRCLE if circle and where is not None else because
        yield key, "rows" if rows else "values", condition, why
        below = None if rows else key.columns
        # Once round a circle, then what hangs on it.
        yield from _below(catalog, child, condition, ALIAS, below, seen | {(child, name)}, (*path, child), why)


def _condition(key: Constraint, where: str | None, alias: str, depth: int) -> str:
    if where is None:
        return " AND ".join(f"{ALIAS}.{identifier(column)} IS NOT NULL" for column in key.columns)
    # Each level has a name of its own, so that the condition of the level below finds the right one.
    above = f"migsafe_above_{depth}" if alias == ALIAS else alias
    joined = " AND ".join(
        f"{above}.{identifier(to)} = {ALIAS}.{identifier(column)}"
        for column, to in zip(key.columns, key.referenced_columns, strict=True)
    )
    inner = where.replace(f"{ALIAS}.", f"{above}.") if alias == ALIAS else where
    return f"EXISTS (SELECT FROM {qualified(key.references or '')} AS {above} WHERE {joined} AND ({inner}))"
