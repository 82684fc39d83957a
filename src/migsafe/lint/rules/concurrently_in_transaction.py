"""A statement that the server refuses inside a transaction block, inside one."""

from collections.abc import Iterator

from migsafe.lint.operations import AUTOCOMMIT
from migsafe.lint.rewrites.indexes import in_autocommit
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="CONCURRENTLY, VACUUM or the like stands inside a transaction, where PostgreSQL refuses it.",
    effect="The statement fails with SQLSTATE 25001 and the revision with it.",
    safe="Move it into `with op.get_context().autocommit_block():`, in a revision of its own.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    refused="25001",
    bad="BEGIN;\nCREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);\nCOMMIT;",
    good="CREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    if effects.in_transaction or statement.transaction is None:
        return
    what = effects.command or "This statement"
    what += " CONCURRENTLY" if effects.concurrently and "CONCURRENTLY" not in what else ""
    yield Fault(
        f"{what} cannot run inside a transaction block: PostgreSQL refuses it with SQLSTATE 25001.",
        f"Move it into {AUTOCOMMIT}, in a revision of its own.",
        rewrite=in_autocommit(statement, situation),
    )
