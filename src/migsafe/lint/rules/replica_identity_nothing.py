"""A published table whose changed rows nothing names."""

from collections.abc import Iterator

from migsafe.lint.facts import publications_of
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="REPLICA IDENTITY NOTHING on a table that a publication has.",
    effect="UPDATE and DELETE of running code fail with SQLSTATE 55000 from the commit on.",
    safe="Leave REPLICA IDENTITY DEFAULT, or name a unique index with REPLICA IDENTITY USING INDEX.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);\nCREATE PUBLICATION shop FOR TABLE orders;",
    bad="ALTER TABLE orders REPLICA IDENTITY NOTHING;",
    good="ALTER TABLE orders REPLICA IDENTITY DEFAULT;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for action in statement.effects.actions:
        if action.kind == "replica identity" and action.name == "nothing" and situation.live(action.of or ""):
            named, perhaps = publications_of(action.of or "", situation.catalog)
            if named or perhaps:
                yield Fault(
                    f"REPLICA IDENTITY NOTHING on {action.of}, which publication {listed((*named, *perhaps))} "
                    f"replicates, makes every UPDATE and DELETE of it fail with SQLSTATE 55000.",
                    "Leave REPLICA IDENTITY DEFAULT, or name a unique index with REPLICA IDENTITY USING INDEX.",
                    unsure=() if named else (f"nothing fails if {listed(perhaps)} does not replicate {action.of}",),
                )
