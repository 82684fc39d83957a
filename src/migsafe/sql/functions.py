"""Calls of functions that are not PostgreSQL's own: what their bodies lock."""

from typing import Any

from migsafe.errors import SqlError
from migsafe.model.catalog import Function, Trigger
from migsafe.sql import plpgsql
from migsafe.sql.draft import Draft
from migsafe.sql.expressions import builtin_volatility, function_name
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner, parse_all, strings, walk
from migsafe.sql.predict import of_node


def run_calls(node: Any, draft: Draft, asked_for: bool = False) -> None:
    """Add what the functions do that a query calls. `asked_for`: calling them is what the statement is for."""
    for part in walk(node):
        if isinstance(part, pb.FuncCall):
            name = function_name(strings(part.funcname), draft.catalog)
            if "." in name or name not in builtin_volatility():
                run_function(name, draft, asked_for)


def run_function(name: str, draft: Draft, asked_for: bool = False) -> None:
    """Add what a function does; say so when its body is not known."""
    if name in draft.called:
        return
    draft.called.add(name)
    known = [function for function in draft.catalog.functions.values() if function.name == name]
    for function in known:
        _run_body(function, draft)
    if known or _is_pure(name, draft):
        return
    if asked_for:
        draft.give_up(f"it calls {name}(), and what that does is not known")
    else:
        draft.suppose(f"nothing more is locked if {name}(), which is called, locks nothing")


def _is_pure(name: str, draft: Draft) -> bool:
    letter = draft.catalog.volatility.get(name) or draft.catalog.volatility.get(name.split(".")[-1])
    return letter == "i"


def _run_body(function: Function, draft: Draft) -> None:
    if function.volatility == "i" and function.language not in ("sql", "plpgsql"):
        return
    if function.body is None and function.language == "sql":
        return
    if function.language == "plpgsql" and function.body is not None:
        setof = "SETOF " if function.returns_set else ""
        returns = function.returns or ("void" if function.kind == "procedure" else "record")
        plpgsql.run(function.body, draft, f"{setof}{_printable(returns)}", len(function.arguments))
    elif function.language == "sql" and function.body is not None:
        try:
            statements = parse_all(function.body).stmts
        except SqlError:
            return
        for raw in statements:
            draft.absorb(of_node(inner(raw.stmt), draft.catalog, draft.version, draft.called))
    elif function.extension is None:
        draft.suppose(f"nothing more is locked if {function.name}(), written in {function.language}, locks nothing")


def _printable(returns: str) -> str:
    """A result type that the PL/pgSQL parser of libpg_query can look up: it knows those of PostgreSQL alone."""
    return returns if returns in ("void", "trigger", "event_trigger", "record") else "text"


def fire_triggers(draft: Draft, table: str, event: str, changed: set[str] | None = None) -> None:
    """Add what the triggers of a table do on `event`; `changed` are the columns that an UPDATE sets."""
    for trigger in draft.catalog.triggers.get(table, {}).values():
        if event in trigger.events and trigger.function and _applies(trigger, event, changed):
            run_function(trigger.function, draft)


def _applies(trigger: Trigger, event: str, changed: set[str] | None) -> bool:
    return event != "update" or changed is None or not trigger.columns or bool(changed & set(trigger.columns))
