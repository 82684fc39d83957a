"""BEGIN, COMMIT or ROLLBACK as SQL, behind Alembic's back."""

from collections.abc import Iterator

from migsafe.lint.operations import AUTOCOMMIT
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A revision sends BEGIN, COMMIT or ROLLBACK as SQL.",
    effect="Alembic believes that its transaction is still open: a failure later leaves the revision half done.",
    safe="Use `with op.get_context().autocommit_block():` for what must not be in a transaction.",
    bad='op.execute("COMMIT")\nop.execute("CREATE INDEX CONCURRENTLY ix_orders_note ON orders (note)")',
    good=(
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("ix_orders_note", "orders", ["note"], postgresql_concurrently=True)'
    ),
    language="python",
    pack="alembic",
)

_COMMANDS = ("BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "PREPARE TRANSACTION")


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    command = statement.effects.command
    if command in _COMMANDS and situation.step.revision:
        yield Fault(
            f"{command} ends or nests the transaction that Alembic holds for the revision, without its knowing: what "
            f"came before is kept although the version row is not, if something fails from here on.",
            f"Take {command} out, and put what must not be in a transaction into {AUTOCOMMIT}.",
        )
