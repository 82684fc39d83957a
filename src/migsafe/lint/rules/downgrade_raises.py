"""A revision without a way back of its own."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, Seen, rule
from migsafe.model.plan import Step

RULE = rule(
    __name__,
    severity="info",
    summary="A revision has no downgrade(), or one that raises.",
    effect="`alembic downgrade` stops there; the way back is what migsafe captures, or a backup.",
    safe="Undo in downgrade() what upgrade() does, where that is possible.",
    bad="def downgrade():\n    raise NotImplementedError",
    good='def downgrade():\n    op.drop_column("orders", "note")',
    language="python",
    pack="alembic",
)


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    if step.downgrade not in ("raises", "missing"):
        return
    why = f" ({step.downgrade_error})" if step.downgrade_error else ""
    what = "has no downgrade()" if step.downgrade == "missing" else f"has a downgrade() that raises{why}"
    yield Fault(
        f"Revision {step.revision} {what}: `alembic downgrade` stops here. (`migsafe downgrade` writes its own way "
        f"back.)",
        "Undo in downgrade() what upgrade() does, where that is possible.",
        function="downgrade",
    )
