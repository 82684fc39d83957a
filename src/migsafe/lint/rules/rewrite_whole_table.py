"""A table written anew for another storage: SET LOGGED, SET TABLESPACE, CLUSTER, VACUUM FULL and the like."""

from collections.abc import Iterator

from migsafe.lint.facts import created, kind_of, recomputed, retyped
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import holding
from migsafe.model.catalog import Column
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A live table is written anew to change how it is stored.",
    effect="Table and indexes are copied whole; until the copy is done nobody reads or writes the table.",
    safe="Run it outside the migration, in a maintenance window or with pg_repack.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad="ALTER TABLE orders SET UNLOGGED;",
    good="ALTER TABLE orders SET (fillfactor = 90);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    explained = {column.relation for column in created(effects, Column)} | {new.relation for new, _ in retyped(effects)}
    explained |= {*effects.truncates, *(column.relation for column in recomputed(effects))}
    for relation in dict.fromkeys(effects.rewrites):
        kind = kind_of(relation, effects, situation)
        if relation not in explained and situation.live(relation) and kind != "materialized view":
            what = effects.command or "The statement"
            yield Fault(
                holding(what, f"writes {relation} anew", effects, situation),
                f"Take it out of the migration: run it in a maintenance window, or use pg_repack on {relation}.",
                unsure=effects.conditions,
                sized_by=(relation,),
            )
