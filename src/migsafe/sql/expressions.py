"""What an expression mentions, calls, and whether it gives another value for every row."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from migsafe.model.catalog import Catalog, Function
from migsafe.sql.names import found
from migsafe.sql.nodes import pb
from migsafe.sql.parse import deparse, inner, kind, parse, strings, walk

_NOT_READ = "migsafe cannot see whether {}() is volatile: no rewrite if it is not"


class Volatile(NamedTuple):
    """Whether an expression is volatile; `condition` says what the catalog did not know."""

    volatile: bool
    condition: str | None = None


@cache
def builtin_volatility() -> dict[str, str]:
    """i, s or v by the bare name of every function of PostgreSQL 18 (functions.txt)."""
    found_: dict[str, str] = {}
    letter = ""
    for line in Path(__file__).with_name("functions.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            letter = line[1]
        elif not line.startswith("#"):
            found_.update(dict.fromkeys(line.split(), letter))
    return found_


def columns(node: Any) -> tuple[str, ...]:
    """The columns that an expression over one table mentions, in order."""
    names: dict[str, None] = {}
    for part in walk(node):
        if isinstance(part, pb.ColumnRef):
            fields = strings(part.fields)
            if fields and fields[-1]:
                names[fields[-1]] = None
    return tuple(names)


def calls(node: Any, catalog: Catalog) -> tuple[str, ...]:
    """The functions that an expression calls: `schema.name` for the user's own, bare for PostgreSQL's."""
    found_: dict[str, None] = {}
    for part in walk(node):
        if isinstance(part, pb.FuncCall):
            found_[function_name(strings(part.funcname), catalog)] = None
    return tuple(found_)


def function_name(names: tuple[str, ...], catalog: Catalog) -> str:
    if len(names) > 1:
        return names[-1] if names[0] == "pg_catalog" else f"{names[-2]}.{names[-1]}"
    own = found(names[0], catalog, catalog.volatility)
    return own if own in catalog.volatility or names[0] not in builtin_volatility() else names[0]


# Volatile or stable in every form that they have (pg_proc); of others it depends on the types of the arguments.
_NEVER_IMMUTABLE = {
    *("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday", "random", "nextval"),
    *("gen_random_uuid", "uuidv4", "uuidv7", "to_char", "concat", "concat_ws", "format", "array_to_string", "to_json"),
    *("to_jsonb", "current_setting", "current_user", "session_user"),
}


# Stable where they are given a time stamp with time zone, immutable in other forms (pg_proc).
_OF_TIME_ZONE = {"date", "time", "timetz", "timestamp", "date_trunc", "date_part", "extract", "age"}
_ZONED = "timestamp with time zone"


def not_immutable(node: Any, catalog: Catalog, types: Mapping[str, str | None] = {}) -> tuple[str, ...]:
    """The functions in an expression that are certainly not IMMUTABLE, as those in an index have to be.

    `types` are those of the columns: what reads a time stamp with time zone depends on the TimeZone of the session.
    """
    found_ = [name for name in calls(node, catalog) if _is_refused(name, catalog)]
    found_ += [name for part in walk(node) if (name := _of_session(part, catalog, types)) and name not in found_]
    clocks = [part for part in walk(node) if isinstance(part, pb.SQLValueFunction)]
    return (*found_, *(pb.SQLValueFunctionOp.Name(part.op).removeprefix("SVFOP_") for part in clocks))


def _of_session(part: Any, catalog: Catalog, types: Mapping[str, str | None]) -> str | None:
    """The name of a call or cast that depends on TimeZone, DateStyle or default_text_search_config."""
    if isinstance(part, pb.TypeCast):
        name = strings(part.type_name.names)[-1]
        return f"the cast to {name}" if _is_zoned(part.arg, types) and name != "timestamptz" else None
    if not isinstance(part, pb.FuncCall):
        return None
    name = function_name(strings(part.funcname), catalog)
    if name == "to_tsvector" and len(part.args) == 1:
        return name
    # With the zone as third argument, and between two time stamps, the session's has no part in it (measured).
    depends = name in _OF_TIME_ZONE and len(part.args) < {"date_trunc": 3, "age": 2}.get(name, 9)
    return name if depends and any(_is_zoned(argument, types) for argument in part.args) else None


def _is_zoned(node: Any, types: Mapping[str, str | None]) -> bool:
    if kind(node) != "column_ref":
        return False
    fields = strings(node.column_ref.fields)
    return bool(fields) and types.get(fields[-1]) == _ZONED


def _is_refused(name: str, catalog: Catalog) -> bool:
    if name not in catalog.volatility:
        return name in _NEVER_IMMUTABLE
    named = [function.volatility for function in catalog.functions.values() if function.name == name]
    return catalog.volatility[name] != "i" and "i" not in named


def volatility(node: Any, catalog: Catalog) -> Volatile:
    """Whether a default has to be computed for every row: after the planner has folded constants away (measured)."""
    condition = None
    for part in _evaluated(node):
        if isinstance(part, pb.NextValueExpr):
            return Volatile(True)
        if not isinstance(part, pb.FuncCall):
            continue
        name = function_name(strings(part.funcname), catalog)
        one = _of_function(name, part, catalog)
        if one.volatile and one.condition is None:
            return one
        condition = condition or one.condition
    return Volatile(condition is not None, condition)


def _of_function(name: str, call: Any, catalog: Catalog) -> Volatile:
    letter = catalog.volatility.get(name) or catalog.volatility.get(name.split(".")[-1])
    if letter is None and "." not in name:
        letter = builtin_volatility().get(name)
        if name == "timezone" and catalog.server_version < 15 and _zones_a_time(call):
            letter = "v"
    if letter is None:
        return Volatile(True, _NOT_READ.format(name))
    if letter != "v":
        return Volatile(False)
    body = _inlined(name, catalog)
    return Volatile(True) if body is None else volatility(body, catalog)


def _zones_a_time(call: Any) -> bool:
    """Whether it is timezone(text, time with time zone), the one form that is volatile before 15 (pg_proc)."""
    if len(call.args) != 2:
        return False
    zone, time = map(inner, call.args)
    if isinstance(zone, pb.TypeCast) and zone.type_name.names[-1].string.sval == "interval":
        return False
    if isinstance(time, pb.SQLValueFunction):
        return pb.SQLValueFunctionOp.Name(time.op).removesuffix("_N") in ("SVFOP_CURRENT_TIME", "SVFOP_LOCALTIME")
    return isinstance(time, pb.TypeCast) and time.type_name.names[-1].string.sval in ("time", "timetz")


def _inlined(name: str, catalog: Catalog) -> Any | None:
    """The expression that the planner puts in the place of a call of a simple SQL function (manual, inlining)."""
    candidates = [f for f in catalog.functions.values() if f.name == name]
    if len(candidates) != 1 or not _is_simple(candidates[0]):
        return None
    statement = parse(candidates[0].body or "")
    if not isinstance(statement, pb.SelectStmt) or len(statement.target_list) != 1:
        return None
    set_fields = {field.name for field, _ in statement.ListFields()}
    return statement.target_list[0].res_target.val if set_fields <= {"target_list", "limit_option", "op"} else None


def _is_simple(function: Function) -> bool:
    return function.language == "sql" and not function.returns_set and bool(function.body)


def _evaluated(node: Any) -> Iterator[Any]:
    """The parts of an expression that are left after constant folding."""
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, pb.Node):
            which = kind(current)
            if which is None:
                continue
            current = getattr(current, which)
        if isinstance(current, pb.CaseExpr):
            stack += _live_branches(current)
        elif isinstance(current, pb.CoalesceExpr):
            stack += _until_constant(current.args)
        else:
            yield current
            for field, value in current.ListFields():
                if field.message_type is not None:
                    stack += [value] if hasattr(value, "ListFields") else list(value)


def _until_constant(nodes: Any) -> list[Any]:
    kept = []
    for node in nodes:
        if _is_constant(node):
            break
        kept.append(node)
    return kept


def _is_constant(node: Any) -> bool:
    while kind(node) == "type_cast":
        node = node.type_cast.arg
    return kind(node) == "a_const" and not node.a_const.isnull


def _live_branches(case: Any) -> list[Any]:
    live = [case.arg]
    for branch in case.args:
        when = branch.case_when
        truth = _truth(when.expr) if not kind(case.arg) else None
        if truth is False:
            continue
        live += [when.result] if truth else [when.expr, when.result]
        if truth:
            return live
    return [*live, case.defresult]


def _truth(node: Any) -> bool | None:
    constant = node.a_const
    return bool(constant.boolval.boolval) if constant.WhichOneof("val") == "boolval" else None


def truth(node: Any) -> bool | None:
    """Whether a condition is true, or false, for every row: `true`, `1 = 1`, `NOT false`; None when it depends."""
    which = kind(node)
    if which == "type_cast":
        written = node.type_cast.arg.a_const.sval.sval.lower()
        return written in ("t", "true") if written in ("t", "true", "f", "false") else truth(node.type_cast.arg)
    if which == "bool_expr":
        parts = [truth(part) for part in node.bool_expr.args]
        if node.bool_expr.boolop == pb.NOT_EXPR:
            return None if parts[0] is None else not parts[0]
        decisive = node.bool_expr.boolop == pb.OR_EXPR
        return decisive if decisive in parts else None if None in parts else not decisive
    if which == "a_expr" and strings(node.a_expr.name) == ("=",):
        left, right = node.a_expr.lexpr, node.a_expr.rexpr
        if kind(left) == kind(right) == "a_const" and not left.a_const.isnull and not right.a_const.isnull:
            return text(left) == text(right)
        return None
    return _truth(node)


def proves_not_null(node: Any, column: str) -> bool:
    """Whether a CHECK is one that lets SET NOT NULL skip its scan (measured; predtest.c)."""
    which = kind(node)
    if which == "bool_expr":
        parts = node.bool_expr.args
        if node.bool_expr.boolop == pb.AND_EXPR:
            return any(proves_not_null(part, column) for part in parts)
        return node.bool_expr.boolop == pb.NOT_EXPR and _is_null_test(parts[0], column, pb.IS_NULL)
    return _is_null_test(node, column, pb.IS_NOT_NULL) or _is_distinct_from_null(node, column)


def _is_null_test(node: Any, column: str, test: int) -> bool:
    return kind(node) == "null_test" and node.null_test.nulltesttype == test and _is_column(node.null_test.arg, column)


def _is_column(node: Any, column: str) -> bool:
    return kind(node) == "column_ref" and strings(node.column_ref.fields)[-1:] == (column,)


def _is_distinct_from_null(node: Any, column: str) -> bool:
    if kind(node) != "a_expr" or node.a_expr.kind != pb.AEXPR_DISTINCT:
        return False
    left, right = node.a_expr.lexpr, node.a_expr.rexpr
    return (_is_column(left, column) and right.a_const.isnull) or (_is_column(right, column) and left.a_const.isnull)


def text(node: Any) -> str:
    return deparse(node)
