"""CREATE INDEX, ALTER INDEX … ATTACH PARTITION (through alter_table), REINDEX."""

from migsafe.model.catalog import Index
from migsafe.sql import expressions, indexes, names
from migsafe.sql.draft import AE, SUE, Draft, S, replace
from migsafe.sql.functions import run_calls
from migsafe.sql.nodes import pb


def create_index(node: pb.IndexStmt, draft: Draft) -> None:
    """SHARE on the table, every partition of it, and a build in each; CONCURRENTLY: SHARE UPDATE EXCLUSIVE."""
    draft.command = "CREATE INDEX"
    draft.concurrently = bool(node.concurrent)
    draft.in_transaction = not node.concurrent
    table = names.relation(node.relation, draft.catalog)
    index = indexes.describe(draft, table, node)
    # The partitions are locked before it is known whether the index is there already (measured).
    for member in draft.family(table) if node.relation.inh and draft.is_partitioned(table) else (table,):
        draft.lock(member, SUE if node.concurrent else S)
    draft.if_not_exists = index.name if node.if_not_exists else None
    if node.if_not_exists and draft.is_known(index.name):
        draft.skip()
        return
    draft.need("owner", table)
    typed = {name: column.type for name, column in draft.columns(table).items()}
    for part in (*node.index_params, node.where_clause):
        run_calls(part, draft)
        for function in expressions.not_immutable(part, draft.catalog, typed):
            draft.refuse_in_index(function)
    if node.concurrent:
        _concurrently(draft, index)
        return
    draft.create(index)
    build(draft, index, recurse=bool(node.relation.inh))


def build(draft: Draft, index: Index, recurse: bool) -> None:
    """The locks, scans and builds below an index on a table or, when it recurses, on its partitions.

    A partition's own index that is the same becomes a part instead, locked in SHARE (measured).
    """
    if not draft.is_partitioned(index.relation):
        draft.scan(index.relation)
        draft.build(index.name, index.relation, method=index.method)
        return
    for child in draft.children(index.relation) if recurse else ():
        draft.lock(child, S)
        own = next((i for i in draft.indexes(child) if i.parent is None and indexes.is_same(i, index)), None)
        if own:
            draft.lock(own.name, S)
            draft.alter(replace(own, parent=index.name), own)
        else:
            name = indexes.copy(draft, child, index)
            build(draft, next(i for i in draft.all("creates") if isinstance(i, Index) and i.name == name), recurse)


def _concurrently(draft: Draft, index: Index) -> None:
    draft.wait(f"writers of {index.relation}")
    draft.wait("older snapshots")
    draft.create(index)
    draft.scan(index.relation)
    draft.build(index.name, index.relation, concurrently=True, method=index.method)


def reindex(node: pb.ReindexStmt, draft: Draft) -> None:
    """SHARE on the table and ACCESS EXCLUSIVE on the index; CONCURRENTLY ends with ACCESS EXCLUSIVE on the old one."""
    draft.command = "REINDEX"
    concurrent = any(item.def_elem.defname == "concurrently" for item in node.params)
    draft.concurrently = concurrent
    whole = node.kind in (pb.REINDEX_OBJECT_SCHEMA, pb.REINDEX_OBJECT_DATABASE, pb.REINDEX_OBJECT_SYSTEM)
    draft.in_transaction = not concurrent and not whole
    if node.kind == pb.REINDEX_OBJECT_INDEX:
        _reindex_index(draft, names.relation(node.relation, draft.catalog), concurrent)
    elif node.kind == pb.REINDEX_OBJECT_TABLE:
        table = names.relation(node.relation, draft.catalog)
        draft.in_transaction = draft.in_transaction and not draft.is_partitioned(table)
        _reindex_table(draft, table, concurrent)
    elif node.kind != pb.REINDEX_OBJECT_SYSTEM:
        _reindex_all(draft, node, concurrent)


def _reindex_all(draft: Draft, node: pb.ReindexStmt, concurrent: bool) -> None:
    schema = f"{node.name}." if node.kind == pb.REINDEX_OBJECT_SCHEMA else ""
    if not draft.catalog.complete:
        draft.give_up("which tables this reindexes depends on the database")
    for relation in draft.catalog.relations.values():
        if relation.kind in ("table", "materialized view") and relation.name.startswith(schema):
            _reindex_table(draft, relation.name, concurrent)


def _reindex_table(draft: Draft, table: str, concurrent: bool) -> None:
    for member in draft.family(table) if draft.is_partitioned(table) else (table,):
        draft.lock(member, S if not concurrent or draft.is_partitioned(table) else SUE)
        if draft.is_partitioned(member):
            continue
        for index in draft.indexes(member):
            _rebuild(draft, index, concurrent)


def _reindex_index(draft: Draft, name: str, concurrent: bool) -> None:
    index = draft.index(name)
    if index is None:
        draft.lock(name, AE, "index")
        draft.give_up(f"the table of index {name} is not known")
        return
    if not draft.is_partitioned(index.relation):
        draft.lock(index.relation, SUE if concurrent else S)
        _rebuild(draft, index, concurrent)
        return
    draft.in_transaction = False
    draft.lock(index.relation, SUE if concurrent else S)
    draft.lock(name, SUE if concurrent else AE)
    for part in draft.ways.parts.get(name, ()):
        _reindex_index(draft, part, concurrent)


def _rebuild(draft: Draft, index: Index, concurrent: bool) -> None:
    draft.lock(index.name, AE)
    draft.scan(index.relation)
    draft.build(index.name, index.relation, concurrently=concurrent, method=index.method)
    if concurrent:
        draft.wait(f"writers of {index.relation}")
        draft.wait("older snapshots")
        draft.wait(f"readers of {index.relation}")


HANDLES = {"IndexStmt": create_index, "ReindexStmt": reindex}
