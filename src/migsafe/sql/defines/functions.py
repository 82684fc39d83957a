"""Functions: what they may do, how they are planned, their settings, arguments and SQL bodies."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from migsafe.model.catalog import Function
from migsafe.model.effects import Object
from migsafe.sql import expressions, privileges, types
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import deparse_statement, kind
from migsafe.sql.quote import identifier

Found = Iterable[tuple[Object, str, str | None]]

_MODES = {
    pb.FUNC_PARAM_IN: "i",
    pb.FUNC_PARAM_DEFAULT: "i",
    pb.FUNC_PARAM_OUT: "o",
    pb.FUNC_PARAM_INOUT: "b",
    pb.FUNC_PARAM_VARIADIC: "v",
    pb.FUNC_PARAM_TABLE: "t",
}
_INPUT, _OUTPUT = "ibv", "obt"
# Parameters whose value is a list of names, stored with quotes where they are needed (GUC_LIST_QUOTE in guc_tables.c).
_LISTS = ("search_path", "temp_tablespaces", "session_preload_libraries", "shared_preload_libraries")


def _created(node: pb.CreateFunctionStmt, draft: Draft) -> Found:
    made = next((thing for thing in draft.all("creates") if isinstance(thing, Function)), None)
    if made is None:
        return
    function = Object("function", made.signature)
    written = dict(_options(item.def_elem for item in node.options if item.def_elem.defname != "volatility"))
    plain = {"security": None, "strict": None, "leakproof": None, "parallel": None}
    found: dict[str, str | None] = {**plain, **_planned(made), **written}
    found |= _arguments([item.function_parameter for item in node.parameters], draft)
    if (body := _body(node)) is not None:
        found["sql body"] = body
    for name, value in found.items():
        yield function, name, value


def _planned(made: Function) -> dict[str, str | None]:
    """What the planner supposes when nothing is written (manual, CREATE FUNCTION)."""
    return {"cost": "1" if made.language in ("c", "internal") else "100", "rows": "1000" if made.returns_set else "0"}


def _options(elements: Iterable[Any]) -> Iterator[tuple[str, str | None]]:
    for element in elements:
        arg = element.arg
        match element.defname:
            case "security":
                yield "security", "definer" if arg.boolean.boolval else None
            case "strict" | "leakproof" as name:
                yield name, "true" if arg.boolean.boolval else None
            case "parallel":
                yield "parallel", None if arg.string.sval.lower() == "unsafe" else arg.string.sval.lower()
            case "cost" | "rows" as name:
                yield name, str(arg.integer.ival) if kind(arg) == "integer" else _plain(arg.float.fval)
            case "volatility":
                yield "volatility", arg.string.sval[:1].lower()
            case "set":
                yield from _setting(arg.variable_set_stmt)


def _plain(number: str) -> str:
    """As trim_scale() prints it."""
    try:
        return f"{Decimal(number).normalize():f}"
    except InvalidOperation:
        return number


def _setting(node: pb.VariableSetStmt) -> Iterator[tuple[str, str | None]]:
    """The value as pg_proc.proconfig has it; `?` for one that the session decides, as FROM CURRENT."""
    name = node.name.lower()
    if node.kind == pb.VAR_RESET_ALL:
        yield "settings", None
    elif node.kind in (pb.VAR_RESET, pb.VAR_SET_DEFAULT):
        yield f"setting {name}", None
    elif node.kind != pb.VAR_SET_VALUE or any(kind(item) != "a_const" for item in node.args):
        yield f"setting {name}", "?"
    else:
        values = [_constant(item.a_const) for item in node.args]
        yield f"setting {name}", ", ".join(map(identifier, values) if name in _LISTS else values)


def _constant(constant: Any) -> str:
    which = constant.WhichOneof("val")
    return str(getattr(getattr(constant, which), which)) if which else ""


def _arguments(written: list[Any], draft: Draft) -> dict[str, str | None]:
    modes = [_MODES[each.mode] for each in written]
    defaults = [
        [expressions.text(each.defexpr), types.text(each.arg_type, draft.catalog)]
        for each in written
        if kind(each.defexpr) is not None
    ]
    given = [types.text(e.arg_type, draft.catalog) for e, mode in zip(written, modes, strict=True) if mode in _OUTPUT]
    return {
        "argument names": ", ".join(each.name for each in written) if any(each.name for each in written) else None,
        "argument modes": "".join(modes) if set(modes) - {"i"} else None,
        "argument defaults": json.dumps(defaults) if defaults else None,
        "output types": json.dumps(given) if given else None,
        "input": json.dumps([[e.name, types.text(e.arg_type, draft.catalog)] for e in written if _is_input(e)]),
    }


def _is_input(parameter: Any) -> bool:
    return _MODES[parameter.mode] in _INPUT


def _body(node: pb.CreateFunctionStmt) -> str | None:
    """RETURN, or BEGIN ATOMIC with one query; what writes rows is not read."""
    body = node.sql_body
    if kind(body) == "return_stmt":
        return f"SELECT {expressions.text(body.return_stmt.returnval)}"
    statements = [part for item in body.list.items for part in item.list.items]
    return deparse_statement(statements[0]) if [kind(each) for each in statements] == ["select_stmt"] else None


def _altered(node: pb.AlterFunctionStmt, draft: Draft) -> Found:
    function = privileges.function(node.func, draft)
    if function is None:
        return
    for name, value in _options(item.def_elem for item in node.actions):
        yield function, name, value


NOTING = {"CreateFunctionStmt": _created, "AlterFunctionStmt": _altered}
