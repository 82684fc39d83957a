"""Revisions that are safe one by one, and not in the one transaction that plain Alembic puts them into."""

from collections.abc import Iterator

from migsafe.lint.facts import blocked
from migsafe.lint.rule import Fault, Seen, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed, waits
from migsafe.model.plan import Step
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="env.py runs all pending revisions in one transaction, and one needs that an earlier one has committed.",
    effect="Plain `alembic upgrade` keeps the earlier locks to the end, or fails on an enum value; migsafe does not.",
    safe="Write `context.configure(…, transaction_per_migration=True)` in env.py.",
    bad=(
        "# revision 1\n"
        'op.create_check_constraint("positive", "orders", "amount > 0", postgresql_not_valid=True)\n'
        "# revision 2, of the same run\n"
        'op.execute("ALTER TABLE orders VALIDATE CONSTRAINT positive")'
    ),
    good=(
        "# env.py\ncontext.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)"
    ),
    language="python",
    pack="alembic",
)


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    for statement, situation in seen:
        if statement.transaction is None:
            return
        what = _fails(statement, situation) or _holds(statement, situation)
        if what:
            yield Fault(
                f"Plain `alembic upgrade` runs this revision in one transaction with those before it (env.py leaves "
                f"transaction_per_migration off; `migsafe upgrade` does not): {what}.",
                "Write `context.configure(…, transaction_per_migration=True)` in env.py.",
                sized_by=_read(statement, situation),
                at=statement,
            )
            return


def _fails(statement: Statement, situation: Situation) -> str:
    for used in statement.effects.actions:
        if used.kind == "enum label" and (used.of, used.name) in situation.earlier_added:
            return f"the value '{used.name}' of {used.of} is used before its commit, which fails with SQLSTATE 55P04"
    return ""


def _read(statement: Statement, situation: Situation) -> tuple[str, ...]:
    effects = statement.effects
    read = dict.fromkeys((*effects.rewrites, *effects.scans, *(build.table for build in effects.builds)))
    return tuple(relation for relation in read if situation.live(relation))


def _holds(statement: Statement, situation: Situation) -> str:
    held = blocked(situation.earlier, situation)
    written = [write.relation for write in statement.effects.writes if not write.few]
    work = _read(statement, situation) or tuple(name for name in written if situation.live(name))
    if not held or not work or statement.effects.concurrently:
        return ""
    return f"{waits(held)} while {statement.effects.command} works through {listed(work)}"
