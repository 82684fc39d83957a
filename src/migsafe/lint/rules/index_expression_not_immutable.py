"""An index over an expression whose value may change: PostgreSQL refuses it."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed
from migsafe.model.catalog import Index
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="The expression or predicate of an index calls a function that is not IMMUTABLE.",
    effect="The statement fails with SQLSTATE 42P17 and the revision with it.",
    safe="Index the plain column, or an expression without the clock, time zone or locale, such as `at AT TIME ZONE`.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, at timestamptz);",
    refused="42P17",
    bad="CREATE INDEX CONCURRENTLY ix_orders_day ON orders (to_char(at, 'YYYY-MM-DD'));",
    good="CREATE INDEX CONCURRENTLY ix_orders_day ON orders (date_trunc('day', at AT TIME ZONE 'UTC'));",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    functions = statement.effects.not_immutable
    for index in created(statement.effects, Index)[:1] if functions else ():
        yield Fault(
            f"CREATE INDEX {bare(index.name)} on {index.relation} fails with SQLSTATE 42P17: {listed(functions)} "
            f"{'is' if len(functions) == 1 else 'are'} not IMMUTABLE.",
            f"Write the index without {listed(functions)}; a time stamp with time zone becomes immutable by "
            f"`AT TIME ZONE 'UTC'`, a function of your own by declaring it IMMUTABLE, if it is.",
        )
