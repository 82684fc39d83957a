"""A table that running code may still use, and whose data goes with it."""

from collections.abc import Iterator

from migsafe.lint.facts import TABLES, container, dropped
from migsafe.lint.operations import bare, drop_table
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed, size, strongest
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A live table is dropped.",
    effect="Its data is gone, and code that still names the table fails from that moment on.",
    safe="Release code that no longer names the table, then drop it and accept the finding with --allow drop-table.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad="DROP TABLE orders;",
    good="CREATE TABLE orders_new (id bigint PRIMARY KEY, note text); DROP TABLE orders_new;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    if container(effects) is not None:
        return
    tables = [table.name for table in dropped(effects, *TABLES) if situation.live(table.name)]
    gone = set(tables)
    others = [other for other in strongest(effects, situation) if other not in gone] if gone else []
    along = f"; reads and writes of {listed(others)} wait for it too" if others else ""
    for table in tables:
        yield Fault(
            f"DROP TABLE {table}{size(situation.catalog, table)} deletes its data, and running code that still names "
            f"it fails{along}.",
            f'Release code that no longer names "{bare(table)}" first; then keep '
            f"{drop_table(situation.catalog, table)} "
            f'and upgrade with `--allow {RULE.name} --because "…"`.',
        )
