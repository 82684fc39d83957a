"""An index built anew while nobody can write to its table or plan a query on it."""

from collections.abc import Iterator

from migsafe.lint.facts import blocking_builds, built_from
from migsafe.lint.operations import AUTOCOMMIT, bare, dotted, execute
from migsafe.lint.rewrites.indexes import amended_in_autocommit
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding, listed
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="An index of a live table is rebuilt without CONCURRENTLY.",
    effect="Writes wait until the index is built, and reads too: planning a query locks every index of its tables.",
    safe="Write `REINDEX … CONCURRENTLY` inside `with op.get_context().autocommit_block():`.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text); CREATE INDEX ix_orders_note ON orders (note);",
    bad="REINDEX INDEX ix_orders_note;",
    good="REINDEX INDEX CONCURRENTLY ix_orders_note;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    catalog = situation.catalog
    built = blocking_builds(effects, situation)
    if built and not (effects.changes_schema or effects.rewrites or effects.truncates):
        what = f"REINDEX of {listed(bare(build.index) for build in built)}"
        again = " and ".join(
            f"`{execute(f'REINDEX INDEX CONCURRENTLY {dotted(catalog, build.index)}')}`" for build in built[:3]
        )
        yield Fault(
            holding(what, "builds it anew", effects, situation),
            f"Write {again if len(built) <= 3 else '`REINDEX TABLE CONCURRENTLY …`'} inside {AUTOCOMMIT}.",
            sized_by=built_from(built),
            rewrite=amended_in_autocommit(statement),
        )
