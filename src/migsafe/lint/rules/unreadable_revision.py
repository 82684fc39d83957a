"""A revision whose statements could not be found out."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, Seen, rule
from migsafe.model.plan import Step

RULE = rule(
    __name__,
    severity="warning",
    summary="A revision asks the database while it runs, so its statements could not be read beforehand.",
    effect="No rule has seen the statements from that point on: silence about them proves nothing.",
    safe="Install `alembic-migsafe[embedded]` or give --scratch-url, so that it is replayed on a scratch server.",
    bad='for (id,) in op.get_bind().execute(sa.text("SELECT id FROM orders")).fetchall():\n'
    '    op.execute(f"UPDATE orders SET status = 1 WHERE id = {id}")',
    good='op.execute("UPDATE orders SET status = 1 WHERE id >= 1 AND id < 5001")',
    language="python",
)


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    if step.read == "unreadable":
        after = f"after {len(step.statements)} statements " if step.statements else ""
        yield Fault(
            f"Revision {step.revision} could not be read {after}({step.unreadable or 'no reason was given'}): what it "
            f"does from there on was not checked.",
            RULE.safe,
        )
