"""What a query reads, column by column, and what it gives out."""

from typing import Any

from migsafe.model.catalog import Catalog, Use
from migsafe.sql import names, query, types
from migsafe.sql.nodes import pb
from migsafe.sql.parse import kind, parse, strings, walk


def uses(statement: Any, catalog: Catalog) -> tuple[Use, ...]:
    """The relations that a query mentions, each with the columns that may be meant; `*` for all of them."""
    relations: dict[str, list[str]] = {}
    for part, _ in query.mentioned(statement):
        relations.setdefault(part.alias.aliasname or part.relname, []).append(names.relation(part, catalog))
    found: dict[str, dict[str, None]] = {name: {} for known in relations.values() for name in known}
    for part in walk(statement):
        if not isinstance(part, pb.ColumnRef):
            continue
        path = strings(part.fields)
        column = "*" if kind(part.fields[-1]) == "a_star" else path[-1]
        qualifier = next((word for word in reversed(path[:-1]) if word in relations), None)
        for name in relations[qualifier] if qualifier else found:
            if column == "*" or qualifier or _may_have(name, column, catalog):
                found[name][column] = None
    expanded = {name: _expanded(name, tuple(columns), catalog) for name, columns in found.items()}
    return tuple(Use(name, columns) for name, columns in expanded.items() if not names.is_system(name))


def has_star(sql: str) -> bool:
    """Whether a query asks for every column of something: `*` or `t.*`, but not count(*)."""
    return any(isinstance(part, pb.ColumnRef) and kind(part.fields[-1]) == "a_star" for part in walk(parse(sql)))


def _may_have(name: str, column: str, catalog: Catalog) -> bool:
    columns = catalog.columns.get(name)
    return columns is None or column in columns


def _expanded(name: str, columns: tuple[str, ...], catalog: Catalog) -> tuple[str, ...]:
    """`*` written out, as the view keeps it: columns added later are not in it."""
    known = catalog.columns.get(name)
    if "*" not in columns or known is None:
        return columns
    return tuple(dict.fromkeys([*known, *(column for column in columns if column != "*")]))


def output(statement: Any, catalog: Catalog, aliases: tuple[str, ...] = ()) -> tuple[tuple[str, str | None], ...]:
    """Name and type of the columns that a query gives out, as far as they can be told without planning."""
    while isinstance(statement, pb.SelectStmt) and statement.op != pb.SETOP_NONE:
        statement = statement.larg
    if not isinstance(statement, pb.SelectStmt):
        return ()
    sources = _sources(statement, catalog)
    found: list[tuple[str, str | None]] = []
    for item in statement.target_list:
        found += _target(item.res_target, sources, catalog)
    return tuple((aliases[at] if at < len(aliases) else name, text) for at, (name, text) in enumerate(found))


def _sources(statement: Any, catalog: Catalog) -> dict[str, str]:
    found = {}
    for item in statement.from_clause:
        for part in walk(item):
            if isinstance(part, pb.RangeVar):
                found[part.alias.aliasname or part.relname] = names.relation(part, catalog)
    return found


def _target(target: Any, sources: dict[str, str], catalog: Catalog) -> list[tuple[str, str | None]]:
    value = target.val
    which = kind(value)
    if which == "column_ref":
        fields = value.column_ref.fields
        path = strings(fields)
        tables = [sources[path[-2]]] if len(path) > 1 and path[-2] in sources else list(sources.values())
        if kind(fields[-1]) == "a_star":
            return [(c.name, c.type) for table in tables for c in catalog.columns.get(table, {}).values()]
        types_ = [catalog.columns[t][path[-1]].type for t in tables if path[-1] in catalog.columns.get(t, {})]
        return [(target.name or path[-1], types_[0] if len(types_) == 1 else None)]
    text = types.text(value.type_cast.type_name, catalog) if which == "type_cast" else None
    name = target.name or (strings(value.func_call.funcname)[-1] if which == "func_call" else "?column?")
    return [(name, text)]


# What the server calls an expression that has no name (FigureColnameInternal in parse_target.c).
_CALLED = {"coalesce_expr": "coalesce", "row_expr": "row", "a_array_expr": "array", "grouping_func": "grouping"}
_UNNAMED = ("a_expr", "bool_expr", "null_test", "boolean_test", "a_const", "param_ref")


def column_names(statement: Any, catalog: Catalog, aliases: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The names of the columns that a query gives out; () when one of them cannot be told."""
    while isinstance(statement, pb.SelectStmt) and statement.op != pb.SETOP_NONE:
        statement = statement.larg
    if not isinstance(statement, pb.SelectStmt) or statement.values_lists:
        return aliases
    sources = _sources(statement, catalog)
    found: list[str] = []
    for item in statement.target_list:
        listed = _names(item.res_target, statement, sources, catalog)
        if not listed:
            return ()
        found += listed
    return (*aliases, *found[len(aliases) :])


def _names(target: Any, statement: Any, sources: dict[str, str], catalog: Catalog) -> list[str]:
    value = target.val
    if target.name:
        return [target.name]
    if kind(value) == "column_ref" and kind(value.column_ref.fields[-1]) == "a_star":
        path = strings(value.column_ref.fields)[:-1]
        # Of a join the columns of both sides may be one, and names may be those of a query in WITH.
        if not path and (len(statement.from_clause) != 1 or kind(statement.from_clause[0]) != "range_var"):
            return []
        named = [cte.common_table_expr.ctename for cte in statement.with_clause.ctes]
        tables = [sources.get(path[-1])] if path else list(sources.values())
        if any(names.bare(table or "") in named for table in tables):
            return []
        return list(catalog.columns.get(tables[0] or "", {})) if len(tables) == 1 else []
    called = _called(value)
    return [called] if called else []


def _called(value: Any) -> str | None:
    which = kind(value)
    match which:
        case "column_ref":
            return strings(value.column_ref.fields)[-1]
        case "func_call":
            return strings(value.func_call.funcname)[-1]
        case "type_cast":
            of_value = _called(value.type_cast.arg)
            return strings(value.type_cast.type_name.names)[-1] if of_value in ("?column?", None) else of_value
        case "collate_clause":
            return _called(value.collate_clause.arg)
        case "a_expr" if value.a_expr.kind == pb.AEXPR_NULLIF:
            return "nullif"
    return "?column?" if which in _UNNAMED else _CALLED.get(which or "")
