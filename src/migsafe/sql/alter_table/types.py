"""ALTER COLUMN … TYPE."""

from itertools import pairwise
from typing import Any

from migsafe.model.catalog import Column
from migsafe.sql import conversions, expressions, types
from migsafe.sql.alter_table.alteration import Alteration
from migsafe.sql.alter_table.columns import change, definition, lock_owned
from migsafe.sql.draft import SRE, Draft
from migsafe.sql.mentions import lock_mentioned
from migsafe.sql.nodes import pb
from migsafe.sql.parse import kind, parse_expression, strings


def alter_type(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """Rewrites unless the new type is binary compatible and USING does nothing else (measured)."""
    draft = alteration.draft
    node = definition(cmd).column_def
    new = types.text(node.type_name, draft.catalog)
    for member in alteration.family():
        column = draft.column(member, cmd.name)
        conversion = _converted(draft, cmd.name, column, new, node)
        draft.suppose(conversion.condition)
        alteration.retyped[member, cmd.name] = conversion
        if column and isinstance(column.default, str) and (default := parse_expression(column.default)):
            lock_mentioned(draft, default)
        if conversion.rewrites:
            alteration.rewrite(member)
        if column and column.identity:
            lock_owned(draft, member, cmd.name, SRE)
        if conversion.narrows:
            draft.destroy("column", cmd.name, member)
        collation = ".".join(strings(node.coll_clause.collname)) or (column.collation if column else None)
        using = None if kind(node.raw_default) is None else expressions.text(node.raw_default)
        change(draft, member, cmd.name, using, type=new, collation=collation)


def _converted(draft: Draft, name: str, column: Column | None, new: str, node: Any) -> conversions.Conversion:
    old = column.type if column else None
    plain = conversions.convert(old, new, draft.catalog)
    if node.HasField("coll_clause"):
        plain = plain._replace(reindexes=True)
    if kind(node.raw_default) is None:
        return plain
    return (
        plain
        if _does_nothing(draft, node.raw_default, name, old, new)
        else conversions.Conversion(True, True, plain.narrows)
    )


def _does_nothing(draft: Draft, using: Any, name: str, old: str | None, new: str) -> bool:
    """Whether USING is the column itself under casts that cost nothing."""
    chain = []
    while kind(using) == "type_cast":
        chain.append(types.text(using.type_cast.type_name, draft.catalog))
        using = using.type_cast.arg
    if kind(using) != "column_ref" or strings(using.column_ref.fields)[-1:] != (name,) or old is None:
        return False
    steps = [old, *reversed(chain), new]
    return not any(conversions.convert(one, two, draft.catalog).rewrites for one, two in pairwise(steps))
