"""What a revision drops and makes again under another name: to autogenerate a rename is a DROP and an ADD."""

from collections.abc import Iterable
from itertools import takewhile

from migsafe.lint.facts import TABLES, created, dropped
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Column, Relation
from migsafe.model.effects import Object
from migsafe.model.statement import Statement


def twin_of_column(gone: Object, statement: Statement, situation: Situation) -> Column | None:
    """The only column that the revision adds to the table of `gone`, of its type; None when data is copied over."""
    relation = gone.of or ""
    before = situation.catalog.columns.get(relation, {}).get(gone.name)
    if before is None or before.type is None or _is_filled(relation, ("UPDATE", "MERGE"), statement, situation):
        return None
    steps = situation.step.statements
    known = situation.catalog.columns.get(relation, {})
    lost = {one.name for step in steps for one in dropped(step.effects, "column") if one.of == relation}
    lost = {name for name in lost if name == gone.name or (name in known and known[name].type == before.type)}
    made = [
        column
        for step in steps
        for column in created(step.effects, Column)
        if (column.relation, column.type) == (relation, before.type)
        and column.name not in lost
        and not column.generated
    ]
    return made[0] if len(made) == 1 and len(lost) == 1 else None


def twin_of_table(gone: Object, statement: Statement, situation: Situation) -> Relation | None:
    """The table with the same columns that the revision creates; None when rows are copied over."""
    before = _shape(situation.catalog.columns.get(gone.name, {}).values())
    alike = []
    for step in situation.step.statements if len(before) > 1 else ():
        for table in created(step.effects, Relation):
            columns = [column for column in created(step.effects, Column) if column.relation == table.name]
            same = table.kind in TABLES and table.name != gone.name and _shape(columns) == before
            if same and not _is_filled(table.name, ("INSERT", "COPY", "MERGE"), statement, situation):
                alike.append(table)
    return max(alike, key=lambda table: _alike(table.name, gone.name), default=None)


def _alike(one: str, other: str) -> int:
    """How many characters two names have in common at their start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _shape(columns: Iterable[Column]) -> frozenset[tuple[str, str | None]]:
    return frozenset((column.name, column.type) for column in columns)


def _is_filled(relation: str, commands: tuple[str, ...], statement: Statement, situation: Situation) -> bool:
    """Whether the revision writes rows of `relation` before `statement`."""
    writes = (w for one in situation.step.statements if one.index < statement.index for w in one.effects.writes)
    return any(write.relation == relation and write.command.upper() in commands for write in writes)
