"""What constraints prove: that a partition's bound holds for every row, that a partition is not reached."""

import re
from typing import Any, NamedTuple

from migsafe.model.catalog import Constraint
from migsafe.sql.draft import Draft
from migsafe.sql.expressions import proves_not_null
from migsafe.sql.nodes import pb
from migsafe.sql.parse import kind, parse_expression, strings

Value = int | float | str


class Facts(NamedTuple):
    """Comparisons of one column with constants that all hold: operator and value; `among` for = and IN."""

    compared: tuple[tuple[str, Value], ...] = ()
    among: tuple[Value, ...] | None = None


class Bound(NamedTuple):
    """A partition's bound of one key: LIST `values`, or RANGE from `low` to `high` (None: without end)."""

    values: tuple[Value, ...] | None = None
    low: Value | None = None
    high: Value | None = None


def constant(node: Any) -> Value | None:
    """A constant under casts; None for everything else."""
    while kind(node) == "type_cast":
        node = node.type_cast.arg
    value = node.a_const
    match value.WhichOneof("val"):
        case "ival":
            return int(value.ival.ival)
        case "fval":
            return float(value.fval.fval)
        case "sval":
            return str(value.sval.sval)
    if kind(node) == "a_expr" and node.a_expr.name and strings(node.a_expr.name) == ("-",):
        inside = constant(node.a_expr.rexpr) if kind(node.a_expr.lexpr) is None else None
        return -inside if isinstance(inside, int | float) else None
    return None


_DATE = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?")


def before(one: Value, other: Value) -> bool | None:
    """Whether a value is less than another; None when their order is not ours to tell, as of texts."""
    if isinstance(one, str) and isinstance(other, str):
        ordered = _DATE.fullmatch(one) and _DATE.fullmatch(other)
        return one < other if ordered else None
    if isinstance(one, str) or isinstance(other, str):
        return None
    return one < other


def conjuncts(node: Any) -> list[Any]:
    """The parts of an expression that AND joins."""
    if kind(node) == "bool_expr" and node.bool_expr.boolop == pb.AND_EXPR:
        return [part for arg in node.bool_expr.args for part in conjuncts(arg)]
    return [node] if kind(node) else []


_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}


def facts(nodes: list[Any], column: str) -> Facts:
    """What conjuncts say of a column."""
    compared: list[tuple[str, Value]] = []
    among: tuple[Value, ...] | None = None
    for node in nodes:
        if kind(node) != "a_expr":
            continue
        expression = node.a_expr
        if expression.kind == pb.AEXPR_IN and _is(expression.lexpr, column) and strings(expression.name) == ("=",):
            values = [constant(item) for item in expression.rexpr.list.items]
            among = tuple(v for v in values if v is not None) if None not in values else among
        elif expression.kind == pb.AEXPR_BETWEEN and _is(expression.lexpr, column):
            low, high = (constant(item) for item in expression.rexpr.list.items)
            compared += [(op, v) for op, v in ((">=", low), ("<=", high)) if v is not None]
        elif expression.kind == pb.AEXPR_OP and (pair := _comparison(expression, column)):
            compared.append(pair)
            among = (pair[1],) if pair[0] == "=" else among
    return Facts(tuple(compared), among)


def _comparison(expression: Any, column: str) -> tuple[str, Value] | None:
    operator = strings(expression.name)[-1]
    if operator not in _FLIPPED:
        return None
    left, right = constant(expression.lexpr), constant(expression.rexpr)
    if _is(expression.lexpr, column) and right is not None:
        return operator, right
    if _is(expression.rexpr, column) and left is not None:
        return _FLIPPED[operator], left
    return None


def _is(node: Any, column: str) -> bool:
    return kind(node) == "column_ref" and strings(node.column_ref.fields)[-1:] == (column,)


def bound_of(text: str | None) -> Bound | None:
    """A bound of one key as `pg_get_expr(relpartbound)` prints it; None for DEFAULT, HASH and several keys."""
    if text is None:
        return None
    if listed := re.fullmatch(r"FOR VALUES IN \((.*)\)", text, re.DOTALL):
        values = _values(listed[1])
        return Bound(values=values) if values is not None else None
    if ranged := re.fullmatch(r"FOR VALUES FROM \((.*)\) TO \((.*)\)", text, re.DOTALL):
        low, high = _end(ranged[1]), _end(ranged[2])
        return Bound(low=low[0], high=high[0]) if low and high else None
    return None


