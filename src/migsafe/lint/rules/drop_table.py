"""A table that running code may still use, and whose data goes with it."""

from collections.abc import Iterator

from migsafe.lint.facts import TABLES, below, container, dropped, recreated, topmost
from migsafe.lint.operations import accepting, bare, drop_table
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.twins import twin_of_table
from migsafe.lint.wording import everything, listed, size, strongest
from migsafe.model.effects import Effects, Object
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
    gone_tables = [t for t in dropped(effects, *TABLES) if situation.live(t.name) and not recreated(t.name, situation)]
    tables = [table.name for table in gone_tables if twin_of_table(table, statement, situation) is None]
    gone = {table.name for table in gone_tables}
    others = [name for name in strongest(effects, situation) if name not in gone and not _is_owned(name, situation)]
    others = others if gone else []
    along = f"; reads and writes of {listed(others)} wait for it too" if others else ""
    cascade = _of_others(effects, gone)
    along = f", and with it goes {everything(cascade)}{along}" if cascade else along
    for table in (one for one in tables if topmost(one, gone, situation) == one):
        yield Fault(
            f"DROP TABLE {table}{size(situation.catalog, table)} deletes its data, and running code that still names "
            f"it fails{along}.",
            f'Release code that no longer names "{bare(table)}" first; then keep '
            f"{drop_table(situation.catalog, table)} "
            f"{accepting(RULE.name)}.",
            loses=tuple(below(table, situation)),
        )


def _is_owned(name: str, situation: Situation) -> bool:
    """Whether it is the sequence of a column, which goes with the table."""
    known = situation.catalog.relations.get(name)
    return known is not None and known.owned_by is not None


def _of_others(effects: Effects, gone: set[str]) -> list[Object]:
    """What CASCADE takes besides the tables and what is theirs: views, and keys and policies of other tables."""
    kinds = ("view", "materialized view", "constraint", "policy", "rule", "column")
    return [each for each in effects.drops if each.kind in kinds and (each.of or "") not in gone]
