"""The locks of SELECT, INSERT, UPDATE, DELETE and MERGE: tables, their indexes, views and the tables below them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from migsafe.model.catalog import Constraint
from migsafe.model.locks import LockMode
from migsafe.sql import columns, names
from migsafe.sql.draft import AS, RS, RX, Draft
from migsafe.sql.functions import fire_triggers, run_calls
from migsafe.sql.mentions import constant_text, relation_name
from migsafe.sql.nodes import pb
from migsafe.sql.parse import strings, walk
from migsafe.sql.partitions import reached


class Reach(NamedTuple):
    """Which partitions a statement may touch: `where` and the columns it sets, `moved`; ONLY does not inherit."""

    inherits: bool = True
    where: Any | None = None
    moved: frozenset[str] = frozenset()


WRITES = (pb.InsertStmt, pb.UpdateStmt, pb.DeleteStmt, pb.MergeStmt)


def mentioned(node: Any) -> Iterator[tuple[Any, LockMode]]:
    """Every relation that a query names, as RangeVar, with the mode that it is locked in."""
    stack: list[tuple[Any, frozenset[str], frozenset[str] | None]] = [(node, frozenset(), frozenset())]
    while stack:
        part, hidden, locked = stack.pop()
        if isinstance(part, pb.RangeVar):
            if part.schemaname or part.relname not in hidden:
                yield part, RS if locked is None or (part.alias.aliasname or part.relname) in locked else AS
            continue
        if isinstance(part, pb.LockingClause):
            continue
        if isinstance(part, (pb.SelectStmt, *WRITES)):
            hidden |= {item.common_table_expr.ctename for item in part.with_clause.ctes}
        for field, value in part.ListFields():
            if field.message_type is None:
                continue
            if field.name == "relation" and isinstance(part, WRITES):
                yield value, RX
                continue
            below = _locking(part) if isinstance(part, pb.SelectStmt) and field.name == "from_clause" else locked
            stack += [(item, hidden, below) for item in ([value] if hasattr(value, "ListFields") else value)]


def _locking(select: pb.SelectStmt) -> frozenset[str] | None:
    """The aliases that FOR UPDATE or FOR SHARE applies to; None for all of them."""
    clauses = [item.locking_clause for item in select.locking_clause]
    if any(not clause.locked_rels for clause in clauses):
        return None
    return frozenset(item.range_var.relname for clause in clauses for item in clause.locked_rels)


def analyse(node: Any, draft: Draft) -> None:
    """The locks of parsing a query without planning it: the body of a view or a rule."""
    for part, mode in mentioned(node):
        draft.lock(names.relation(part, draft.catalog), mode)


def rewrite(node: Any, draft: Draft) -> None:
    """The locks of parsing and rewriting a query: what the views in it read is locked too."""
    for part, mode in mentioned(node):
        _rewrite(draft, names.relation(part, draft.catalog), mode)


def _rewrite(draft: Draft, name: str, mode: LockMode) -> None:
    relation = draft.relation(name)
    if relation and relation.kind == "view" and draft.holds(name, mode):
        return
    draft.lock(name, mode)
    for use in relation.uses if relation and relation.kind == "view" else ():
        _rewrite(draft, use.relation, mode)


def execute(node: Any, draft: Draft, scans: bool = False) -> None:
    """The locks of running a query: planning opens every index of every table (measured).

    `scans`: the rows are wanted in full, as for CREATE TABLE AS.
    """
    where = node.where_clause if isinstance(node, (pb.SelectStmt, pb.UpdateStmt, pb.DeleteStmt)) else None
    for part, mode in mentioned(node):
        name = names.relation(part, draft.catalog)
        if mode is not RX and (part.schemaname or part.relname not in draft.queries):
            open_relation(draft, name, mode, inherits=part.inh, scans=scans, where=where)
    columns.advance_sequences(draft, node)
    _walk_partitions(node, draft)
    run_calls(node, draft, asked_for=isinstance(node, pb.SelectStmt) and not node.from_clause)


def _walk_partitions(node: Any, draft: Draft) -> None:
    """pg_partition_tree() locks what it finds below the table until the transaction ends (partitionfuncs.c)."""
    for part in walk(node):
        if isinstance(part, pb.FuncCall) and strings(part.funcname)[-1] == "pg_partition_tree" and part.args:
            text = constant_text(part.args[0])
            for member in draft.family(relation_name(draft, text))[1:] if text else ():
                draft.lock(member, AS)


def open_relation(
    draft: Draft, name: str, mode: LockMode, inherits: bool = True, scans: bool = False, where: Any | None = None
) -> None:
    """Lock a relation as a plan does: the partitions that WHERE lets it reach, indexes, and what a view reads."""
    relation = draft.relation(name)
    if relation and relation.kind == "view":
        if draft.holds(name, mode):
            return
        draft.lock(name, mode)
        for use in relation.uses:
            open_relation(draft, use.relation, mode, scans=scans)
        return
    for member in reached(draft, name, where) if inherits else (name,):
        draft.lock(member, mode)
        draft.plan_indexes(member, mode)
        if scans and not draft.is_partitioned(member) and not names.is_system(member):
            draft.scan(member)


def referenced(draft: Draft, table: str, changed: set[str] | None, given: set[str] | None) -> None:
    """Foreign keys of a table whose rows are inserted or changed: the referenced rows are locked FOR KEY SHARE.

    `changed`: the columns an UPDATE sets (None: INSERT); `given`: those an INSERT names (None: all).
    """
    for member in draft.family(table):
        for key in draft.constraints(member):
            if key.kind != "foreign key" or key.references is None or key.deferred or not key.enforced:
                continue
            if changed is not None and not changed & set(key.columns):
                continue
            if changed is None and given is not None and _stays_null(draft, key, given):
                draft.lock(key.references, RS, transient=True)
            else:
                open_relation(draft, key.references, RS)


def _stays_null(draft: Draft, key: Constraint, given: set[str]) -> bool:
    for name in key.columns:
        column = draft.column(key.relation, name)
        if name not in given and column is not None and column.default is None:
            return True
    return False


def referencing(draft: Draft, table: str, changed: set[str] | None, seen: frozenset[str] = frozenset()) -> None:
    """Foreign keys that reference a table whose rows are deleted (`changed` None) or whose keys are updated."""
    for key in draft.references(table):
        if changed is not None and not changed & set(key.referenced_columns):
            continue
        action = key.on_delete if changed is None else key.on_update
        if not key.enforced or (key.deferred and action == "a"):
            continue
        open_relation(draft, key.relation, RX if action in "cnd" else RS)
        if action in "cnd" and key.relation not in seen:
            deletes = action == "c" and changed is None
            draft.write(key.relation, "DELETE" if deletes else "UPDATE")
            below = None if deletes else set(key.columns)
            fire_triggers(draft, key.relation, "delete" if deletes else "update", below)
            referencing(draft, key.relation, below, seen | {key.relation})
