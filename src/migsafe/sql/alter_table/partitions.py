"""ATTACH PARTITION and DETACH PARTITION, of tables and of indexes."""

from migsafe.model.catalog import Constraint, Index
from migsafe.sql import constraints, indexes, names, proofs
from migsafe.sql.alter_table.alteration import Alteration
from migsafe.sql.alter_table.columns import definition
from migsafe.sql.draft import AE, AS, SRE, SUE, Draft, replace
from migsafe.sql.nodes import pb
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
        clone_triggers(draft, parent, member)
        if not draft.is_partitioned(member) and not proven:
            draft.scan(member)
    draft.lock_indexes(child, AS, transient=True)
    if not command.bound.is_default:
        lock_default(draft, parent, bound)
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


def lock_default(draft: Draft, parent: str, text: str) -> None:
    """The default partition is locked, and read for rows that belong into the new one, of the bound `text`, unless
    its CHECK constraints prove that there are none (measured)."""
    bound, relation = proofs.bound_of(text), draft.relation(parent)
    key = relation.partition_key[0] if relation and len(relation.partition_key) == 1 else None
    for sibling in draft.children(parent):
        known = draft.relation(sibling)
        if known and known.is_default_partition:
            for member in draft.family(sibling):
                draft.lock(member, AE)
                proven = bound is not None and key is not None and proofs.kept_out(draft, member, key, bound)
                if not draft.is_partitioned(member) and not proven:
                    draft.scan(member)


def _attach_indexes(draft: Draft, parent: str, child: str) -> None:
    free = [index for index in draft.indexes(child) if index.parent is None]
    for index in draft.indexes(parent) if draft.kind(child) != "foreign table" else ():
        draft.lock(index.name, SUE)
        match = next((own for own in free if own.valid and _may_be_part(draft, own, index)), None)
        if match:
            free.remove(match)
            draft.alter(replace(match, parent=index.name), match)
            continue
        for member in draft.family(child):
            made = indexes.copy(draft, member, index)
            if not draft.is_partitioned(member):
                draft.scan(member)
                draft.build(made, member, method=index.method)


def _may_be_part(draft: Draft, own: Index, index: Index) -> bool:
    """The index of a constraint has indexes of the same kind of constraint for parts (AttachPartitionEnsureIndexes)."""
    kinds = [_constraint_of(draft, one) for one in (own, index)]
    return indexes.is_same(own, index) and (kinds[1] is None or kinds[0] == kinds[1])


def _constraint_of(draft: Draft, index: Index) -> str | None:
    return next((known.kind for known in draft.constraints(index.relation) if known.index == index.name), None)


def _attach_keys(draft: Draft, parent: str, child: str) -> None:
    """A foreign key of the parent is made and validated; one that the partition has already is taken over, for which
    the referenced table is locked in ACCESS EXCLUSIVE (measured)."""
    for key in draft.constraints(parent):
        if key.kind != "foreign key" or key.references is None:
            continue
        own = next((k for k in draft.constraints(child) if is_same_key(k, key)), None)
        if own:
            constraints.unreference(draft, key)
            draft.alter(replace(own, inherited=True), own)
        else:
            made = replace(key, relation=child, inherited=True)
            draft.create(made)
            constraints.reference(draft, made, validates=key.validated, cloned=True)
    lock_referencing(draft, parent)


def clone_triggers(draft: Draft, parent: str, table: str) -> None:
    """A partition gets the row triggers of its parent; the table after FROM of a constraint trigger is looked at."""
    for trigger in draft.catalog.triggers.get(parent, {}).values():
        if trigger.for_each_row:
            draft.create(replace(trigger, relation=table))
            if trigger.references:
                draft.lock(trigger.references, AS)


def lock_referencing(draft: Draft, parent: str) -> None:
    """The tables whose foreign keys reference a partitioned table, or one above it, when it gets a partition."""
    for key in draft.references(parent):
        if key.relation != parent and not key.inherited:
            draft.lock(key.relation, SRE if draft.version >= 15 else AS)
    relation = draft.relation(parent)
    for above in relation.parents if relation else ():
        lock_referencing(draft, above)


def is_same_key(one: Constraint, other: Constraint) -> bool:
    def shape(key: Constraint) -> tuple[object, ...]:
        actions = (key.match, key.on_delete, key.on_update, key.deferrable, key.deferred, key.validated)
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
    _detach_keys(draft, parent, child)
    for member in draft.family(child):
        for trigger in draft.catalog.triggers.get(member, {}).values():
            if trigger.for_each_row and trigger.name in draft.catalog.triggers.get(parent, {}):
                draft.drop("trigger", trigger.name, member)
    for index in draft.indexes(child):
        if index.parent:
            draft.lock(index.name, AE)
            draft.alter(replace(index, parent=None), index)
    relation = draft.relation(child)
    if relation:
        draft.alter(replace(relation, parents=(), bound=None, is_default_partition=False), relation)


def _detach_keys(draft: Draft, parent: str, child: str) -> None:
    """The keys of the parent, and those that reference it or one above it: no row that leaves may be referenced."""
    for key in draft.constraints(parent):
        if key.kind == "foreign key" and key.references and draft.version >= 15:
            draft.lock(key.references, SRE)
            for partition in draft.family(key.references)[1:] if draft.is_partitioned(key.references) else ():
                draft.lock(partition, SRE)
                constraints.lock_key_index(draft, partition, key.referenced_columns)
    _read_referencing(draft, parent, child)


def _read_referencing(draft: Draft, parent: str, child: str) -> None:
    for key in draft.references(parent):
        for member in draft.family(key.relation) if not key.inherited else ():
            draft.lock(member, AE if member == key.relation else AS)
            draft.plan_indexes(member, AS)
        for member in (*draft.family(key.relation), *draft.family(child)) if not key.inherited else ():
            if not draft.is_partitioned(member):
                draft.scan(member)
    relation = draft.relation(parent)
    for above in relation.parents if relation else ():
        _read_referencing(draft, above, child)


def finalize(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    alteration.family(recurses=False)
    alteration.draft.lock(names.relation(definition(cmd).partition_cmd.name, alteration.draft.catalog), AE)
