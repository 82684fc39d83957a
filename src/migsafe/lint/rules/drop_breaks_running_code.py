"""A view, function, sequence or type that running code may still name."""

from collections.abc import Iterator

from migsafe.lint.facts import created, named, together_with
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import everything
from migsafe.model.catalog import Function
from migsafe.model.effects import Effects, Object
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="A live view, materialized view, function or sequence is dropped.",
    effect="Code that still names it fails from that moment on.",
    safe="Release code that no longer names it first; where it is made anew, do both in one transaction.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);\nCREATE VIEW recent AS SELECT id FROM orders;",
    bad="DROP VIEW recent;",
    good="BEGIN;\nDROP VIEW recent;\nCREATE VIEW recent AS SELECT id, id AS number FROM orders;\nCOMMIT;",
)

_KINDS = ("view", "materialized view", "function", "procedure", "routine", "aggregate", "sequence")


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    kind = effects.command.removeprefix("DROP ").lower()
    if kind not in _KINDS or effects.command == kind or _loses_data(effects):
        return
    again = {name for other in together_with(statement, situation) for name in _made(other.effects)}
    named_ones = [each for each in effects.drops if each.kind in _KINDS]
    broken = [each for each in named_ones if _matters(each, situation, again)]
    along = [each for each in effects.drops if each.kind not in _KINDS and situation.live(each.of or each.name)]
    if broken or along:
        first, *others = [*(broken or named_ones[:1]), *along]
        with_it = f" takes {everything(others)} with it" if others else ""
        yield Fault(
            f"DROP {first.kind.upper()} {first.label}{with_it}: code that relies on it fails from that moment on.",
            "Release code that does without first; where it is made anew, do both in one transaction.",
        )


def _made(effects: Effects) -> set[str]:
    return named(effects) | {function.signature for function in created(effects, Function)}


def _matters(gone: Object, situation: Situation, again: set[str]) -> bool:
    """Not what the plan made, or makes again, and no trigger function: only its triggers call that."""
    function = situation.catalog.functions.get(gone.name)
    return (
        situation.live(gone.name)
        and gone.name not in again
        and not (function is not None and function.returns in ("trigger", "event_trigger"))
    )


def _loses_data(effects: Effects) -> bool:
    """Of that drop-cascades-to-data speaks."""
    return any(lost.kind != "materialized view" for lost in effects.destroys)
