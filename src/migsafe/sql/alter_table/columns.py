"""ADD COLUMN, DROP COLUMN, defaults, NOT NULL, identity, generation expressions, storage."""

from typing import Any

from msgspec import UNSET

from migsafe.model.catalog import Column, Constraint
from migsafe.model.locks import LockMode
from migsafe.sql import columns, constraints, expressions, types
from migsafe.sql.alter_table.alteration import Alteration
from migsafe.sql.draft import AE, AS, SRE, Draft, replace
from migsafe.sql.drops import drop_column_dependents
from migsafe.sql.mentions import lock_mentioned
from migsafe.sql.nodes import pb
from migsafe.sql.parse import kind, parse_expression


def add_column(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """Rewrites for a volatile default, serial, identity, a STORED expression and a constrained domain (measured)."""
    draft, name = alteration.draft, alteration.name
    node = definition(cmd).column_def
    if cmd.missing_ok and draft.column(name, node.colname):
        alteration.skipped += 1
        return
    for member in alteration.family():
        defined = columns.define(draft, member, node)
        if member == name:
            _keys(draft, alteration, defined)
            columns.add(draft, defined)
        else:
            draft.create(defined.column)
        alteration.added.add((member, defined.column.name))
        _fill(draft, alteration, member, node, defined)


def definition(cmd: pb.AlterTableCmd) -> Any:
    """The node after the column's name; its field is called as a keyword of Python."""
    return getattr(cmd, "def")


def _fill(draft: Draft, alteration: Alteration, member: str, node: Any, defined: columns.Defined) -> None:
    column = defined.column
    filled = defined.default is not None and column.default is not None
    volatile = expressions.volatility(defined.default, draft.catalog) if filled else expressions.Volatile(False)
    draft.suppose(volatile.condition)
    if volatile.volatile:
        columns.advance_sequences(draft, defined.default)
    if defined.sequence or volatile.volatile or column.generated == "stored" or _domain(draft, column):
        alteration.rewrite(member)
        alteration.filled.add((member, column.name))
    elif filled:
        alteration.filled.add((member, column.name))
    written = [constraint for constraint, _ in defined.constraints]
    if any(c.kind == "check" and c.enforced for c in written):
        alteration.verify(member)
    if column.not_null and not filled and (column.generated == "virtual" or not defined.sequence):
        alteration.verify(member)


def _domain(draft: Draft, column: Column) -> bool:
    """Whether its type is a domain with a constraint, which is checked by writing every row anew."""
    printed = column.type or ""
    if types.is_constrained(printed, draft.catalog):
        return True
    if types.is_known(printed, draft.catalog) or draft.catalog.complete:
        return False
    draft.suppose(f"no rewrite if {printed} is not a domain with a constraint")
    return True


def _keys(draft: Draft, alteration: Alteration, defined: columns.Defined) -> None:
    for constraint, _ in defined.constraints:
        if constraint.kind == "foreign key":
            validates = constraint.validated and defined.column.default is not None
            constraints.reference(draft, constraint, validates)
        if constraint.index:
            draft.scan(alteration.name)
            draft.build(constraint.index, alteration.name)


def drop_column(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """Never a rewrite; indexes and constraints of the column go, and a foreign key locks the table it references."""
    draft, name = alteration.draft, alteration.name
    # ONLY locks the children all the same: the column is theirs alone from now on (measured).
    members = draft.family(name) if alteration.recurses else (name, *draft.children(name))
    for member in members:
        draft.lock(member, alteration.mode)
        if member != alteration.name and not alteration.recurses:
            continue
        known = draft.column(member, cmd.name)
        if known is None and draft.knows(member):
            alteration.skipped += member == alteration.name
            continue
        drop_column_dependents(draft, member, cmd.name, cascade=cmd.behavior == pb.DROP_CASCADE)
        draft.drop("column", cmd.name, member)
        draft.destroy("column", cmd.name, member)
        if not draft.knows(member) and member == alteration.name:
            draft.suppose(f"ACCESS EXCLUSIVE on the referenced table too if {cmd.name} is in a foreign key")
            if cmd.behavior == pb.DROP_CASCADE:
                draft.suppose(f"ACCESS EXCLUSIVE on what depends on {member}.{cmd.name}, which is dropped too")


def set_default(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    draft = alteration.draft
    node = definition(cmd)
    if kind(node) is not None:
        lock_mentioned(draft, node)
    for member in alteration.family():
        text = expressions.text(node) if kind(node) is not None else None
        change(draft, member, cmd.name, default=text)


def change(draft: Draft, relation: str, column: str, using: str | None = None, **changes: Any) -> None:
    before = draft.column(relation, column)
    changed = replace(_so_far(draft, relation, column) or before or Column(relation, column), **changes)
    draft.alter(changed, before, using)


def _so_far(draft: Draft, relation: str, column: str) -> Column | None:
    """The column as earlier commands of the same ALTER TABLE left it."""
    changed = [*draft.all("creates"), *(altered.after for altered in draft.all("alters"))]
    return next(
        (c for c in reversed(changed) if isinstance(c, Column) and (c.relation, c.name) == (relation, column)), None
    )


def drop_not_null(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """ONLY locks the children all the same (measured)."""
    draft = alteration.draft
    for child in draft.children(alteration.name):
        draft.lock(child, alteration.mode)
    members = alteration.family()
    columns_ = [draft.column(member, cmd.name) for member in members]
    if all(known is not None and known.not_null is False for known in columns_):
        alteration.skipped += 1
    for member, known in zip(members, columns_, strict=True):
        if known is not None and known.not_null is False:
            continue
        for index in draft.indexes(member):
            if index.primary and draft.version >= 18:
                draft.lock(index.name, AS, transient=True)
        change(draft, member, cmd.name, not_null=False)
        for constraint in draft.constraints(member):
            if constraint.kind == "not null" and constraint.columns == (cmd.name,):
                draft.drop("constraint", constraint.name, member)


def set_not_null(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    for member in alteration.family():
        require_not_null(alteration, member, cmd.name)
        if not is_not_null(alteration.draft, member, cmd.name):
            columns.add_not_null(alteration.draft, member, cmd.name)
        change(alteration.draft, member, cmd.name, not_null=True)


def is_not_null(draft: Draft, relation: str, name: str) -> bool:
    column = draft.column(relation, name)
    unproven = any(c.kind == "not null" and name in c.columns and not c.validated for c in draft.constraints(relation))
    return column is not None and bool(column.not_null) and not unproven


def require_not_null(alteration: Alteration, relation: str, name: str) -> None:
    """A scan, unless the column is NOT NULL already or a validated CHECK proves it that stays (measured)."""
    draft = alteration.draft
    if is_not_null(draft, relation, name):
        return
    if (
        not _is_whole(draft.column(relation, name))
        and not draft.knows(relation)
        and (relation, name) not in alteration.added
    ):
        draft.suppose(f"no scan if a validated CHECK ({name} IS NOT NULL) is there, or the column is NOT NULL already")
    if not _is_proven(alteration, relation, name):
        alteration.verify(relation)


def _is_whole(column: Column | None) -> bool:
    """Whether all of a column is known, rather than what a statement said of one that nobody had heard of."""
    return column is not None and column.not_null is not None and column.default is not UNSET


def _is_proven(alteration: Alteration, relation: str, name: str) -> bool:
    return any(
        _proves(constraint, name)
        for constraint in alteration.draft.constraints(relation)
        if f"{relation}.{constraint.name}" not in alteration.gone
    )


def _proves(constraint: Constraint, column: str) -> bool:
    if constraint.kind != "check" or not constraint.validated or not constraint.expression:
        return False
    node = parse_expression(constraint.expression)
    return node is not None and expressions.proves_not_null(node, column)


def set_statistics(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    alteration.family()


def set_options(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    alteration.family(recurses=False)


def set_storage(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """ACCESS EXCLUSIVE for a moment on each index too (measured)."""
    for member in alteration.family(recurses=cmd.subtype == pb.AT_SetStorage):
        alteration.draft.lock_indexes(member, alteration.mode, transient=True)


def add_identity(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    draft = alteration.draft
    node = pb.ColumnDef(colname=cmd.name)
    node.type_name.names.add().string.sval = "int8"
    node.constraints.add().constraint.CopyFrom(definition(cmd).constraint)
    defined = columns.define(draft, alteration.name, node)
    if defined.sequence:
        draft.create(replace(defined.sequence, start=_start(definition(cmd).constraint)))
    for member in alteration.family(recurses=draft.is_partitioned(alteration.name) and draft.version >= 17):
        change(draft, member, cmd.name, identity=defined.column.identity)


def _start(node: Any) -> int | None:
    values = [item.def_elem.arg for item in node.options if item.def_elem.defname == "start"]
    return int(values[0].integer.ival or values[0].float.fval or 0) if values else None


def set_identity(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """The sequence behind the column is altered: SHARE ROW EXCLUSIVE (measured)."""
    draft = alteration.draft
    members = alteration.family(recurses=draft.is_partitioned(alteration.name) and draft.version >= 17)
    lock_owned(alteration.draft, alteration.name, cmd.name, SRE)
    for item in getattr(cmd, "def").list.items:
        if item.def_elem.defname == "generated":
            for member in members:
                change(alteration.draft, member, cmd.name, identity=chr(item.def_elem.arg.integer.ival))


def drop_identity(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    draft = alteration.draft
    alteration.family(recurses=draft.is_partitioned(alteration.name) and draft.version >= 17)
    column = alteration.draft.column(alteration.name, cmd.name)
    if column and not column.identity:
        return
    lock_owned(alteration.draft, alteration.name, cmd.name, AE)
    change(alteration.draft, alteration.name, cmd.name, identity=None)


def lock_owned(draft: Draft, table: str, column: str, mode: LockMode) -> None:
    """Lock the sequences that a column owns."""
    for sequence in draft.ways.sequences.get(table, ()):
        owned = draft.relation(sequence)
        if owned and owned.owned_by == (table, column):
            draft.lock(sequence, mode, "sequence")


def set_expression(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """A stored column is computed anew; a virtual one is checked when NOT NULL or a CHECK depends on it (measured)."""
    draft = alteration.draft
    for member in alteration.family():
        column = draft.column(member, cmd.name)
        if column is None or column.generated != "virtual":
            alteration.rewrite(member)
            if column is None and not draft.catalog.complete:
                draft.suppose("no rewrite if the column is a VIRTUAL generated one")
        elif column.not_null or any(cmd.name in c.columns for c in draft.constraints(member) if c.kind == "check"):
            alteration.verify(member)
        change(draft, member, cmd.name, default=expressions.text(definition(cmd)))


def drop_expression(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    for member in alteration.family():
        change(alteration.draft, member, cmd.name, generated=None, default=None)
