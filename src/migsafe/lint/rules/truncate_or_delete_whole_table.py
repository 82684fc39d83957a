"""Every row of a table deleted."""

from collections.abc import Iterator

from migsafe.lint.operations import accepting, bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import size
from migsafe.model.effects import Effects
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="Every row of a live table is deleted, by TRUNCATE or by DELETE without a WHERE clause.",
    effect="The data is gone when the revision commits.",
    safe="Delete what is known to be obsolete with a WHERE clause, a few thousand rows at a time.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, status text);",
    bad="TRUNCATE orders;",
    good="DELETE FROM orders WHERE status = 'cancelled' AND id >= 1 AND id < 5001;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for relation, command in _emptied(statement.effects).items():
        if situation.live(relation):
            yield Fault(
                f"{command} deletes every row of {relation}{size(situation.catalog, relation)}.",
                f"Delete only what is obsolete, with a WHERE clause; if {bare(relation)} is meant to be emptied, "
                f"keep it {accepting(RULE.name)}.",
                loses=(relation,),
            )


def _emptied(effects: Effects) -> dict[str, str]:
    emptied = dict.fromkeys(effects.truncates, "TRUNCATE")
    return emptied | {
        w.relation: w.command.upper() for w in effects.writes if w.whole and w.command.upper() == "DELETE"
    }
