"""CREATE INDEX IF NOT EXISTS that finds an INVALID index of that name, and is content."""

from collections.abc import Iterator

from migsafe.lint.facts import follow
from migsafe.lint.operations import AUTOCOMMIT, bare, drop_index
from migsafe.lint.rewrites.indexes import after_drop
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Index
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="CREATE INDEX IF NOT EXISTS finds an INVALID index of that name, what a failed build has left.",
    effect="Nothing is built and no error is raised: every write still pays for an index that no query can use.",
    safe="Drop the INVALID index first with postgresql_concurrently=True, and create it without if_not_exists=True.",
    setup=(
        "CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);\n"
        "CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');\n"
        "CREATE INDEX ix_events_at ON ONLY events (at);"
    ),
    bad="CREATE INDEX IF NOT EXISTS ix_events_at ON events (at);",
    good=(
        "CREATE INDEX CONCURRENTLY ix_events_2026_at ON events_2026 (at);\n"
        "ALTER INDEX ix_events_at ATTACH PARTITION ix_events_2026_at;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects, catalog = statement.effects, situation.catalog
    found = catalog.indexes.get(effects.if_not_exists or "")
    if found is None or found.valid or not effects.nothing_to_do or _completed(found, statement, situation):
        return
    yield Fault(
        f"CREATE INDEX IF NOT EXISTS {bare(found.name)} builds nothing: {found.name} on {found.relation} is there "
        f"already, but INVALID, so that no query uses it.",
        f"Write {drop_index(catalog, found.name, found.relation)} before it inside {AUTOCOMMIT}.",
        rewrite=after_drop(statement, found, situation),
    )


def _completed(index: Index, statement: Statement, situation: Situation) -> bool:
    """Whether parts are attached later: an index ON ONLY a partitioned table is INVALID until then."""
    altered = (each.after for later in follow(statement, situation) for each in later.effects.alters)
    return any(isinstance(each, Index) and index.name in (each.name, each.parent) for each in altered)
