"""A column that running code may still read, and whose data goes with it."""

from collections.abc import Iterator

from migsafe.lint.facts import below, container, dropped, topmost
from migsafe.lint.operations import accepting, drop_column
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.twins import twin_of_column
from migsafe.lint.wording import listed, size, strongest, waits
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A column of a live table is dropped.",
    effect="Its data is gone, and code that still names the column fails from that moment on.",
    safe="Release code that no longer names the column, then drop it and accept the finding with --allow drop-column.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text NOT NULL);",
    bad="ALTER TABLE orders DROP COLUMN note;",
    good="ALTER TABLE orders ALTER COLUMN note SET DEFAULT '';",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    gone = {table.name for table in effects.drops if table.of is None}
    if container(effects) is not None:
        return
    for column in dropped(effects, "column"):
        relation = column.of or ""
        if relation in gone or not situation.live_column(relation, column.name):
            continue
        if topmost(relation, {one.of or "" for one in dropped(effects, "column")}, situation) != relation:
            continue  # said of the parent
        if twin_of_column(column, statement, situation) is not None:
            continue  # possible-rename
        others = [f"{other.kind} {other.label}" for other in effects.drops if other.kind != "column"]
        along = f", and with it {listed(others)}" if others else ""
        locked = {name: mode for name, mode in strongest(effects, situation).items() if name != relation}
        waiting = f"; {waits(locked)} for it too" if locked else ""
        yield Fault(
            f"DROP COLUMN {column.name} of {relation}{size(situation.catalog, relation)} deletes its data{along}; "
            f"running code that still names it fails{waiting}.",
            f'Release code that no longer names "{column.name}" first; then keep '
            f"{drop_column(situation.catalog, relation, column.name)} {accepting(RULE.name)}.",
            loses=tuple(below(relation, situation)),
        )
