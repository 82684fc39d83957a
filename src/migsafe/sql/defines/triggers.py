"""Triggers and rules: conditions, arguments, actions."""

import json
from collections.abc import Iterable
from typing import Any

from migsafe.model.catalog import Trigger
from migsafe.model.effects import Object
from migsafe.sql import expressions, names
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import Message, pb
from migsafe.sql.parse import deparse_statement, inner, kind, strings

Found = Iterable[tuple[Object, str, str | None]]

_ROWS = ("old", "new")


def _trigger(node: pb.CreateTrigStmt, draft: Draft) -> Found:
    """The same of every partition's copy."""
    for made in draft.all("creates"):
        if isinstance(made, Trigger) and made.name == node.trigname:
            trigger = Object("trigger", made.name, made.relation)
            for name, value in _of_trigger(node, made, draft).items():
                yield trigger, name, value


def _of_trigger(node: pb.CreateTrigStmt, made: Trigger, draft: Draft) -> dict[str, str | None]:
    arguments = strings(node.args)
    given = "".join(f"{argument};" for argument in arguments) or None
    transitions = [item.trigger_transition for item in node.transition_rels]
    tables = sorted(f"{'new' if each.is_new else 'old'} {each.name}" for each in transitions)
    found: dict[str, str | None] = {
        "update of": ", ".join(sorted(strings(node.columns))) or None,
        "when": expressions.text(node.when_clause) if kind(node.when_clause) else None,
        "transition tables": ", ".join(tables) or None,
        "deferral": _deferral(node),
        "from": made.references,
        "enabled": "O",
    }
    called = expressions.function_name(strings(node.funcname), draft.catalog)
    if "." not in called:
        found["calls"] = f"pg_catalog.{called}"
    # How others are stored depends on the encoding of the database.
    if (given or "").isascii():
        found["arguments"] = given.replace("\\", "\\\\") if given else None
    return found


def _deferral(node: pb.CreateTrigStmt) -> str | None:
    if node.initdeferred:
        return "initially deferred"
    return "deferrable" if node.deferrable else None


def _rule(node: pb.RuleStmt, draft: Draft) -> Found:
    table = names.relation(node.relation, draft.catalog)
    rule = Object("rule", node.rulename, table)
    yield rule, "where", expressions.text(node.where_clause) if kind(node.where_clause) else None
    actions = [_expanded(action, draft, table) for action in node.actions]
    if all(action is not None for action in actions):
        yield rule, "actions", json.dumps(actions)
    # CREATE OR REPLACE leaves the switch as it is (rewriteDefine.c).
    if not node.replace:
        yield rule, "enabled", "O"


def _expanded(action: pb.Node, draft: Draft, table: str) -> str | None:
    """An action with the columns that `new.*` stands for; None when they are not known, or it is of another kind."""
    columns = tuple(draft.catalog.columns.get(table, {}))
    if type(inner(action)).__name__ not in ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt"):
        return None
    copied = pb.Node()
    copied.CopyFrom(action)
    return deparse_statement(copied) if _expand(copied, columns) else None


def _expand(message: Message, columns: tuple[str, ...]) -> bool:
    """Put columns in the place of `new.*` and `old.*` in every list of targets and values below `message`."""
    known = True
    _spell_out(message)
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        single = hasattr(value, "ListFields")
        for part in [value] if single else value:
            known = _expand(part, columns) and known
        if not single and not isinstance(message, pb.FuncCall) and any(_is_row(part) for part in value):
            known = known and bool(columns)
            parts = [each for part in value for each in _columns_of(part, columns)]
            del value[:]
            value.extend(parts)
    return known


def _spell_out(message: Message) -> None:
    """`new` alone is printed as `new.*`."""
    if isinstance(message, pb.ColumnRef) and len(message.fields) == 1 and message.fields[0].string.sval in _ROWS:
        message.fields.append(pb.Node(a_star=pb.A_Star()))


def _is_row(node: Any) -> bool:
    part = node.res_target.val if isinstance(node, pb.Node) and kind(node) == "res_target" else node
    if not isinstance(part, pb.Node) or kind(part) != "column_ref":
        return False
    fields = part.column_ref.fields
    return len(fields) == 2 and kind(fields[1]) == "a_star" and fields[0].string.sval in _ROWS


def _columns_of(node: Any, columns: tuple[str, ...]) -> list[Any]:
    if not _is_row(node):
        return [node]
    target = kind(node) == "res_target"
    row = (node.res_target.val if target else node).column_ref.fields[0].string.sval
    found = []
    for column in columns:
        fields = [pb.Node(string=pb.String(sval=row)), pb.Node(string=pb.String(sval=column))]
        reference = pb.Node(column_ref=pb.ColumnRef(fields=fields))
        found.append(pb.Node(res_target=pb.ResTarget(val=reference)) if target else reference)
    return found


NOTING = {"CreateTrigStmt": _trigger, "RuleStmt": _rule}
