"""The statements of a PL/pgSQL block."""

import json
import re
from collections.abc import Iterator
from typing import Any

from migsafe.sql import libpg_query
from migsafe.sql.draft import Draft
from migsafe.sql.parse import kind, parse_expression, strings
from migsafe.sql.predict import inside
from migsafe.sql.quote import identifier, literal


def run(body: str, draft: Draft, returns: str = "void", arguments: int = 0) -> None:
    """Add what every statement of a block does, whichever branch is taken, to the draft.

    `returns` is the result type of the function around it, which decides what RETURN may say; it has that many
    `arguments`.
    """
    for text, dynamic in statements(body, draft, returns, arguments):
        if dynamic:
            draft.give_up(f"a statement is computed while it runs: EXECUTE {text}")
        else:
            draft.absorb(inside(text, draft))


def statements(body: str, draft: Draft, returns: str, arguments: int) -> Iterator[tuple[str, bool]]:
    """The SQL statements of a block as text, each with whether it is computed at run time."""
    tag = "$migsafe$"
    given = ", ".join(["text"] * arguments)
    text = f"CREATE FUNCTION f({given}) RETURNS {returns} LANGUAGE plpgsql AS {tag}{body}{tag}"
    try:
        tree = _parsed(text)
    except (libpg_query.Rejected, json.JSONDecodeError, UnicodeError) as error:
        draft.give_up(f"a PL/pgSQL block cannot be read: {error}")
        return
    stack: list[tuple[Any, bool]] = [(tree, False)]
    while stack:
        part, dynamic = stack.pop()
        if isinstance(part, list):
            stack.extend((item, dynamic) for item in reversed(part))
        elif isinstance(part, dict):
            if "PLpgSQL_expr" in part:
                yield from _statement(part["PLpgSQL_expr"], dynamic)
                continue
            stack.extend((part[key], _is_dynamic(key, dynamic)) for key in reversed(part))


def _parsed(text: str) -> Any:
    """The tree of a function. Its JSON is broken for triggers: libpg_query closes the variables TG_… once too often."""
    printed = libpg_query.plpgsql(text)
    try:
        return json.loads(printed)
    except json.JSONDecodeError:
        return json.loads(re.sub(r"(?<=[,\[])\{\}\}(?=,)", "{}", printed))


_DYNAMIC = ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors", "dynquery")
_STATEMENT, _EXPRESSION = 0, 2  # RawParseMode in PostgreSQL's parser.h; assignments are above


def _is_dynamic(key: str, dynamic: bool) -> bool:
    """The text of an EXECUTE is computed; the body of a loop over it and its USING are not."""
    return key in _DYNAMIC or (dynamic and key == "query")


def _statement(expression: dict[str, Any], dynamic: bool) -> Iterator[tuple[str, bool]]:
    text, mode = str(expression["query"]), expression.get("parseMode", _STATEMENT)
    if dynamic:
        constant = evaluate(text)
        yield (constant, False) if constant else (text, True)
    elif mode == _STATEMENT:
        yield text, False
    elif "(" in text:  # what calls nothing and asks nothing locks nothing
        yield f"SELECT {text if mode == _EXPRESSION else re.split(':?=', text, maxsplit=1)[-1]}", False


def evaluate(expression: str) -> str | None:
    """The text of an EXECUTE whose parts are constants, format() among them; None when it is computed."""
    node = parse_expression(expression)
    return _constant_text(node) if node is not None else None


def _constant_text(node: Any) -> str | None:
    if node.a_const.WhichOneof("val") == "sval":
        return str(node.a_const.sval.sval)
    if node.a_const.WhichOneof("val") == "ival":
        return str(node.a_const.ival.ival)
    if kind(node) == "type_cast":
        return _constant_text(node.type_cast.arg)
    if kind(node) == "a_expr" and strings(node.a_expr.name) == ("||",):
        left, right = _constant_text(node.a_expr.lexpr), _constant_text(node.a_expr.rexpr)
        return left + right if left is not None and right is not None else None
    if kind(node) == "func_call":
        return _call(strings(node.func_call.funcname)[-1], list(node.func_call.args))
    return None


def _call(name: str, arguments: list[Any]) -> str | None:
    if name == "current_database":
        return "current_database"  # which one it is makes no difference to any effect
    values = [_constant_text(argument) for argument in arguments]
    given = [value for value in values if value is not None]
    if len(given) < len(values) or not given:
        return None
    if name == "quote_ident":
        return identifier(given[0])
    if name == "quote_literal":
        return literal(given[0])
    return _formatted(given[0], given[1:]) if name == "format" else None


def _formatted(pattern: str, values: list[str]) -> str | None:
    """format() with plain %s, %I and %L; None when it asks for more than is given."""
    queue = list(values)

    def fill(match: re.Match[str]) -> str:
        if match[1] == "%":
            return "%"
        value = queue.pop(0)
        return identifier(value) if match[1] == "I" else literal(value) if match[1] == "L" else value

    try:
        return re.sub(r"%([sIL%])", fill, pattern)
    except IndexError:
        return None
