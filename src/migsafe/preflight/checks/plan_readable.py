"""Is there anything in the plan that no check could look at?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.preflight.answer import answer, check

CHECK = check(
    __name__,
    group="revisions",
    why="What a statement locks, needs and destroys is asked of the server only where it is known; a DO block or a "
    "revision that cannot be rendered hides it.",
    remedy="Read these places yourself, or rehearse the upgrade on a copy of the database.",
)


def run(*, plan: Plan, **_: object) -> Iterator[CheckResult]:
    for step in plan.steps:
        if step.read == "unreadable":
            why = step.unreadable or "it could not be rendered"
            yield answer(CHECK, "unknown", f"Revision {step.revision} is not known in full: {why}.", subject=step.path)
    for statement in plan.statements:
        if statement.effects.unknown:
            message = f"No check can tell what this statement does: {statement.effects.unknown}."
            yield answer(CHECK, "unknown", message, subject=statement.place)
