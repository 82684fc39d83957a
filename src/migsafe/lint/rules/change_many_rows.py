"""An UPDATE, DELETE or MERGE whose condition does not say how many rows it finds."""

from collections.abc import Iterator

from migsafe.lint.facts import blocked
from migsafe.lint.operations import AUTOCOMMIT, bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import size
from migsafe.model.effects import Write
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="One UPDATE, DELETE or MERGE changes as many rows of a live table as its condition happens to find.",
    effect="Each of them is locked until the revision commits; nobody knows beforehand how many they are.",
    safe="Change a few thousand rows at a time by key range, each batch in its own transaction.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, status text);",
    bad="UPDATE orders SET status = 'new' WHERE status IS NULL;",
    good="UPDATE orders SET status = 'new' WHERE status IS NULL AND id >= 1 AND id < 5001;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    if not statement.effects.writes or blocked(situation.held, situation):
        return  # backfill-in-ddl-transaction
    for write in statement.effects.writes:
        if _is_open(write, statement) and situation.live(write.relation):
            command = write.command.upper()
            lost = "deletes" if command == "DELETE" else "changes"
            yield Fault(
                f"{command} {lost} the rows of {write.relation}{size(situation.catalog, write.relation)} that its "
                f"condition finds, however many, in one transaction: whoever writes to one of them waits until it "
                f"commits.",
                f"If they are many, {_verb(command)} a few thousand rows of {bare(write.relation)} at a time by key "
                f"range, each inside {AUTOCOMMIT}.",
                sized_by=(write.relation,),
                # Whoever names a value has thought of certain rows: `WHERE status = 'draft'`.
                severity="info" if write.picked else None,
            )


def _is_open(write: Write, statement: Statement) -> bool:
    if write.whole or write.few or write.batch:
        return False
    command = write.command.upper()
    if command == "MERGE":
        removes = any((gone.kind, gone.name) == ("rows", write.relation) for gone in statement.effects.destroys)
        return bool(write.columns) or removes
    return command in ("UPDATE", "DELETE")


def _verb(command: str) -> str:
    return "delete" if command == "DELETE" else "change"
