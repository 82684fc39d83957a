"""What a stored expression or query mentions beside tables: sequences, row types of functions, composite types.

Since 18 such objects are locked in ACCESS SHARE when what mentions them is stored: recordDependencyOnExpr() makes
sure that they are still there (measured). No lock before.
"""

from collections.abc import Iterable
from typing import Any

from migsafe.sql import names, types
from migsafe.sql.draft import AS, Draft
from migsafe.sql.expressions import function_name
from migsafe.sql.nodes import pb
from migsafe.sql.parse import kind, strings, walk


def lock_mentioned(draft: Draft, node: Any, printed: Iterable[str | None] = ()) -> None:
    """Lock them for an expression or query over columns of the types `printed`."""
    if draft.version < 18:
        return
    for name in sequences(draft, node):
        draft.lock(name, AS, "sequence")
    _lock_row_types(draft, node)
    _lock_attributes(draft, node, printed)


def column_types(draft: Draft, *relations: str) -> list[str | None]:
    """The types of the columns of tables, those that this statement makes too."""
    made = [thing for thing in draft.all("creates") if getattr(thing, "relation", None) in relations]
    known = [column for relation in relations for column in draft.columns(relation).values()]
    return [getattr(column, "type", None) for column in (*known, *made)]


def sequences(draft: Draft, node: Any) -> tuple[str, ...]:
    """The sequences named by a constant in nextval, currval, setval."""
    found = []
    for part in walk(node):
        if isinstance(part, pb.FuncCall) and strings(part.funcname)[-1] in ("nextval", "setval", "currval"):
            text = constant_text(part.args[0]) if part.args else None
            if text is not None:
                found.append(relation_name(draft, text))
    return tuple(found)


def constant_text(node: Any) -> str | None:
    """A constant text under casts."""
    while kind(node) == "type_cast":
        node = node.type_cast.arg
    return str(node.a_const.sval.sval) if node.a_const.WhichOneof("val") == "sval" else None


def relation_name(draft: Draft, text: str) -> str:
    """The relation that a text such as `sales.orders_id_seq` stands for."""
    parts = [part.strip('"') for part in text.split(".")]
    return ".".join(parts) if len(parts) > 1 else names.found(parts[0], draft.catalog, draft.catalog.relations)


def _lock_row_types(draft: Draft, node: Any) -> None:
    """Functions in FROM that return rows of a table."""
    for part in walk(node):
        if not isinstance(part, pb.RangeFunction):
            continue
        for call in walk(part):
            if isinstance(call, pb.FuncCall):
                name = function_name(strings(call.funcname), draft.catalog)
                returned = {f.returns for f in draft.catalog.functions.values() if f.name == name and f.returns}
                for text in returned:
                    relation = relation_name(draft, text)
                    if draft.is_known(relation):
                        draft.lock(relation, AS)


def _lock_attributes(draft: Draft, node: Any, printed: Iterable[str | None]) -> None:
    """Composite types whose attributes are taken: `(value).x`, `SET addr.zip = …`."""
    taken = {
        item.string.sval
        for part in walk(node)
        if isinstance(part, pb.A_Indirection | pb.ResTarget)
        for item in part.indirection
        if kind(item) == "string"
    }
    if not taken:
        return
    queue, seen = [text for text in printed if text], set()
    while queue:
        element = types.underlying(queue.pop().removesuffix("[]"), draft.catalog).removesuffix("[]")
        known = types.user_type(element, draft.catalog)
        if known is None or known.name in seen or known.kind != "composite":
            continue
        seen.add(known.name)
        attributes = draft.columns(known.name)
        queue += [column.type for column in attributes.values() if column.type]
        if taken & set(attributes):
            draft.lock(known.name, AS, "composite type")
