"""Columns as CREATE TABLE and ADD COLUMN write them."""

from typing import Any, NamedTuple

from migsafe.model.catalog import Column, Constraint, Relation
from migsafe.sql import constraints, expressions, names, types
from migsafe.sql.draft import RX, Draft
from migsafe.sql.mentions import column_types, lock_mentioned, sequences
from migsafe.sql.nodes import pb
from migsafe.sql.parse import kind, strings

_GENERATED = {"s": "stored", "v": "virtual"}


class Defined(NamedTuple):
    """A column, the constraints written behind it, and the sequence that it brings."""

    column: Column
    constraints: tuple[tuple[Constraint, Any], ...]
    sequence: Relation | None
    default: Any | None
    generation: Any | None


def define(draft: Draft, table: str, node: pb.ColumnDef) -> Defined:
    """What a column definition means. Nothing is added to the draft but what a DEFAULT nextval() locks."""
    parts = _with_attributes([part.constraint for part in node.constraints])
    serial = types.is_serial(node.type_name)
    default = next((part.raw_expr for part in parts if part.contype == pb.CONSTR_DEFAULT), None)
    identity = next((part for part in parts if part.contype == pb.CONSTR_IDENTITY), None)
    generation = next((part for part in parts if part.contype == pb.CONSTR_GENERATED), None)
    name = names.truncated(node.colname)
    written: list[tuple[Constraint, Any]] = []
    for part in parts:
        if constraints.is_constraint(part):
            used = [constraint.name for constraint, _ in written]
            written.append((constraints.define(draft, table, part, name, used), part))
    sequence = _sequence(draft, table, name, serial, identity)
    not_null = serial or identity is not None or any(c.kind in ("not null", "primary key") for c, _ in written)
    column = Column(
        relation=table,
        name=name,
        type=types.text(node.type_name, draft.catalog) if node.HasField("type_name") else None,
        not_null=not_null or bool(node.is_not_null),
        default=_default(generation.raw_expr if generation else default, sequence, serial),
        identity=identity.generated_when if identity else None,
        generated=_GENERATED.get(generation.generated_kind or "v") if generation else None,
        collation=".".join(strings(node.coll_clause.collname)) or None,
    )
    if default is not None:
        lock_mentioned(draft, default)
    return Defined(column, tuple(written), sequence, default, generation.raw_expr if generation else None)


_ATTRIBUTES = {
    pb.CONSTR_ATTR_DEFERRABLE: {"deferrable": True},
    pb.CONSTR_ATTR_NOT_DEFERRABLE: {"deferrable": False},
    pb.CONSTR_ATTR_DEFERRED: {"deferrable": True, "initdeferred": True},
    pb.CONSTR_ATTR_IMMEDIATE: {"initdeferred": False},
    pb.CONSTR_ATTR_ENFORCED: {"is_enforced": True},
    pb.CONSTR_ATTR_NOT_ENFORCED: {"is_enforced": False, "skip_validation": True},
}


def _with_attributes(parts: list[Any]) -> list[Any]:
    """The constraints behind a column, each with the DEFERRABLE or NOT ENFORCED that follows it."""
    found: list[Any] = []
    for part in parts:
        attributes = _ATTRIBUTES.get(part.contype)
        if attributes is None:
            found.append(part)
        elif found:
            changed = pb.Constraint()
            changed.CopyFrom(found[-1])
            for name, value in attributes.items():
                setattr(changed, name, value)
            found[-1] = changed
    return found


def _default(node: Any | None, sequence: Relation | None, serial: bool) -> str | None:
    if serial and sequence:
        return f"nextval('{sequence.name}'::regclass)"
    if node is None or (kind(node) == "a_const" and node.a_const.isnull):
        return None
    return expressions.text(node)


def _sequence(draft: Draft, table: str, column: str, serial: bool, identity: Any | None) -> Relation | None:
    if not serial and identity is None:
        return None
    return owned_sequence(draft, table, column)


def owned_sequence(draft: Draft, table: str, column: str) -> Relation:
    """The sequence that SERIAL and IDENTITY make: `orders_id_seq`."""
    schema, bare = names.split(table)

    def taken(name: str) -> bool:
        return draft.is_known(f"{schema}.{name}") or f"{schema}.{name}" in draft.new

    return Relation(f"{schema}.{names.chosen(bare, column, 'seq', taken)}", "sequence", owned_by=(table, column))


def advance_sequences(draft: Draft, node: Any) -> None:
    """nextval() and setval() lock their sequence in ROW EXCLUSIVE when they are executed."""
    for name in sequences(draft, node):
        draft.lock(name, RX, "sequence")


def add(draft: Draft, defined: Defined) -> None:
    """Note the column, its sequence and its constraints as created."""
    if defined.sequence:
        draft.create(defined.sequence)
    draft.create(defined.column)
    add_parts(draft, defined)


def add_parts(draft: Draft, defined: Defined) -> None:
    """Note what is written behind a column."""
    for constraint, node in defined.constraints:
        add_constraint(draft, constraint, node)
    explicit = {column for c, _ in defined.constraints for column in constraints.not_nulls([c])}
    column = defined.column
    if column.not_null and column.name not in explicit:
        add_not_null(draft, column.relation, column.name)


def add_not_null(draft: Draft, table: str, column: str) -> None:
    """Since 18 a NOT NULL is a constraint with a name."""
    if draft.version < 18:
        return
    node = pb.Constraint(contype=pb.CONSTR_NOTNULL)
    draft.create(constraints.define(draft, table, node, column))


def add_constraint(draft: Draft, constraint: Constraint, node: Any) -> None:
    """Note a constraint as created, and its index when it makes one."""
    if constraint.kind == "not null" and draft.version < 18:
        return
    draft.create(constraint)
    if constraint.kind == "check":
        lock_mentioned(draft, node.raw_expr, column_types(draft, constraint.relation))
    if constraint.index and not node.indexname:
        draft.create(constraints.index_of(constraint, node))
    if constraint.kind == "primary key":
        for column in constraint.columns:
            _note_key_column(draft, constraint.relation, column)


def _note_key_column(draft: Draft, table: str, column: str) -> None:
    known = draft.column(table, column)
    made = (thing for thing in draft.all("creates") if isinstance(thing, Constraint) and thing.relation == table)
    if (known and known.not_null) or any(c.kind == "not null" and c.columns == (column,) for c in made):
        return
    add_not_null(draft, table, column)
