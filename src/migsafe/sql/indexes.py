"""Indexes as statements write them: their names, and which two are the same to a partitioned table."""

import re
from typing import Any

from migsafe.errors import SqlError
from migsafe.model.catalog import Index
from migsafe.sql import expressions, names, quote, types
from migsafe.sql.draft import Draft, replace
from migsafe.sql.nodes import pb
from migsafe.sql.parse import deparse, deparse_statement, kind, parse, parse_expression, strings


def describe(draft: Draft, table: str, node: pb.IndexStmt) -> Index:
    """The index that CREATE INDEX makes on `table`."""
    elements = [item.index_elem for item in node.index_params]
    including = [item.index_elem.name for item in node.index_including_params]
    name = names.truncated(node.idxname) or chosen_name(draft, table, [*map(element_name, elements), *including])
    inside = [element.expr for element in elements] + [node.where_clause]
    return Index(
        name=f"{names.split(table)[0]}.{name}",
        relation=table,
        method=node.access_method or "btree",
        columns=tuple(element.name or None for element in elements),
        unique=node.unique,
        primary=node.primary,
        nulls_not_distinct=node.nulls_not_distinct,
        # ON ONLY: invalid until every partition has its part (manual, section 5.12.2.1).
        valid=bool(node.relation.inh) or (draft.is_known(table) and not draft.is_partitioned(table)),
        predicate=expressions.text(node.where_clause) if node.HasField("where_clause") else None,
        mentions=tuple(dict.fromkeys(column for part in inside for column in expressions.columns(part))),
        included=tuple(including),
        definition=deparse_statement(pb.Node(index_stmt=node)),
        types=tuple(_key_type(draft, table, element) for element in elements),
        opclasses=tuple(".".join(strings(element.opclass)) or None for element in elements),
        options=tuple((item.def_elem.defname, _option(item.def_elem.arg)) for item in node.options),
    )


def _key_type(draft: Draft, table: str, element: pb.IndexElem) -> str | None:
    """That of a column, or what an expression is cast to."""
    if element.name:
        column = draft.column(table, element.name)
        return column.type if column else None
    if kind(element.expr) != "type_cast":
        return None
    return types.text(element.expr.type_cast.type_name, draft.catalog)


def _option(node: pb.Node) -> str:
    match kind(node):
        case "integer":
            return str(node.integer.ival)
        case "float":
            return str(node.float.fval)
        case "string":
            return str(node.string.sval)
    return ""


def chosen_name(draft: Draft, table: str, parts: list[str], label: str = "idx") -> str:
    """The name PostgreSQL gives: `orders_a_b_idx`, `orders_lower_idx`, `orders_expr_idx`."""
    schema, bare = names.split(table)
    used: list[str] = []
    for base in parts:
        name, count = base, 0
        while name in used:
            count += 1
            name = f"{base}{count}"
        used.append(name)

    def taken(name: str) -> bool:
        return draft.is_known(f"{schema}.{name}") or f"{schema}.{name}" in draft.new

    return names.chosen(bare, "_".join(used), label, taken)


def element_name(element: pb.IndexElem) -> str:
    return element.name or _expression_name(element.expr)


def _expression_name(node: pb.Node) -> str:
    """FigureIndexColname() of the parser."""
    match kind(node):
        case "func_call":
            return str(node.func_call.funcname[-1].string.sval)
        case "column_ref":
            return str(node.column_ref.fields[-1].string.sval)
        case "collate_clause":
            return _expression_name(node.collate_clause.arg)
        case "type_cast":
            inside = _expression_name(node.type_cast.arg)
            return inside if inside != "expr" else str(node.type_cast.type_name.names[-1].string.sval)
        case "coalesce_expr":
            return "coalesce"
        case "case_expr":
            return "case"
    return "expr"


