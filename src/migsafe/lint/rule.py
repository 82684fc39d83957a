"""What a file in rules/ is made of: a RULE, and a check of statements or of whole revisions."""

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from migsafe.lint.situation import Situation
from migsafe.model.findings import Pack, Rule, Severity
from migsafe.model.plan import Step
from migsafe.model.rewrite import Rewrite
from migsafe.model.statement import Statement


class Fault(msgspec.Struct, frozen=True):
    """What a check found in one statement or revision: what happens, and one imperative that avoids it.

    `unsure` has the sentences of Effects on which it hangs whether that happens at all: a warning at most then.
    `sized_by` are the relations whose rows have to be read or written meanwhile: where all of them are known to be
    small, it is over before anybody notices. Empty where size changes nothing (data lost, code that breaks). `loses`
    are those whose rows are gone afterwards, or stand in the way: where all are known to be empty, there is none.
    `severity` is less than that of the rule where this fault is less. `at` is the statement that a check of a whole
    revision speaks of; None: the revision itself, or its function named `function`.
    """

    message: str
    fix: str
    unsure: tuple[str, ...] = ()
    sized_by: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    rewrite: Rewrite | None = None
    at: Statement | None = None
    severity: Severity | None = None
    function: str | None = None


Seen = tuple[tuple[Statement, Situation], ...]
"""The statements of a revision without Alembic's bookkeeping, each with the situation that it meets."""

StatementCheck = Callable[[Statement, Situation], Iterator[Fault]]
StepCheck = Callable[[Step, Seen], Iterator[Fault]]


class LintRule(msgspec.Struct, frozen=True):
    """A rule with its one check: `check` reads a statement, `check_step` a whole revision."""

    rule: Rule
    check: StatementCheck | None = None
    check_step: StepCheck | None = None


def rule(
    module: str,
    *,
    severity: Severity,
    summary: str,
    effect: str,
    safe: str,
    bad: str,
    good: str,
    setup: str = "",
    refused: str | None = None,
    language: Literal["sql", "python"] = "sql",
    pack: Pack = "postgresql",
) -> Rule:
    """A Rule named after its module (`__name__`): the ignore comment, the setting and the anchor cannot drift apart."""
    name = module.rpartition(".")[2].replace("_", "-")
    return Rule(
        name=name,
        severity=severity,
        summary=summary,
        effect=effect,
        safe=safe,
        bad=bad,
        good=good,
        setup=setup,
        refused=refused,
        language=language,
        pack=pack,
    )
