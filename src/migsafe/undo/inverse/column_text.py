"""A column as CREATE TABLE and ADD COLUMN spell it."""

from collections.abc import Iterator

from migsafe.model.catalog import Column, Constraint
from migsafe.model.effects import Object
from migsafe.sql.quote import identifier, literal, qualified
from migsafe.undo.inverse.change import Change, Lost, Phase, Piece


def place(change: Change, column: Column) -> float:
    """After all relations and types, in the order that the columns had."""
    names = list(change.before.columns.get(column.relation, {}))
    return 1e12 + (names.index(column.name) if column.name in names else 0)


def column_sql(change: Change, column: Column, *, named: bool = True) -> tuple[str, str | None]:
    """The column as CREATE TABLE has it, and the statement for its NOT NULL where that cannot stand there.

    Not `named`: NOT NULL never stands there.
    """
    facts = change.facts(Object("column", column.name, column.relation))
    parts = [identifier(column.name), column.type or "text"]
    if collation := facts.get("collation"):
        parts.append(f"COLLATE {collation}")
    elif column.collation:
        parts.append(f"COLLATE {identifier(column.collation)}")
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.default}) {column.generated.upper()}")
    elif column.identity:
        parts.append(identity(change, column))
    elif isinstance(column.default, str):
        parts.append(f"DEFAULT {column.default}")
    own = None
    if column.not_null:
        constraint = not_null_of(change, column)
        inline, own = _not_null(column, constraint)
        if named and inline:
            parts.append(inline)
            own = None
    return " ".join(parts), own


def not_null_of(change: Change, column: Column) -> Constraint | None:
    listed = change.before.constraints.get(column.relation, {}).values()
    return next((each for each in listed if each.kind == "not null" and each.columns == (column.name,)), None)


def _not_null(column: Column, constraint: Constraint | None) -> tuple[str | None, str]:
    """NOT NULL as a part of the column (None where it is NOT VALID), and as a statement."""
    table, name = qualified(column.relation), identifier(column.name)
    if constraint is None:
        return "NOT NULL", f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL"
    tail = " NO INHERIT" if constraint.no_inherit else ""
    late = "" if constraint.validated else " NOT VALID"
    said = f"CONSTRAINT {identifier(constraint.name)} NOT NULL"
    alter = f"ALTER TABLE {table} ADD {said} {name}{tail}{late}"
    return (f"{said}{tail}" if constraint.validated else None), alter


def identity(change: Change, column: Column) -> str:
    kind_ = "ALWAYS" if column.identity == "a" else "BY DEFAULT"
    sequence = owned_sequence(change, column)
    if sequence is None:
        return f"GENERATED {kind_} AS IDENTITY"
    facts = change.facts(Object("sequence", sequence))
    options = facts.get("sequence", "").partition(" INCREMENT")
    said = f" INCREMENT{options[2]}" if options[1] else ""
    return f"GENERATED {kind_} AS IDENTITY (SEQUENCE NAME {qualified(sequence)}{said})"


def owned_sequence(change: Change, column: Column) -> str | None:
    for relation in change.before.relations.values():
        if relation.kind == "sequence" and relation.owned_by == (column.relation, column.name):
            return relation.name
    return None


def sequence_place(change: Change, column: Column) -> Iterator[Piece | Lost]:
    """The sequence of a remade column goes on where it was last seen."""
    name = owned_sequence(change, column)
    if name is None:
        return
    last = change.facts(Object("sequence", name)).get("last value")
    if last:
        yield Piece(f"SELECT pg_catalog.setval({literal(qualified(name))}, {last})", Phase.SETTING)
    yield Lost(f"the place of sequence {name}, which is set as it was recorded before the run")
