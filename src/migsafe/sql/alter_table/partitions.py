"""ATTACH PARTITION and DETACH PARTITION, of tables and of indexes."""

from postgast import pg_query_pb2 as pb

from migsafe.model.catalog import Constraint
from migsafe.sql import constraints, indexes, names, proofs
from migsafe.sql.alter_table.alteration import Alteration
from migsafe.sql.alter_table.columns import definition
from migsafe.sql.draft import AE, AS, SRE, SUE, Draft, replace
from migsafe.sql.partitions import bound_text


def attach(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """SHARE UPDATE EXCLUSIVE on the parent, ACCESS EXCLUSIVE and a scan on the partition and on the default one."""
    draft, parent = alteration.draft, alteration.name
    command = definition(cmd).partition_cmd
    child = names.relation(command.name, draft.catalog)
    if "index" in draft.kind(parent):
        _attach_index(draft, parent, child)
        return
    alteration.family(recurses=False)
    constraints.lock_ancestors(draft, parent)
    bound = bound_text(command.bound)
    proven = _is_proven(draft, parent, child, bound)
    for member in draft.family(child):
        draft.lock(member, AE)
        if not draft.is_partitioned(member) and not proven:
            draft.scan(member)
    draft.lock_indexes(child, AS, transient=True)
    if not command.bound.is_default:
        lock_default(draft, parent)
    _attach_indexes(draft, parent, child)
    _attach_keys(draft, parent, child)
    relation = draft.relation(child)
    if relation:
        after = replace(relation, parents=(parent,), bound=bound, is_default_partition=command.bound.is_default)
        draft.alter(after, relation)


def _is_proven(draft: Draft, parent: str, child: str, text: str) -> bool:
    bound = proofs.bound_of(text)
    relation = draft.relation(parent)
    key = relation.partition_key[0] if relation and len(relation.partition_key) == 1 else None
    if bound is not None and key is not None:
        return proofs.implied(draft, child, key, bound)
    if not draft.catalog.complete:
        draft.suppose(f"no scan of {child} if its CHECK constraints prove the partition's bound")
    return False


def lock_default(draft: Draft, parent: str) -> None:
    """The default partition is locked, and read for rows that belong into the new one."""
    for sibling in draft.children(parent):
        known = draft.relation(sibling)
        if known and known.is_default_partition:
            for member in draft.family(sibling):
                draft.lock(member, AE)
                if not draft.is_partitioned(member):
                    draft.scan(member)


def _attach_indexes(draft: Draft, parent: str, child: str) -> None:
    free = [index for index in draft.indexes(child) if index.parent is None]
    for index in draft.indexes(parent):
        draft.lock(index.name, SUE)
        match = next((own for own in free if indexes.is_same(own, index)), None)
        if match:
            free.remove(match)
            draft.alter(replace(match, parent=index.name), match)
            continue
        for member in draft.family(child):
            made = indexes.copy(draft, member, index)
            if not draft.is_partitioned(member):
                draft.scan(member)
                draft.build(made, member, method=index.method)


def _attach_keys(draft: Draft, parent: str, child: str) -> None:
    """A foreign key of the parent is made and validated; one that the partition has already is taken over, for which
    the referenced table is locked in ACCESS EXCLUSIVE (measured)."""
    for key in draft.constraints(parent):
        if key.kind != "foreign key" or key.references is None:
            continue
        own = next((k for k in draft.constraints(child) if _is_same_key(k, key)), None)
        if own:
            draft.lock(key.references, AE)
            draft.alter(replace(own, inherited=True), own)
        else:
            made = replace(key, relation=child, inherited=True)
            draft.create(made)
            constraints.reference(draft, made, validates=key.validated, cloned=True)
    lock_referencing(draft, parent)


def lock_referencing(draft: Draft, parent: str) -> None:
    """The tables whose foreign keys reference a partitioned table, or one above it, when it gets a partition."""
    for key in draft.references(parent):
        if key.relation != parent and not key.inherited:
            draft.lock(key.relation, SRE if draft.version >= 15 else AS)
    relation = draft.relation(parent)
    for above in relation.parents if relation else ():
        lock_referencing(draft, above)


def _is_same_key(one: Constraint, other: Constraint) -> bool:
    def shape(key: Constraint) -> tuple[object, ...]:
        actions = (key.on_delete, key.on_update, key.deferrable, key.deferred, key.validated)
        return (key.kind, key.columns, key.references, key.referenced_columns, *actions)

    return shape(one) == shape(other)


def _attach_index(draft: Draft, parent: str, child: str) -> None:
    draft.lock(parent, SUE)
    draft.lock(child, AE)
    for name in (parent, child):
        index = draft.index(name)
        if index:
            draft.lock(index.relation, AS)
    known = draft.index(child)
    if known:
        draft.alter(replace(known, parent=parent), known)


def detach(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """ACCESS EXCLUSIVE on both; CONCURRENTLY waits for readers first and ends with it on the partition."""
    draft, parent = alteration.draft, alteration.name
    command = definition(cmd).partition_cmd
    child = names.relation(command.name, draft.catalog)
    alteration.family(recurses=False)
    for member in draft.family(child):
        draft.lock(member, AE)
    draft.concurrently = bool(command.concurrent)
    draft.in_transaction = not command.concurrent
    if command.concurrent:
        draft.wait(f"readers of {parent}")
        draft.wait(f"writers of {parent}")
    for sibling in draft.children(parent) if not command.concurrent else ():
        known = draft.relation(sibling)
        if known and known.is_default_partition:
            draft.lock(sibling, AE)
    _detach_keys(draft, parent)
    for index in draft.indexes(child):
        if index.parent:
            draft.lock(index.name, AE)
            draft.alter(replace(index, parent=None), index)
    relation = draft.relation(child)
    if relation:
        draft.alter(replace(relation, parents=(), bound=None, is_default_partition=False), relation)


def _detach_keys(draft: Draft, parent: str) -> None:
    for key in draft.constraints(parent):
        if key.kind == "foreign key" and key.references:
            draft.lock(key.references, SRE)
            for partition in draft.family(key.references)[1:] if draft.is_partitioned(key.references) else ():
                draft.lock(partition, SRE)
                constraints.lock_key_index(draft, partition, key.referenced_columns)
    for key in draft.references(parent):
        draft.lock(key.relation, AE)
        draft.lock_indexes(key.relation, AS)


def finalize(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    alteration.family(recurses=False)
    alteration.draft.lock(names.relation(definition(cmd).partition_cmd.name, alteration.draft.catalog), AE)