def _values(text: str) -> tuple[Value, ...] | None:
    node = parse_expression(f"ROW({text})")
    values = [constant(item) for item in node.row_expr.args] if node is not None else [None]
    return tuple(value for value in values if value is not None) if None not in values else None


def _end(text: str) -> tuple[Value | None] | None:
    if text.strip().lower() in ("minvalue", "maxvalue"):
        return (None,)
    values = _values(text)
    return (values[0],) if values is not None and len(values) == 1 else None


def implied(draft: Draft, table: str, key: str, bound: Bound) -> bool:
    """Whether validated CHECKs and NOT NULL prove the bound, so that ATTACH PARTITION need not read (measured)."""
    parts = [part for check in _checks(draft, table) for part in conjuncts(check)]
    column = draft.column(table, key)
    if not (column and column.not_null) and not any(proves_not_null(part, key) for part in parts):
        return False
    known = facts(parts, key)
    if bound.values is not None:
        return known.among is not None and set(known.among) <= set(bound.values)
    return _at_least(known, bound.low) and _below(known, bound.high)


def kept_out(draft: Draft, table: str, key: str, bound: Bound) -> bool:
    """Whether a validated CHECK proves that no row is within the bound, so that a default partition is not read."""
    return any(all(_outside(part, key, bound) for part in _disjuncts(check)) for check in _checks(draft, table))


def _outside(part: Any, key: str, bound: Bound) -> bool:
    # NULL is within no range, and among no values that could be told.
    if kind(part) == "null_test" and part.null_test.nulltesttype == pb.IS_NULL:
        return _is(part.null_test.arg, key)
    return excluded(bound, facts(conjuncts(part), key))


_NEGATED = {"<": ">=", ">": "<=", "<=": ">", ">=": "<"}


def _disjuncts(node: Any) -> list[Any]:
    """The parts of an expression that OR joins; NOT over comparisons joined by AND is OR over their opposites."""
    if kind(node) != "bool_expr":
        return [node]
    if node.bool_expr.boolop == pb.OR_EXPR:
        return [part for arg in node.bool_expr.args for part in _disjuncts(arg)]
    if node.bool_expr.boolop == pb.NOT_EXPR:
        opposites = [_opposite(part) for part in conjuncts(node.bool_expr.args[0])]
        return [node] if None in opposites else opposites
    return [node]


def _opposite(node: Any) -> Any | None:
    if kind(node) != "a_expr" or node.a_expr.kind != pb.AEXPR_OP:
        return None
    operator = _NEGATED.get(strings(node.a_expr.name)[-1])
    if operator is None:
        return None
    changed = pb.Node()
    changed.CopyFrom(node)
    changed.a_expr.name[-1].string.sval = operator
    return changed


def _checks(draft: Draft, table: str) -> list[Any]:
    def proves(constraint: Constraint) -> bool:
        return constraint.kind == "check" and constraint.validated and constraint.enforced

    parsed = [parse_expression(c.expression) for c in draft.constraints(table) if proves(c) and c.expression]
    return [node for node in parsed if node is not None]


def _at_least(known: Facts, low: Value | None) -> bool:
    if low is None:
        return True
    return any(op in (">", ">=", "=") and before(value, low) is False for op, value in known.compared)


def _below(known: Facts, high: Value | None) -> bool:
    if high is None:
        return True
    for op, value in known.compared:
        if op == "<" and before(high, value) is False:
            return True
        if op in ("<=", "=") and before(value, high):
            return True
    return False


def excluded(bound: Bound, known: Facts) -> bool:
    """Whether no row within the bound can satisfy what a WHERE says of the key."""
    if bound.values is not None:
        return known.among is not None and not set(known.among) & set(bound.values)
    for op, value in known.compared:
        under = bound.low is not None and before(value, bound.low)
        over = bound.high is not None and before(value, bound.high) is False
        if op in ("=", "<", "<=") and under:
            return True
        if op == "<" and bound.low is not None and before(bound.low, value) is False:
            return True
        if op in ("=", ">", ">=") and over:
            return True
    return False
