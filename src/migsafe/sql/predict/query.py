"""SELECT, INSERT, UPDATE, DELETE, MERGE, EXPLAIN, DECLARE and PREPARE."""

from typing import Any

from migsafe.model.catalog import Relation
from migsafe.sql import expressions, names, narrow, query
from migsafe.sql.columns import advance_sequences
from migsafe.sql.draft import AS, RX, Draft
from migsafe.sql.functions import fire_triggers
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner, kind, parse_expression
from migsafe.sql.partitions import reached, routed
from migsafe.sql.session import affect_session


def select(node: pb.SelectStmt, draft: Draft) -> None:
    draft.command = "SELECT"
    into = node.HasField("into_clause")
    if into:
        draft.command = "SELECT INTO"
        draft.create(Relation(names.new_relation(node.into_clause.rel, draft.catalog)))
    query.execute(node, draft, scans=into)
    _written_in_with(node, draft)
    for item in node.target_list:
        if kind(item.res_target.val) == "func_call":
            affect_session(item.res_target.val.func_call, draft)


def _written_in_with(node: Any, draft: Draft) -> None:
    draft.queries |= {item.common_table_expr.ctename for item in node.with_clause.ctes}
    command = draft.command
    for item in node.with_clause.ctes:
        statement = inner(item.common_table_expr.ctequery)
        if isinstance(statement, query.WRITES):
            HANDLES[type(statement).__name__](statement, draft)
        elif isinstance(node, pb.InsertStmt):
            query.execute(statement, draft)
    draft.command = command


def insert(node: pb.InsertStmt, draft: Draft) -> None:
    draft.command = "INSERT"
    named = names.relation(node.relation, draft.catalog)
    updates = node.on_conflict_clause.action == pb.ONCONFLICT_UPDATE
    table = _target(draft, named, "insert", transient=not node.HasField("on_conflict_clause"), reach=query.Reach(False))
    _route(node, draft, table)
    _written_in_with(node, draft)
    query.execute(node.select_stmt, draft)
    given: set[str] | None = {item.res_target.name for item in node.cols} or None
    if kind(node.select_stmt) is None:
        given = set()
    query.referenced(draft, table, None, given)
    _fill_in(draft, table, given)
    _fire_rules(draft, named, "insert")
    fire_triggers(draft, table, "insert")
    draft.write(table, "INSERT", few=narrow.spells_out(node))
    if updates:
        changed = {item.res_target.name for item in node.on_conflict_clause.target_list}
        query.referenced(draft, table, changed, None)
        query.referencing(draft, table, changed)


def _route(node: pb.InsertStmt, draft: Draft, table: str) -> None:
    """The partitions that constant rows go to; all of them when that cannot be told."""
    if not draft.is_partitioned(table):
        return
    given = [item.res_target.name for item in node.cols] or list(draft.columns(table))
    for row in node.select_stmt.select_stmt.values_lists or [None]:
        values = dict(zip(given, row.list.items, strict=False)) if row is not None else {}
        for member in routed(draft, table, values) or draft.family(table)[1:]:
            draft.lock(member, RX)
            for index in draft.indexes(member):
                draft.lock(index.name, RX, transient=True)


def _target(draft: Draft, name: str, event: str, transient: bool = False, reach: query.Reach | None = None) -> str:
    """Lock the table that is written, through a view; the name of the table."""
    relation = draft.relation(name)
    if relation and relation.kind == "view" and draft.holds(name, RX):
        return name
    draft.lock(name, RX)
    triggers = draft.catalog.triggers.get(name, {}).values()
    rules = draft.catalog.rules.get(name, {}).values() if relation and relation.kind == "view" else ()
    if any(trigger.timing == "instead of" and event in trigger.events for trigger in triggers) or any(
        rule.instead and rule.event == event for rule in rules
    ):
        for use in relation.uses if relation and event != "insert" else ():
            query.open_relation(draft, use.relation, AS)
        return name
    if relation and relation.kind == "view":
        return _target(draft, relation.uses[0].relation, event, transient, reach) if relation.uses else name
    reach = reach or query.Reach()
    for member in reached(draft, name, reach.where, reach.moved) if reach.inherits else (name,):
        draft.lock(member, RX)
        for index in draft.indexes(member):
            draft.lock(index.name, RX, transient=transient)
    return name


def _fill_in(draft: Draft, table: str, given: set[str] | None) -> None:
    """Sequences behind the columns that an INSERT leaves to their defaults."""
    if given is None:
        return
    for column in draft.columns(table).values():
        if column.name in given:
            continue
        if column.identity:
            for sequence in draft.ways.sequences.get(table, ()):
                owned = draft.relation(sequence)
                if owned and owned.owned_by == (table, column.name):
                    draft.lock(sequence, RX)
        elif isinstance(column.default, str) and "nextval" in column.default:
            default = parse_expression(column.default)
            if default is not None:
                advance_sequences(draft, default)


def _fire_rules(draft: Draft, table: str, event: str) -> None:
    for rule in draft.catalog.rules.get(table, {}).values():
        if rule.event == event:
            for name in rule.writes:
                draft.lock(name, RX)
            for use in rule.uses:
                if use.relation not in rule.writes:
                    query.open_relation(draft, use.relation, AS)


