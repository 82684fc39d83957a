"""CONCURRENTLY on the index of a partitioned table: PostgreSQL refuses it."""

from collections.abc import Iterator

from migsafe.lint.facts import created, dropped
from migsafe.lint.operations import AUTOCOMMIT, bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Index
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="An index of a partitioned table is created or dropped CONCURRENTLY.",
    effect="The statement fails with SQLSTATE 0A000 and the revision with it.",
    safe="Create the index ON ONLY the parent, then one CONCURRENTLY on each partition, and attach each.",
    setup=(
        "CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);\n"
        "CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
    ),
    refused="0A000",
    bad="CREATE INDEX CONCURRENTLY ix_events_at ON events (at);",
    good=(
        "CREATE INDEX ix_events_at ON ONLY events (at);\n"
        "CREATE INDEX CONCURRENTLY ix_events_2026_at ON events_2026 (at);\n"
        "ALTER INDEX ix_events_at ATTACH PARTITION ix_events_2026_at;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects, relations = statement.effects, situation.catalog.relations
    if not effects.concurrently:
        return
    for index in created(effects, Index):
        table = relations.get(index.relation)
        if table is not None and table.kind == "partitioned table":
            name = bare(index.name)
            yield Fault(
                f"CREATE INDEX CONCURRENTLY {name} fails with SQLSTATE 0A000: {index.relation} is partitioned.",
                f"Write `CREATE INDEX {name} ON ONLY {bare(index.relation)} …`, then create one index on each "
                f"partition with postgresql_concurrently=True inside {AUTOCOMMIT}, and attach each with "
                f"`ALTER INDEX {name} ATTACH PARTITION …`.",
            )
    for gone in dropped(effects, "partitioned index"):
        yield Fault(
            f"DROP INDEX CONCURRENTLY {bare(gone.name)} fails with SQLSTATE 0A000: it is the index of a partitioned "
            f"table.",
            "Drop it without postgresql_concurrently=True; ACCESS EXCLUSIVE on the table and its partitions is held "
            "until the revision commits, so let nothing else stand in it.",
        )
