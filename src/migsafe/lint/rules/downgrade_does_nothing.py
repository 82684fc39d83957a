"""A downgrade() that leaves the schema as it is and moves the version back."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, Seen, rule
from migsafe.model.after import after
from migsafe.model.plan import Step

RULE = rule(
    __name__,
    severity="warning",
    summary="downgrade() is empty, although upgrade() changes the schema.",
    effect="`alembic downgrade` succeeds and undoes nothing; the next upgrade fails on what is still there.",
    safe="Undo in downgrade() what upgrade() does, or raise, so that nobody takes it for done.",
    bad='def upgrade():\n    op.create_table("notes", sa.Column("id", sa.BigInteger))\n\n\ndef downgrade():\n    pass',
    good=(
        'def upgrade():\n    op.create_table("notes", sa.Column("id", sa.BigInteger))\n\n\n'
        'def downgrade():\n    op.drop_table("notes")'
    ),
    language="python",
    pack="alembic",
)


# An added enum value, an extension or a schema is left on purpose.
_UNDONE = ("columns", "constraints", "indexes", "functions", "triggers", "rules", "policies", "publications")


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    if step.downgrade == "empty" and seen and _changes(seen):
        yield Fault(
            f"downgrade() of {step.revision} does nothing: `alembic downgrade` moves the version back, and the schema "
            f"stays as upgrade() left it. (`migsafe downgrade` writes its own way back.)",
            "Undo in downgrade() what upgrade() does; where that is not possible, raise an exception that says so.",
            function="downgrade",
        )


def _changes(seen: Seen) -> bool:
    """Whether the schema is another one at the end: a helper table that comes and goes changes nothing."""
    effects = [statement.effects for statement, _ in seen]
    if not any(each.creates or each.alters or each.drops or each.renames for each in effects):
        return False  # a constraint that was validated needs no undoing
    last, situation = seen[-1]
    before, end = seen[0][1].catalog, after(situation.catalog, last.effects)
    different = any(getattr(before, part) != getattr(end, part) for part in _UNDONE)
    return different or set(before.relations) != set(end.relations)
