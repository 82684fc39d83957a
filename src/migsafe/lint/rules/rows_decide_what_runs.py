"""A revision that reads rows in order to decide what it sends: lint sees only what an empty table makes it send."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, Seen, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed
from migsafe.model.locks import LockMode
from migsafe.model.plan import Step
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="A revision reads rows of a live table in Python, and what it sends then depends on them.",
    effect="It was read on a database without rows: what it does for each row is neither shown nor checked.",
    safe="Write it as one statement, or as batches by key range, so that it can be read before it runs.",
    bad=(
        "for row in op.get_bind().execute(sa.select(orders.c.id)):\n"
        "    op.get_bind().execute(orders.update().where(orders.c.id == row.id).values(total=total_of(row.id)))"
    ),
    good='op.execute("UPDATE orders SET total = price * pieces WHERE id >= 1 AND id < 5001")',
    language="python",
    pack="alembic",
)


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    reads = ((statement, _read(statement, situation)) for statement, situation in seen)
    first = next(((statement, tables) for statement, tables in reads if tables), None)
    if first is not None:
        yield Fault(
            f"The revision reads {listed(first[1])}, and what it sends after that depends on the rows: it was read on "
            f"a database without any, so what it does for each row is not shown and not checked.",
            "Read the code after it yourself; better, write it as SQL in op.execute(), in batches by key range.",
            at=first[0],
        )


def _read(statement: Statement, situation: Situation) -> tuple[str, ...]:
    """The live tables that a SELECT reads whose rows come back to Python."""
    effects = statement.effects
    # op.execute() returns nothing that could decide, and a file of SQL has no revision.
    if effects.command != "SELECT" or statement.operation is not None or not statement.revision or effects.writes:
        return ()
    read = [lock.relation for lock in effects.locks if lock.mode is LockMode.ACCESS_SHARE and "index" not in lock.kind]
    return tuple(relation for relation in dict.fromkeys(read) if situation.live(relation))
