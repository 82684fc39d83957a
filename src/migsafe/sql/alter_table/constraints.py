"""ADD, DROP, VALIDATE and ALTER CONSTRAINT."""

from typing import Any

from migsafe.model.catalog import Constraint, Index
from migsafe.model.effects import Object
from migsafe.sql import constraints, drops, indexes, names
from migsafe.sql.alter_table import columns as altered_columns
from migsafe.sql.alter_table.alteration import Alteration
from migsafe.sql.alter_table.columns import definition
from migsafe.sql.alter_table.partitions import is_same_key
from migsafe.sql.columns import add_constraint as note
from migsafe.sql.draft import AE, AS, RS, SRE, SUE, Draft, S, replace
from migsafe.sql.nodes import pb


def add(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    node = definition(cmd).constraint
    constraint = constraints.define(alteration.draft, alteration.name, node)
    match constraint.kind:
        case "foreign key":
            _add_key(alteration, constraint, node)
        case "check":
            _add_check(alteration, constraint, node)
        case "not null":
            _add_not_null(alteration, constraint, node)
        case _:
            if node.indexname:
                _use_index(alteration, constraint, node)
            else:
                add_indexed(alteration, constraint, node)


def _add_key(alteration: Alteration, constraint: Constraint, node: Any) -> None:
    draft = alteration.draft
    note(draft, constraint, node)
    partitions = draft.is_partitioned(alteration.name)
    for member in alteration.family(recurses=partitions):
        made = replace(constraint, relation=member)
        own = next((key for key in draft.constraints(member) if is_same_key(key, made)), None)
        if own and member != alteration.name:
            constraints.unreference(draft, own)
            draft.alter(replace(own, inherited=True), own)
            continue
        if member != alteration.name:
            draft.create(replace(made, inherited=True))
        constraints.reference(draft, made, validates=constraint.validated and not draft.is_partitioned(member))


def _add_check(alteration: Alteration, constraint: Constraint, node: Any) -> None:
    """ACCESS EXCLUSIVE and a scan, on children too; NO INHERIT locks the children since 18 all the same (measured)."""
    draft = alteration.draft
    if constraint.no_inherit:
        alteration.family(recurses=draft.version >= 18)
        members: tuple[str, ...] = (alteration.name,)
    else:
        members = alteration.family()
    for member in members:
        own = draft.constraint(member, constraint.name)
        # On the table itself a name that is taken is an error, but for an inherited constraint.
        merges = own is not None and own.kind == "check" and own.validated
        if own and merges and (own.inherited or member != alteration.name):
            continue
        note(draft, replace(constraint, relation=member, inherited=member != alteration.name), node)
        if constraint.validated and constraint.enforced:
            alteration.verify(member)


def _add_not_null(alteration: Alteration, constraint: Constraint, node: Any) -> None:
    draft = alteration.draft
    reached = alteration.family()  # NO INHERIT locks the children all the same (measured)
    for member in reached[:1] if constraint.no_inherit else reached:
        if constraint.validated:
            for column in constraint.columns:
                altered_columns.require_not_null(alteration, member, column)
        note(draft, replace(constraint, relation=member), node)
        for column in constraint.columns:
            altered_columns.change(draft, member, column, not_null=True)


def add_indexed(alteration: Alteration, constraint: Constraint, node: Any) -> None:
    """PRIMARY KEY, UNIQUE, EXCLUDE: an index is built; children are locked where 18 does (measured)."""
    draft, table = alteration.draft, alteration.name
    note(draft, constraint, node)
    index = constraints.index_of(constraint, node)
    if draft.is_partitioned(table) and alteration.recurses:
        _on_partitions(alteration, index)
    elif draft.is_partitioned(table):
        for child in draft.family(table)[1:] if draft.version >= 18 and constraint.kind == "primary key" else ():
            draft.lock(child, alteration.mode)
    else:
        alteration.family(recurses=draft.version >= 18 or constraint.kind == "primary key")
        draft.scan(table)
        draft.build(index.name, table, method=index.method)
    if constraint.kind == "primary key":
        for column in constraint.columns:
            if (table, column) not in alteration.added:
                if not altered_columns.is_not_null(draft, table, column):
                    alteration.family()
                for member in alteration.draft.family(table):
                    altered_columns.require_not_null(alteration, member, column)
                    altered_columns.change(draft, member, column, not_null=True)


def _on_partitions(alteration: Alteration, index: Index) -> None:
    """Every partition is locked like the parent since 18, in SHARE before (measured); leaves are built."""
    draft = alteration.draft
    made = {index.relation: index}
    for child in draft.family(alteration.name)[1:]:
        draft.lock(child, AE if draft.version >= 18 else S)
        relation = draft.relation(child)
        parent = next((made[name] for name in relation.parents if name in made), index) if relation else index
        own = next((i for i in draft.indexes(child) if i.parent is None and indexes.is_same(i, parent)), None)
        if own and any(constraint.index == own.name for constraint in draft.constraints(child)):
            draft.lock(own.name, S)
            draft.alter(replace(own, parent=parent.name), own)
            made[child] = own
            continue
        name = indexes.copy(draft, child, parent)
        made[child] = replace(parent, name=name, relation=child, parent=parent.name)
        if not draft.is_partitioned(child):
            draft.scan(child)
            draft.build(name, child, method=index.method)


def _use_index(alteration: Alteration, constraint: Constraint, node: Any) -> None:
    """No build. The index is renamed to the constraint's name, or merely looked at when it has it already."""
    draft, table = alteration.draft, alteration.name
    alteration.family(recurses=False)
    used = f"{names.split(table)[0]}.{node.indexname}"
    if used == constraint.index:
        draft.lock(used, AS, "index")
    else:
        draft.lock(used, SUE, "index")
        draft.rename(Object("index", used), Object("index", constraint.index or used))
    draft.create(constraint)
    if constraint.kind == "primary key":
        known = draft.index(used)
        if known:
            draft.alter(replace(known, name=constraint.index, primary=True), known)
        elif not draft.catalog.complete:
            draft.suppose(f"no scan if the columns of {node.indexname} are NOT NULL already")
            alteration.verify(table)
        for column in constraint.columns:
            altered_columns.require_not_null(alteration, table, column)
            altered_columns.change(draft, table, column, not_null=True)


def drop(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    draft = alteration.draft
    known = draft.constraint(alteration.name, cmd.name)
    if known is None:
        alteration.family(recurses=False)
        _drop_unknown(cmd, alteration)
        return
    members = alteration.family(recurses=_recurses(draft, alteration, known))
    if known.kind in ("check", "not null") and not known.no_inherit:
        for child in draft.children(alteration.name):  # ONLY locks them all the same (measured)
            draft.lock(child, alteration.mode)
    for member in members:
        constraint = draft.constraint(member, cmd.name) or _same(draft, member, known)
        if constraint and (member == alteration.name or constraint.inherited or constraint.kind == known.kind):
            alteration.gone.add(f"{member}.{constraint.name}")
            drops.drop_constraint(draft, constraint, cascade=cmd.behavior == pb.DROP_CASCADE)
            if constraint.kind == "not null":
                for column in constraint.columns:
                    altered_columns.change(draft, member, column, not_null=False)


def _recurses(draft: Draft, alteration: Alteration, constraint: Constraint) -> bool:
    if constraint.kind in ("check", "not null"):
        return not constraint.no_inherit
    return draft.is_partitioned(alteration.name)


def _same(draft: Draft, member: str, known: Constraint) -> Constraint | None:
    """The part that a partition has of a constraint of its parent, which may have another name."""
    for constraint in draft.constraints(member):
        if constraint.kind == known.kind and constraint.columns == known.columns and constraint.inherited:
            return constraint
    return None


def _drop_unknown(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    draft = alteration.draft
    if draft.knows(alteration.name):
        alteration.skipped += 1
        return
    alteration.gone.add(f"{alteration.name}.{cmd.name}")
    draft.drop("constraint", cmd.name, alteration.name)
    draft.suppose(f"ACCESS EXCLUSIVE on the referenced table too if {cmd.name} is a foreign key")
    if cmd.behavior == pb.DROP_CASCADE:
        draft.suppose(f"ACCESS EXCLUSIVE on the tables whose foreign keys reference {cmd.name}, which go too")


def validate(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """SHARE UPDATE EXCLUSIVE and a scan; a foreign key takes ROW SHARE on the table it references."""
    draft = alteration.draft
    known = draft.constraint(alteration.name, cmd.name)
    draft.validate(cmd.name, alteration.name)
    if known is None:
        alteration.family(recurses=False)
        if not draft.knows(alteration.name):
            draft.scan(alteration.name)
            draft.suppose(f"ROW SHARE on the referenced table too, and a scan of it, if {cmd.name} is a foreign key")
        return
    if known.validated:
        alteration.family(recurses=False)
        return
    recurses = not known.no_inherit if known.kind in ("check", "not null") else draft.is_partitioned(alteration.name)
    for member in alteration.family(recurses):
        constraint = draft.constraint(member, cmd.name) or known
        if member != alteration.name:
            draft.validate(constraint.name, member)
        if known.kind == "foreign key" and known.references:
            if not draft.is_partitioned(member):
                draft.lock(known.references, RS)
                constraints.check_reference(draft, member, known.references)
        elif alteration.has_rows(member):
            alteration.verify(member)


def alter(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """Deferrability touches the table alone; becoming enforced locks and validates like adding (measured)."""
    draft = alteration.draft
    node = definition(cmd)
    change = node.atalter_constraint if hasattr(node, "atalter_constraint") else None
    known = draft.constraint(alteration.name, change.conname) if change else None
    alteration.family(recurses=draft.is_partitioned(alteration.name))
    if change is None or known is None:
        return
    if change.alter_enforceability and known.kind == "foreign key" and known.references:
        if change.is_enforced:
            draft.lock(known.references, SRE)
            constraints.check_reference(draft, alteration.name, known.references)
        else:
            draft.lock(known.references, AE)
        draft.alter(replace(known, enforced=change.is_enforced, validated=change.is_enforced), known)
    if change.alter_deferrability:
        draft.alter(replace(known, deferrable=change.deferrable, deferred=change.initdeferred), known)
