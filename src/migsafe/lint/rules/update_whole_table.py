"""An UPDATE of every row in one transaction."""

from collections.abc import Iterator

from migsafe.lint.operations import AUTOCOMMIT, bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import size
from migsafe.model.locks import LockMode
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A live table is updated without a WHERE clause.",
    effect="Every row is locked until the revision commits, written a second time, and left to VACUUM.",
    safe="Update a few thousand rows at a time by key range, each batch in its own transaction.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, status text);",
    bad="UPDATE orders SET status = 'new';",
    good="UPDATE orders SET status = 'new' WHERE id >= 1 AND id < 5001;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for write in statement.effects.writes:
        if write.command.upper() not in ("UPDATE", "MERGE") or not write.whole or not situation.live(write.relation):
            continue
        held = situation.held_on(write.relation)
        yield Fault(
            f"{write.command.upper()} changes every row of {write.relation}{size(situation.catalog, write.relation)} "
            f"in one transaction: whoever writes to one of them waits until it commits{_also(held)}.",
            f"Update {bare(write.relation)} a few thousand rows at a time by key range, each inside {AUTOCOMMIT}.",
            sized_by=(write.relation,),
        )


def _also(held: LockMode | None) -> str:
    if held is None or not held.blocks_writes:
        return ""
    who = "reads and writes of the whole table wait" if held.blocks_reads else "all writes to the table wait"
    return f", and since this transaction already holds {held.text} on it, {who} as long"
