"""A partition created in place, under a lock on all of its table."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.operations import bare, dotted
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import taking
from migsafe.model.catalog import Relation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="CREATE TABLE … PARTITION OF a live table.",
    effect="The whole partitioned table can be neither read nor written while the lock is waited for and held.",
    safe="Create a plain table LIKE the partitioned one, then ATTACH it: that lets reads and writes go on.",
    setup="CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);",
    bad="CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');",
    good=(
        "CREATE TABLE events_2026 (LIKE events INCLUDING ALL,\n"
        "  CHECK (at >= '2026-01-01' AND at < '2027-01-01'));\n"
        "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects, catalog = statement.effects, situation.catalog
    for made in created(effects, Relation):
        parent = made.parents[0] if made.bound and made.parents else None
        if parent and situation.live(parent) and not effects.nothing_to_do:
            child, table = dotted(catalog, made.name), dotted(catalog, parent)
            yield Fault(
                taking(f"CREATE TABLE {made.name} PARTITION OF {bare(parent)}", effects, situation),
                f"Write `CREATE TABLE {child} (LIKE {table} INCLUDING ALL, CHECK (…))`, then `ALTER TABLE {table} "
                f"ATTACH PARTITION {child} {made.bound}`.",
            )
