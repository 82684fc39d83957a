"""CREATE INDEX CONCURRENTLY IF NOT EXISTS: the second attempt passes over what the first one has left."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.operations import AUTOCOMMIT, bare, dotted, execute
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Index
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    summary="An index is created CONCURRENTLY with IF NOT EXISTS.",
    effect="A build that fails leaves an INVALID index of that name; IF NOT EXISTS takes it for done the next time.",
    safe='Write `op.execute("DROP INDEX CONCURRENTLY IF EXISTS …")` before it instead of if_not_exists=True.',
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad="CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_orders_note ON orders (note);",
    good=(
        "DROP INDEX CONCURRENTLY IF EXISTS ix_orders_note;\nCREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    if effects.if_not_exists is None or not effects.concurrently or _dropped_before(statement, situation):
        return
    for index in created(effects, Index):
        if index.name == effects.if_not_exists and situation.live(index.relation):
            drop = execute(f"DROP INDEX CONCURRENTLY IF EXISTS {dotted(situation.catalog, index.name)}")
            yield Fault(
                f"If the build of {bare(index.name)} fails, it leaves an INVALID index on {index.relation}, and IF NOT "
                f"EXISTS passes over that when the revision runs again.",
                f"Write `{drop}` before it inside {AUTOCOMMIT}, and leave if_not_exists=True out.",
            )


def _dropped_before(statement: Statement, situation: Situation) -> bool:
    before = (one for one in situation.step.statements if one.index < statement.index)
    return any(one.effects.command == "DROP INDEX" for one in before)