def copy(draft: Draft, table: str, index: Index, attach: bool = True) -> str:
    """Note an index like `index` on `table`, with the constraint it belongs to; its name."""
    owner = next((c for c in draft.constraints(index.relation) if c.index == index.name), None)
    owner = owner or next((c for c in draft.all("creates") if getattr(c, "index", None) == index.name), None)
    schema = names.split(table)[0]
    label = "pkey" if index.primary else "idx"
    if owner and not index.primary:
        label = "excl" if owner.kind == "exclude" else "key"
    name = chosen_name(draft, table, [] if index.primary else _parts(index), label)
    draft.create(
        replace(
            index,
            name=f"{schema}.{name}",
            relation=table,
            parent=index.name if attach else None,
            definition=_on(index.definition, table, name),
        )
    )
    if owner:
        draft.create(replace(owner, relation=table, name=name, index=f"{schema}.{name}", inherited=attach))
    return f"{schema}.{name}"


def keys(index: Index) -> tuple[str, ...] | None:
    """The keys of an index as SQL expressions; None when it has one that only the server knows."""
    if None not in index.columns:
        return tuple(quote.identifier(name) for name in index.columns if name)
    node = _parsed(index.definition)
    if node is None:
        return None
    elements = [item.index_elem for item in node.index_params]
    return tuple(quote.identifier(each.name) if each.name else f"({deparse(each.expr)})" for each in elements)


def key_options(index: Index) -> tuple[tuple[str | None, str], ...] | None:
    """The collation written behind each key (None: its own), and its direction: `desc nulls first`.

    None for an index whose definition is not known.
    """
    node = _parsed(index.definition)
    if node is None:
        return None
    found = []
    for item in node.index_params:
        element = item.index_elem
        downwards = element.ordering == pb.SORTBY_DESC
        first = element.nulls_ordering == pb.SORTBY_NULLS_FIRST
        if element.nulls_ordering in (pb.SORTBY_NULLS_DEFAULT, 0):
            first = downwards
        collation = strings(element.collation)[-1:]
        direction = f"{'desc' if downwards else 'asc'} nulls {'first' if first else 'last'}"
        found.append((collation[0] if collation else None, direction))
    return tuple(found)


def expressions_of(index: Index) -> tuple[str, ...] | None:
    """The keys that are expressions; None for an index whose definition is not known."""
    node = _parsed(index.definition)
    if node is None:
        return None
    return tuple(deparse(item.index_elem.expr) for item in node.index_params if not item.index_elem.name)


def _parts(index: Index) -> list[str]:
    node = _parsed(index.definition)
    if node is not None:
        elements = [element_name(item.index_elem) for item in node.index_params]
        return elements + [item.index_elem.name for item in node.index_including_params]
    return [name or "expr" for name in (*index.columns, *index.included)]


def _parsed(definition: str | None) -> Any | None:
    try:
        node = parse(definition) if definition else None
    except SqlError:
        return None
    return node if isinstance(node, pb.IndexStmt) else None


def _on(definition: str | None, table: str, name: str) -> str | None:
    node = _parsed(definition)
    if node is None:
        return None
    changed = pb.IndexStmt()
    changed.CopyFrom(node)
    changed.idxname = name
    changed.relation.schemaname, changed.relation.relname = names.split(table)
    return deparse_statement(pb.Node(index_stmt=changed))


def is_same(one: Index, other: Index) -> bool:
    """Whether an index of a partition can be the part of its parent's (CompareIndexInfo in index.c)."""
    if (one.unique, one.method, one.included, bool(one.predicate)) != (
        other.unique,
        other.method,
        other.included,
        bool(other.predicate),
    ):
        return False
    return _keys(one) == _keys(other) and _normal(one.predicate) == _normal(other.predicate)


_CAST = re.compile(r'::("[^"]+"|[a-z_]+( varying| precision| with(out)? time zone)?)(\(\d+(, ?\d+)?\))?(\[\])?')


def _normal(expression: str | None) -> str | None:
    """An expression without the parentheses and casts that `pg_get_expr()` adds to what was written."""
    node = parse_expression(expression) if expression else None
    return _CAST.sub("", expressions.text(node)) if node is not None else expression


def _keys(index: Index) -> tuple[Any, ...]:
    """Column or expression, collation and operator class of each key; the direction makes no difference."""
    node = _parsed(index.definition)
    if node is None:
        return tuple((name, (), ()) for name in index.columns)
    return tuple(
        (
            item.index_elem.name or _normal(expressions.text(item.index_elem.expr)),
            strings(item.index_elem.collation)[-1:],
            strings(item.index_elem.opclass)[-1:],
        )
        for item in node.index_params
    )