def update(node: pb.UpdateStmt, draft: Draft) -> None:
    draft.command = "UPDATE"
    named = names.relation(node.relation, draft.catalog)
    changed = {item.res_target.name for item in node.target_list}
    reach = query.Reach(bool(node.relation.inh), node.where_clause, frozenset(changed))
    table = _target(draft, named, "update", reach=reach)
    query.execute(node, draft)
    _written_in_with(node, draft)
    query.referenced(draft, table, changed, None)
    query.referencing(draft, table, changed)
    _fire_rules(draft, named, "update")
    for member in reached(draft, table, node.where_clause):
        fire_triggers(draft, member, "update", changed)
    few = narrow.by_key(draft, table, node.where_clause)
    narrowed = narrow.narrowed(draft, table, node.where_clause, *node.from_clause, *node.with_clause.ctes)
    draft.write(table, "UPDATE", _is_whole(node), few, changed, narrowed)


def delete(node: pb.DeleteStmt, draft: Draft) -> None:
    draft.command = "DELETE"
    named = names.relation(node.relation, draft.catalog)
    table = _target(draft, named, "delete", reach=query.Reach(bool(node.relation.inh), node.where_clause))
    query.execute(node, draft)
    _written_in_with(node, draft)
    query.referencing(draft, table, None)
    _fire_rules(draft, named, "delete")
    for member in reached(draft, table, node.where_clause):
        fire_triggers(draft, member, "delete")
    few = narrow.by_key(draft, table, node.where_clause)
    narrowed = narrow.narrowed(draft, table, node.where_clause, *node.using_clause, *node.with_clause.ctes)
    draft.write(table, "DELETE", _is_whole(node), few, narrowed=narrowed)
    draft.destroy("rows", table)


def merge(node: pb.MergeStmt, draft: Draft) -> None:
    draft.command = "MERGE"
    updated: set[str] = set()
    table = _target(draft, names.relation(node.relation, draft.catalog), "update")
    query.execute(node, draft)
    _written_in_with(node, draft)
    for item in node.merge_when_clauses:
        clause = item.merge_when_clause
        if clause.command_type == pb.CMD_DELETE:
            query.referencing(draft, table, None)
            draft.destroy("rows", table)
        elif clause.command_type == pb.CMD_UPDATE:
            changed = {target.res_target.name for target in clause.target_list}
            query.referenced(draft, table, changed, None)
            query.referencing(draft, table, changed)
            updated |= changed
        elif clause.command_type == pb.CMD_INSERT:
            query.referenced(draft, table, None, None)
    whole = any(_merges_all(node, item.merge_when_clause) for item in node.merge_when_clauses)
    narrowed = narrow.narrowed(draft, table, node.join_condition, node.source_relation, *node.with_clause.ctes)
    draft.write(table, "MERGE", whole, columns=updated, narrowed=narrowed)


def _is_whole(node: Any) -> bool:
    return not node.HasField("where_clause") or expressions.truth(node.where_clause) is True


def _merges_all(node: pb.MergeStmt, clause: pb.MergeWhenClause) -> bool:
    """Whether a WHEN reaches every row of the target: ON true and MATCHED, ON false and NOT MATCHED BY SOURCE."""
    reaches = {pb.MERGE_WHEN_MATCHED: True, pb.MERGE_WHEN_NOT_MATCHED_BY_SOURCE: False}.get(clause.match_kind)
    changes = clause.command_type in (pb.CMD_UPDATE, pb.CMD_DELETE)
    always = kind(clause.condition) is None or expressions.truth(clause.condition) is True
    return changes and always and reaches is not None and expressions.truth(node.join_condition) is reaches


def explain(node: pb.ExplainStmt, draft: Draft) -> None:
    """EXPLAIN plans, and so locks what the statement would; with ANALYZE it does it."""
    from migsafe.sql.predict import handler_of

    draft.command = "EXPLAIN"
    analyzes = any(
        item.def_elem.defname == "analyze" and item.def_elem.arg.string.sval not in ("off", "false")
        for item in node.options
    )
    if analyzes:
        handler = handler_of(type(inner(node.query)).__name__) or _only_planned
        handler(inner(node.query), draft)
        draft.command = "EXPLAIN ANALYZE"
    else:
        _only_planned(inner(node.query), draft)


def _only_planned(node: Any, draft: Draft) -> None:
    for part, mode in query.mentioned(node):
        if mode is RX:
            _target(draft, names.relation(part, draft.catalog), "update")
    query.execute(node, draft)


def declare(node: pb.DeclareCursorStmt, draft: Draft) -> None:
    draft.command = "DECLARE CURSOR"
    query.execute(inner(node.query), draft)


def prepare(node: pb.PrepareStmt, draft: Draft) -> None:
    draft.command = "PREPARE"
    query.analyse(inner(node.query), draft)


HANDLES = {
    "SelectStmt": select,
    "InsertStmt": insert,
    "UpdateStmt": update,
    "DeleteStmt": delete,
    "MergeStmt": merge,
    "ExplainStmt": explain,
    "DeclareCursorStmt": declare,
    "PrepareStmt": prepare,
}
