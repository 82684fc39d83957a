"""A partition detached under a lock on all of its table."""

from collections.abc import Iterator

from migsafe.lint.facts import default_partition, detached
from migsafe.lint.operations import AUTOCOMMIT, dotted, execute
from migsafe.lint.rewrites.indexes import amended_in_autocommit
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import taking
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="A partition of a live table is detached without CONCURRENTLY.",
    effect="The whole partitioned table can be neither read nor written while the lock is waited for and held.",
    safe="Write `DETACH PARTITION … CONCURRENTLY` inside `with op.get_context().autocommit_block():`.",
    setup=(
        "CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);\n"
        "CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');"
    ),
    bad="ALTER TABLE events DETACH PARTITION events_2025;",
    good="ALTER TABLE events DETACH PARTITION events_2025 CONCURRENTLY;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects, catalog = statement.effects, situation.catalog
    for partition, parent in detached(effects):
        if effects.concurrently or not situation.live(parent):
            continue
        default = default_partition(parent, catalog)
        detach = f"ALTER TABLE {dotted(catalog, parent)} DETACH PARTITION {dotted(catalog, partition)} CONCURRENTLY"
        fix = f"Write `{execute(detach)}` inside {AUTOCOMMIT}."
        if default:
            fix = (
                f"CONCURRENTLY is refused while {parent} has a default partition ({default}): detach in a revision of "
                f"its own, when no long query runs on {parent}."
            )
        rewrite = None if default else amended_in_autocommit(statement)
        yield Fault(taking(f"DETACH PARTITION {partition}", effects, situation), fix, rewrite=rewrite)
