"""DETACH … CONCURRENTLY of a table that has a default partition."""

from collections.abc import Iterator

from migsafe.lint.facts import default_partition, detached
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A partition is detached CONCURRENTLY from a table that has a default partition.",
    effect="The statement fails with SQLSTATE 55000 and the revision with it.",
    safe="Detach without CONCURRENTLY, in a revision of its own and when no long query runs on the table.",
    setup=(
        "CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);\n"
        "CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');\n"
        "CREATE TABLE events_rest PARTITION OF events DEFAULT;"
    ),
    refused="55000",
    bad="ALTER TABLE events DETACH PARTITION events_2025 CONCURRENTLY;",
    good=(
        "CREATE TABLE logs (at date) PARTITION BY RANGE (at);\n"
        "CREATE TABLE logs_2025 PARTITION OF logs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');\n"
        "ALTER TABLE logs DETACH PARTITION logs_2025 CONCURRENTLY;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for partition, parent in detached(statement.effects):
        default = default_partition(parent, situation.catalog)
        if statement.effects.concurrently and default:
            yield Fault(
                f"DETACH PARTITION {partition} CONCURRENTLY fails with SQLSTATE 55000: {parent} has a default "
                f"partition, {default}.",
                f"Detach {partition} without CONCURRENTLY, in a revision of its own and when no long query runs on "
                f"{parent}; or detach {default} first.",
            )
