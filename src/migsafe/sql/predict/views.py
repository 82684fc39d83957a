"""CREATE VIEW, CREATE RULE, CREATE and ALTER POLICY, CREATE TRIGGER."""

from typing import Any

from migsafe.model.catalog import Column, Policy, Relation, RewriteRule, Trigger, Use
from migsafe.sql import expressions, names, query
from migsafe.sql.draft import AE, AS, RX, SRE, Draft, replace
from migsafe.sql.mentions import column_types, lock_mentioned
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner, kind, strings
from migsafe.sql.reads import output, uses

_EVENTS = {pb.CMD_SELECT: "select", pb.CMD_UPDATE: "update", pb.CMD_INSERT: "insert", pb.CMD_DELETE: "delete"}


def create_view(node: pb.ViewStmt, draft: Draft) -> None:
    draft.command = "CREATE VIEW"
    name = names.new_relation(node.view, draft.catalog)
    statement = inner(node.query)
    query.analyse(statement, draft)
    read = uses(statement, draft.catalog)
    lock_mentioned(draft, statement, column_types(draft, *(use.relation for use in read)))
    if any(_is_temporary(draft, part) for part, _ in query.mentioned(statement)):
        name = f"pg_temp.{names.bare(name)}"
    if draft.is_known(name) and node.replace:
        draft.lock(name, AE, "view")
        draft.new.discard(name)
    known = draft.relation(name)
    view = Relation(
        name,
        "view",
        owner=known.owner if known else None,
        uses=read,
        calls=expressions.calls(statement, draft.catalog),
    )
    if known:
        draft.alter(view, known)
    else:
        draft.create(view)
        draft.need("create-in-schema", names.split(name)[0])
    for column, type_text in output(statement, draft.catalog, strings(node.aliases)):
        draft.create(Column(name, column, type_text))


def _is_temporary(draft: Draft, part: pb.RangeVar) -> bool:
    """A view over something temporary is temporary itself (manual, CREATE VIEW)."""
    name = names.relation(part, draft.catalog)
    known = draft.relation(name)
    return name.startswith("pg_temp.") or (known is not None and known.persistence == "temporary")


def create_rule(node: pb.RuleStmt, draft: Draft) -> None:
    """ACCESS EXCLUSIVE on the table; the tables in its actions as the actions would lock them."""
    draft.command = "CREATE RULE"
    table = names.relation(node.relation, draft.catalog)
    draft.lock(table, AE)
    read: list[Use] = []
    written: list[str] = []
    for action in node.actions:
        statement = inner(action)
        parts = [(part, mode) for part, mode in query.mentioned(statement) if part.relname not in ("old", "new")]
        inside = [names.relation(part, draft.catalog) for part, _ in parts]
        lock_mentioned(draft, statement, column_types(draft, table, *inside))
        for name, (_, mode) in zip(inside, parts, strict=True):
            draft.lock(name, mode)
            (written.append(name) if mode is RX else read.append(Use(name)))
    event = _EVENTS.get(node.event, "select")
    draft.create(
        RewriteRule(table, node.rulename, event, uses=tuple(read), writes=tuple(written), instead=node.instead)
    )


def policy(node: Any, draft: Draft) -> None:
    """ACCESS EXCLUSIVE on the table, ACCESS SHARE on those named inside."""
    altering = isinstance(node, pb.AlterPolicyStmt)
    draft.command = "ALTER POLICY" if altering else "CREATE POLICY"
    table = names.relation(node.table, draft.catalog)
    draft.lock(table, AE)
    mentioned: dict[str, Use] = {}
    for expression in (node.qual, node.with_check):
        if kind(expression) is None:
            continue
        mentioned[table] = Use(table, expressions.columns(expression))
        for part, mode in query.mentioned(expression):
            draft.lock(names.relation(part, draft.catalog), mode)
        for use in uses(expression, draft.catalog):
            mentioned.setdefault(use.relation, use)
    called = [name for part in (node.qual, node.with_check) for name in expressions.calls(part, draft.catalog)]
    made = Policy(table, node.policy_name, tuple(mentioned.values()), tuple(called))
    known = draft.catalog.policies.get(table, {}).get(node.policy_name)
    if altering and known:
        draft.alter(made if mentioned else known, known)
    else:
        draft.create(made)


_ROW, _BEFORE, _INSTEAD = 1, 2, 64
_TRIGGER_EVENTS = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}


def create_trigger(node: pb.CreateTrigStmt, draft: Draft) -> None:
    """SHARE ROW EXCLUSIVE; a row trigger of a partitioned table is made on every partition."""
    draft.command = "CREATE TRIGGER"
    table = names.relation(node.relation, draft.catalog)
    members = draft.family(table) if node.row and draft.is_partitioned(table) else (table,)
    called = expressions.function_name(strings(node.funcname), draft.catalog)
    source = names.relation(node.constrrel, draft.catalog) if node.HasField("constrrel") else None
    trigger = Trigger(
        table,
        node.trigname,
        function=called if "." in called else None,
        timing={_BEFORE: "before", _INSTEAD: "instead of"}.get(node.timing, "after"),
        events=tuple(name for bit, name in _TRIGGER_EVENTS.items() if node.events & bit),
        for_each_row=node.row,
        columns=(*strings(node.columns), *expressions.columns(node.when_clause)),
        constraint=node.isconstraint,
        references=source,
    )
    for member in members:
        draft.lock(member, SRE)
        draft.create(replace(trigger, relation=member))
    if source:
        draft.lock(source, AS)


HANDLES = {
    "ViewStmt": create_view,
    "RuleStmt": create_rule,
    "CreatePolicyStmt": policy,
    "AlterPolicyStmt": policy,
    "CreateTrigStmt": create_trigger,
}
