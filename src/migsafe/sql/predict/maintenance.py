"""TRUNCATE, LOCK, COPY, VACUUM, ANALYZE, CLUSTER, REFRESH MATERIALIZED VIEW."""

from typing import Any

from migsafe.model.catalog import Constraint
from migsafe.model.locks import LockMode
from migsafe.sql import names, query
from migsafe.sql.draft import AE, AS, RX, SUE, Draft, X
from migsafe.sql.functions import fire_triggers
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner, kind

_MODES = list(LockMode)


def truncate(node: pb.TruncateStmt, draft: Draft) -> None:
    """ACCESS EXCLUSIVE on the tables, their children and indexes; CASCADE reaches those that reference them."""
    draft.command = "TRUNCATE"
    queue = [(names.relation(item.range_var, draft.catalog), bool(item.range_var.inh)) for item in node.relations]
    done: dict[str, None] = {}
    while queue:
        name, inherits = queue.pop(0)
        for member in draft.family(name) if inherits else (name,):
            if member not in done:
                done[member] = None
                if node.behavior == pb.DROP_CASCADE:
                    queue += [(key.relation, True) for key in _referencing(draft, member)]
    for name in done:
        draft.lock(name, AE)
        draft.need("privilege", name, "TRUNCATE")
        if not draft.is_partitioned(name):
            draft.lock_indexes(name, AE)
            draft.truncate(name)
            draft.destroy("rows", name)
        fire_triggers(draft, name, "truncate")
        if node.restart_seqs:
            for sequence in draft.ways.sequences.get(name, ()):
                draft.lock(sequence, AE)
    if node.behavior == pb.DROP_CASCADE and not draft.catalog.complete:
        draft.suppose("every table that references one of these is locked in ACCESS EXCLUSIVE and emptied too")


def _referencing(draft: Draft, name: str) -> list[Constraint]:
    """The foreign keys that reference a table or a partitioned table above it."""
    relation = draft.relation(name)
    above = [key for parent in (relation.parents if relation else ()) for key in _referencing(draft, parent)]
    return [*draft.references(name), *above]


def lock(node: pb.LockStmt, draft: Draft) -> None:
    """The mode named; a view's tables are locked too."""
    draft.command = "LOCK TABLE"
    mode = _MODES[node.mode - 1]
    for item in node.relations:
        name = names.relation(item.range_var, draft.catalog)
        for member in draft.family(name) if item.range_var.inh else (name,):
            _lock(draft, member, mode)


def _lock(draft: Draft, name: str, mode: LockMode) -> None:
    queue, done = [name], set()
    while queue:
        current = queue.pop(0)
        if current in done:
            continue
        done.add(current)
        draft.lock(current, mode)
        relation = draft.relation(current)
        if relation and relation.kind == "view":
            queue += [member for use in relation.uses for member in draft.family(use.relation)]


def copy(node: pb.CopyStmt, draft: Draft) -> None:
    draft.command = "COPY"
    if not node.HasField("relation"):
        query.execute(inner(node.query), draft)
        return
    name = names.relation(node.relation, draft.catalog)
    if not node.is_from:
        draft.lock(name, AS)
        return
    draft.lock(name, RX)
    for index in draft.indexes(name):
        draft.lock(index.name, RX, transient=True)
    draft.write(name, "COPY")


def _option(node: Any, name: str) -> bool:
    for item in node.options if hasattr(node, "options") else node.params:
        element = item.def_elem
        if element.defname == name:
            return kind(element.arg) is None or element.arg.string.sval.lower() not in ("off", "false", "0")
    return False


def vacuum(node: pb.VacuumStmt, draft: Draft) -> None:
    """VACUUM never runs in a transaction block; FULL writes the table and its indexes anew."""
    full = _option(node, "full")
    draft.command = "VACUUM" if node.is_vacuumcmd else "ANALYZE"
    draft.in_transaction = not node.is_vacuumcmd
    targets = [item.vacuum_relation.relation for item in node.rels]
    chosen = [names.relation(target, draft.catalog) for target in targets]
    if not targets:
        if not draft.catalog.complete:
            draft.give_up(f"{draft.command} without a table visits every table of the database")
        kinds = ("table", "partitioned table", "materialized view")
        chosen = [r.name for r in draft.catalog.relations.values() if r.kind in kinds]
    only = {names.relation(target, draft.catalog) for target in targets if not target.inh}
    for name in chosen:
        # Since 18 what inherits from a table is vacuumed with it, as partitions are.
        inherits = draft.is_partitioned(name) or (draft.version >= 18 and node.is_vacuumcmd and targets)
        members = draft.family(name) if inherits and name not in only else (name,)
        for member in members:
            _vacuum(draft, member, full, bool(node.is_vacuumcmd), alone=member in only)
        for member in draft.family(name)[1:] if not node.is_vacuumcmd and name in only else ():
            draft.lock(member, AS)  # a sample of their rows is one of the parent's (measured)


def _vacuum(draft: Draft, name: str, full: bool, vacuums: bool, alone: bool) -> None:
    if draft.kind(name) == "foreign table":
        return
    draft.lock(name, AE if full else SUE)
    if draft.is_partitioned(name):
        return
    if full:
        rewrite(draft, name)
        return
    draft.lock_indexes(name, RX if vacuums else AS)
    if vacuums:
        draft.scan(name)
    elif not alone:
        for child in draft.family(name)[1:]:
            draft.lock(child, SUE if draft.version >= 18 else AS)


def rewrite(draft: Draft, name: str, reads: bool = True) -> None:
    """A table written anew with all of its indexes, as VACUUM FULL and CLUSTER do."""
    draft.lock(name, AE)
    draft.rewrite(name, reads)
    for index in draft.indexes(name):
        draft.lock(index.name, AE)
        draft.build(index.name, name, method=index.method)


def cluster(node: pb.ClusterStmt, draft: Draft) -> None:
    draft.command = "CLUSTER"
    if not node.HasField("relation"):
        draft.in_transaction = False
        draft.give_up("CLUSTER without a table visits every table that was clustered before")
        return
    name = names.relation(node.relation, draft.catalog)
    draft.in_transaction = not draft.is_partitioned(name)
    for member in draft.family(name) if draft.is_partitioned(name) else (name,):
        draft.lock(member, AE)
        if not draft.is_partitioned(member):
            rewrite(draft, member)


def refresh(node: pb.RefreshMatViewStmt, draft: Draft) -> None:
    """ACCESS EXCLUSIVE and a new file; CONCURRENTLY: EXCLUSIVE, changed rows are written in place."""
    draft.command = "REFRESH MATERIALIZED VIEW"
    draft.concurrently = bool(node.concurrent)
    name = names.relation(node.relation, draft.catalog)
    draft.lock(name, X if node.concurrent else AE, "materialized view")
    relation = draft.relation(name)
    for use in relation.uses if relation and not node.skip_data else ():
        query.open_relation(draft, use.relation, AS, scans=True)
    if relation is None:
        draft.suppose("ACCESS SHARE on, and a scan of, every table that the materialized view reads")
    if node.concurrent:
        draft.lock_indexes(name, RX)
        draft.scan(name)
        return
    rewrite(draft, name, reads=relation is None or bool(draft.indexes(name)))


HANDLES = {
    "TruncateStmt": truncate,
    "LockStmt": lock,
    "CopyStmt": copy,
    "VacuumStmt": vacuum,
    "ClusterStmt": cluster,
    "RefreshMatViewStmt": refresh,
}
