"""What the names in a statement of a plan are called on the server now, where its rows are still to be asked about."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from migsafe.model.catalog import Column, Constraint, Type
from migsafe.model.plan import Plan
from migsafe.preflight.touched import Moment, moments


class Standing(NamedTuple):
    """A statement and what those before it did to rows and columns.

    `columns` are the names of now by relation of now and name in the statement, None for one that the plan makes or
    gives another type; `written` the place of the first statement that writes to a relation of now; `constraints`
    those that the plan has made, and `labels` those of the enums, by relation and name, and by name.
    """

    moment: Moment
    columns: Mapping[tuple[str, str], str | None]
    written: Mapping[str, str]
    constraints: Mapping[tuple[str, str], Constraint]
    labels: Mapping[str, tuple[str, ...]]

    def asked(self, relation: str, columns: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
        """Table and columns as they are called now; None when one of them is not there yet as it will be by then."""
        table = self.moment.now(relation)
        if table is None:
            return None
        names = [self.columns.get((table, column), column) for column in columns]
        known = tuple(name for name in names if name is not None)
        return (table, known) if len(known) == len(names) else None


def standings(plan: Plan) -> Iterator[Standing]:
    """Every statement of `plan` but those that only move Alembic's version."""
    columns: dict[tuple[str, str], str | None] = {}
    written: dict[str, str] = {}
    constraints: dict[tuple[str, str], Constraint] = {}
    labels: dict[str, tuple[str, ...]] = {}
    for moment in moments(plan):
        yield Standing(moment, columns, written, constraints, labels)
        _note_writes(moment, written)
        _note_columns(moment, columns)
        for made in moment.effects.creates:
            if isinstance(made, Constraint):
                constraints[made.relation, made.name] = made
            elif isinstance(made, Type) and made.kind == "enum":
                labels[made.name] = made.labels


def _note_writes(moment: Moment, written: dict[str, str]) -> None:
    for name in (*(write.relation for write in moment.effects.writes), *moment.effects.truncates):
        table = moment.now(name)
        if table is not None:
            written.setdefault(table, moment.statement.place)


def _note_columns(moment: Moment, columns: dict[tuple[str, str], str | None]) -> None:
    effects = moment.effects
    changed = [(item.relation, item.name) for item in effects.creates if isinstance(item, Column)]
    changed += [
        (item.after.relation, item.after.name)
        for item in effects.alters
        if isinstance(item.after, Column)
        and not (isinstance(item.before, Column) and item.before.type == item.after.type)
    ]
    for relation, name in changed:
        table = moment.now(relation)
        if table is not None:
            columns[table, name] = None
    for rename in effects.renames:
        table = moment.now(rename.old.of) if rename.old.of is not None and rename.old.kind == "column" else None
        if table is not None:
            columns[table, rename.new.name] = columns.pop((table, rename.old.name), rename.old.name)
            columns[table, rename.old.name] = None
