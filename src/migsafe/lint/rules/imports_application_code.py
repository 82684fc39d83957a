"""A revision that depends on what the application looks like today."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, Seen, rule
from migsafe.lint.wording import listed
from migsafe.model.plan import Step

RULE = rule(
    __name__,
    severity="info",
    summary="A revision imports modules of the application.",
    effect="When they change, the revision does something else or cannot be loaded, in every new environment.",
    safe="Write the tables that the revision needs into it, with sa.table() and sa.column().",
    bad="from shop.models import Order\n\nop.execute(sa.update(Order).values(status=1).where(Order.id < 5001))",
    good=(
        'orders = sa.table("orders", sa.column("id"), sa.column("status"))\n'
        "op.execute(sa.update(orders).values(status=1).where(orders.c.id < 5001))"
    ),
    language="python",
    pack="alembic",
)


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    if step.imports:
        yield Fault(
            f"Revision {step.revision} imports {listed(step.imports)} of the application: when that changes, so does "
            f"what the revision does.",
            "Write what it needs into the revision itself: tables with sa.table(), values as literals.",
        )
