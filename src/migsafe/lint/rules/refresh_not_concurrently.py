"""A materialized view filled anew while nobody can read it."""

from collections.abc import Iterator

from migsafe.lint.facts import kind_of
from migsafe.lint.operations import dotted, execute
from migsafe.lint.rewrites.indexes import refresh as rewritten
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A live materialized view is refreshed without CONCURRENTLY.",
    effect="Nobody can read the view until its query has run and its indexes are built.",
    safe="Write `REFRESH MATERIALIZED VIEW CONCURRENTLY`; it needs a unique index on the view.",
    setup=(
        "CREATE TABLE orders (id bigint PRIMARY KEY, amount integer);\n"
        "CREATE MATERIALIZED VIEW amounts AS SELECT id, amount FROM orders;\n"
        "CREATE UNIQUE INDEX amounts_id ON amounts (id);"
    ),
    bad="REFRESH MATERIALIZED VIEW amounts;",
    good="REFRESH MATERIALIZED VIEW CONCURRENTLY amounts;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    for relation in dict.fromkeys(effects.rewrites):
        if situation.live(relation) and kind_of(relation, effects, situation) == "materialized view":
            refresh = f"REFRESH MATERIALIZED VIEW CONCURRENTLY {dotted(situation.catalog, relation)}"
            yield Fault(
                holding("REFRESH MATERIALIZED VIEW", "runs the query of the view", effects, situation),
                f"Write `{execute(refresh)}`; it needs a unique index on {relation}.",
                sized_by=(relation, *_read_by(relation, situation)),
                rewrite=rewritten(statement, relation, situation),
            )


def _read_by(relation: str, situation: Situation) -> tuple[str, ...]:
    """What the query of the view reads; where that is not known, a relation that does not exist: of no known size."""
    known = situation.catalog.relations.get(relation)
    return tuple(use.relation for use in known.uses) if known is not None else ("",)
