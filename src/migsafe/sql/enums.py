"""Enum labels that a statement uses."""

from collections.abc import Iterator
from typing import Any

from migsafe.model.catalog import Column, Type
from migsafe.sql import types
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import walk


def used_labels(node: Any, draft: Draft) -> Iterator[tuple[str, str]]:
    """(type, label) of the labels added since the catalog was read that `node` has as a constant of that type.

    A bare constant is taken for one where a table of the statement has a column of the type, or is not known.
    """
    bare: set[str] = set()
    cast: set[tuple[str, str]] = set()
    for part in walk(node):
        if isinstance(part, pb.TypeCast) and part.arg.a_const.WhichOneof("val") == "sval":
            cast.add((types.text(part.type_name, draft.catalog), part.arg.a_const.sval.sval))
        elif isinstance(part, pb.A_Const) and part.WhichOneof("val") == "sval":
            bare.add(part.sval.sval)
    bare -= {label for printed, label in cast if types.is_known(printed, draft.catalog)}
    for one in draft.catalog.types.values():
        if not one.added:
            continue
        meant = {label for printed, label in cast if types.user_type(printed, draft.catalog) is one}
        if not bare.isdisjoint(one.added) and _is_at_hand(one, draft):
            meant |= bare
        yield from ((one.name, label) for label in one.added if label in meant)


def _is_at_hand(one: Type, draft: Draft) -> bool:
    relations = {lock.relation for lock in draft.effects().locks if "index" not in lock.kind}
    if not draft.catalog.complete and any(name not in draft.catalog.relations for name in relations):
        return True
    made = [thing for thing in draft.all("creates") if isinstance(thing, Column)]
    columns = [column for name in relations for column in draft.columns(name).values()]
    return any(column.type and _is_of(column.type, one, draft) for column in (*made, *columns))


def _is_of(printed: str, one: Type, draft: Draft) -> bool:
    return types.user_type(types.underlying(printed.removesuffix("[]"), draft.catalog), draft.catalog) is one
