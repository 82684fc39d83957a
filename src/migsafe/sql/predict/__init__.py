"""What a statement does to a server, read from its text: one module a command family."""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from migsafe.errors import SqlError
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import parse, tokens

Handler = Callable[[Any, Draft], None]


@cache
def handler_of(message: str) -> Handler | None:
    """The function that reads a statement of that message, from the module that has it among its HANDLES."""
    module = _homes().get(message)
    handler: Handler | None = import_module(f"{__name__}.{module}").HANDLES[message] if module else None
    return handler


@cache
def _homes() -> dict[str, str]:
    """The module of every message, from the text of this folder: an explanation loads the families that it meets."""
    return {
        message: path.stem
        for path in sorted(Path(__file__).parent.glob("[!_]*.py"))
        for message in _KEY.findall(path.read_text(encoding="utf-8").partition("\nHANDLES = ")[2])
    }


_KEY = re.compile(r'"(\w+)":')


def predict(sql: str, catalog: Catalog, server_version: int = 18) -> Effects:
    """The effects of one statement on a server of that major version whose schema is `catalog`.

    Never raises for a text: what PostgreSQL's grammar rejects, and what is not modelled, has `unknown` set.
    """
    try:
        node = parse(sql)
    except SqlError as error:
        return Effects(unknown=f"this is no PostgreSQL statement: {error.message}")
    try:
        effects = of_node(node, catalog, server_version)
        cut = _shortened(sql) if (_LONG if sql.isascii() else _PERHAPS_LONG).search(sql) else ()
        return msgspec.structs.replace(effects, shortened=cut) if cut else effects
    except RecursionError:
        return Effects(unknown="an expression in it is nested too deeply to be read")
    except SqlError as error:
        return Effects(unknown=error.message)


_LONG = re.compile(r'[\w$]{64}|"(?:[^"]|""){64}')
# A name of 64 bytes has at least 16 characters.
_PERHAPS_LONG = re.compile(r'[\w$]{16}|"(?:[^"]|""){16}')


def _shortened(sql: str) -> tuple[str, ...]:
    """The names that the server cuts to 63 bytes, with a NOTICE (manual, section 4.1.1)."""
    text = sql.encode()
    long = [t for t in tokens(sql) if t.token == pb.IDENT and t.end - t.start > 63]
    written = [text[t.start : t.end].decode().strip('"').replace('""', '"') for t in long]
    return tuple(dict.fromkeys(name for name in written if len(name.encode()) > 63))


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
    handler = handler_of(type(node).__name__)
    if handler is None:
        draft.give_up(f"migsafe does not know what {draft.command} locks")
    else:
        handler(node, draft)
    if any(known.added for known in catalog.types.values()):
        _note_labels(node, draft)
    if catalog.event_triggers:
        _fire_event_triggers(draft)
    return _with_attributes(node, draft)


_WITH_ATTRIBUTES = {
    *("AlterTableStmt", "CreateStmt", "CreateTableAsStmt", "RefreshMatViewStmt", "ViewStmt", "CreatePolicyStmt"),
    *("AlterPolicyStmt", "IndexStmt", "CreateSeqStmt", "AlterSeqStmt", "CommentStmt", "AlterOwnerStmt", "GrantStmt"),
    *(
        "CreateTrigStmt",
        "RuleStmt",
        "CreateFunctionStmt",
        "AlterFunctionStmt",
        "CreatePublicationStmt",
        "AlterStatsStmt",
    ),
    *("AlterPublicationStmt", "CreateStatsStmt", "CreateDomainStmt", "AlterDomainStmt", "CreateRangeStmt"),
    *("CreateSchemaStmt", "AlterDefaultPrivilegesStmt", "CreateRoleStmt", "AlterRoleStmt", "GrantRoleStmt"),
    "DropRoleStmt",
}


def _with_attributes(node: Any, draft: Draft) -> Effects:
    effects = draft.effects()
    if type(node).__name__ not in _WITH_ATTRIBUTES:
        return effects
    from migsafe.sql.attributes import attributes
    from migsafe.sql.defines import defines

    return msgspec.structs.replace(
        effects,
        attributes=(*effects.attributes, *attributes(node, draft)),
        defines=(*effects.defines, *defines(node, draft)),
    )


def _note_labels(node: Any, draft: Draft) -> None:
    """Note the use of enum labels that earlier statements have added: not possible in their transaction."""
    from migsafe.sql.enums import used_labels

    for type_name, label in used_labels(node, draft):
        draft.act("enum label", label, type_name)


# Manual, section 40.3: no event trigger fires for what is shared by all databases, or for event triggers.
_SHARED = re.compile(r"\w+ (DATABASE|ROLE|TABLESPACE|EVENT TRIGGER|SYSTEM)")
_EVENTS = re.compile(r"(CREATE|ALTER|DROP|COMMENT|GRANT|REVOKE|REINDEX|REFRESH|IMPORT|SECURITY|SELECT INTO)\b")


def _fire_event_triggers(draft: Draft) -> None:
    """Add what the functions of event triggers do that fire for the statement."""
    from migsafe.sql.functions import run_function

    if not _EVENTS.match(draft.command) or _SHARED.match(draft.command):
        return
    happens = {"sql_drop": "drops", "table_rewrite": "rewrites"}
    for trigger in draft.catalog.event_triggers.values():
        applies = trigger.enabled and trigger.event != "login" and (not trigger.tags or draft.command in trigger.tags)
        if applies and (trigger.event not in happens or draft.all(happens[trigger.event])):
            run_function(trigger.function, draft)
            draft.suppose(f"no more is read if the event trigger {trigger.name}, which fires, reads nothing")


def command_of(message: str) -> str:
    """A readable name for a statement whose module gives it none: CreateAmStmt is CREATE AM."""
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in message.removesuffix("Stmt"))
    return words.strip().upper()
