"""What a statement does to a server, read from its text: one module a command family."""

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from migsafe.errors import SqlError
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects
from migsafe.sql.draft import Draft
from migsafe.sql.parse import parse

Handler = Callable[[Any, Draft], None]


@cache
def handlers() -> dict[str, Handler]:
    """The functions that read a statement, by the name of its message; every module of this folder has some."""
    found: dict[str, Handler] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        found.update(import_module(f"{__name__}.{module}").HANDLES)
    return found


def predict(sql: str, catalog: Catalog, server_version: int = 18) -> Effects:
    """The effects of one statement on a server of that major version whose schema is `catalog`.

    Never raises for a text: what PostgreSQL's grammar rejects, and what is not modelled, has `unknown` set.
    """
    try:
        node = parse(sql)
    except SqlError as error:
        return Effects(unknown=f"this is no PostgreSQL statement: {error.message}")
    try:
        return of_node(node, catalog, server_version)
    except RecursionError:
        return Effects(unknown="an expression in it is nested too deeply to be read")
    except SqlError as error:
        return Effects(unknown=error.message)


def inside(sql: str, draft: Draft) -> Effects:
    """The effects of a statement that another one runs: in a block, a function, a trigger."""
    try:
        node = parse(sql)
    except SqlError as error:
        return Effects(unknown=f"a statement inside cannot be read: {error.message}")
    return of_node(node, draft.catalog, draft.version, draft.called)


def of_node(node: Any, catalog: Catalog, server_version: int = 18, called: set[str] | None = None) -> Effects:
    """The effects of a parsed statement; `called` are functions that need not be read again."""
    draft = Draft(catalog, server_version, called)
    draft.command = command_of(type(node).__name__)
    handler = handlers().get(type(node).__name__)
    if handler is None:
        draft.give_up(f"migsafe does not know what {draft.command} locks")
    else:
        handler(node, draft)
    return draft.effects()


def command_of(message: str) -> str:
    """A readable name for a statement whose module gives it none: CreateAmStmt is CREATE AM."""
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in message.removesuffix("Stmt"))
    return words.strip().upper()
