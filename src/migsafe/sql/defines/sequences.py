"""Sequences, alone and behind an identity: their type, their steps, what they belong to."""

from collections.abc import Iterable, Sequence
from typing import Any

from migsafe.model.catalog import Relation
from migsafe.model.effects import Object
from migsafe.sql import names, types
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import kind, strings

Found = Iterable[tuple[Object, str, str | None]]

_NUMBERS = {"start": "start", "increment": "increment", "minvalue": "minimum", "maxvalue": "maximum", "cache": "cache"}
# NO MINVALUE: the type and the direction decide.
_UNCLEAR = "?"
_BY_DEFAULT = {"increment": "1", "cache": "1", "cycle": "false", "data type": "bigint"}


def _created(node: pb.CreateSeqStmt, draft: Draft) -> Found:
    sequence = Object("relation", names.new_relation(node.sequence, draft.catalog))
    for name, value in (_BY_DEFAULT | _written(node.options, draft)).items():
        yield sequence, name, value


def _altered(node: pb.AlterSeqStmt, draft: Draft) -> Found:
    sequence = Object("relation", names.relation(node.sequence, draft.catalog))
    for name, value in _written(node.options, draft).items():
        yield sequence, name, value


def of_column(table: str, column: str, options: Sequence[pb.Node], draft: Draft) -> Found:
    """What is written of the sequence of an identity, which is made for it or was there."""
    if any(item.def_elem.defname == "sequence_name" for item in options):
        return
    known = [*draft.all("creates"), *draft.catalog.relations.values()]
    own = (each for each in known if isinstance(each, Relation) and each.owned_by == (table, column))
    sequence = next(own, None)
    if sequence is not None:
        for name, value in _written(options, draft).items():
            yield Object("relation", sequence.name), name, value


def _written(options: Iterable[Any], draft: Draft) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for item in options:
        element = item.def_elem
        if element.defname in _NUMBERS:
            found[_NUMBERS[element.defname]] = _number(element.arg) if kind(element.arg) is not None else _UNCLEAR
        elif element.defname == "cycle":
            found["cycle"] = "true" if element.arg.boolean.boolval else "false"
        elif element.defname == "as":
            found["data type"] = types.text(element.arg.type_name, draft.catalog)
        elif element.defname == "owned_by":
            parts = strings(element.arg.list.items)
            listed = element.arg.list.items[:-1]
            table = names.listed(listed, draft.catalog, draft.catalog.relations) if len(parts) > 1 else None
            found["owned by"] = f"{table}.{parts[-1]}" if table else None
    return found


def _number(node: pb.Node) -> str:
    return str(node.integer.ival) if kind(node) == "integer" else str(node.float.fval)


NOTING = {"CreateSeqStmt": _created, "AlterSeqStmt": _altered}
