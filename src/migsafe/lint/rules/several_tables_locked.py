"""One transaction that collects the locks of several live tables, one statement after the other."""

from collections.abc import Iterator

from migsafe.lint.durations import seconds
from migsafe.lint.facts import TABLES, blocked, dropped
from migsafe.lint.rule import Fault, Seen, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed, waits
from migsafe.model.locks import LockMode
from migsafe.model.plan import Step

RULE = rule(
    __name__,
    severity="warning",
    summary="One transaction locks several live tables, one after the other.",
    effect="The first stays locked while the next lock is waited for; two sessions may wait for each other for ever.",
    safe="Give each table a revision of its own: migsafe commits after each.",
    setup="CREATE TABLE users (id bigint PRIMARY KEY); CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad="BEGIN;\nALTER TABLE users ADD COLUMN note text;\nALTER TABLE orders ADD COLUMN note text;\nCOMMIT;",
    good=(
        "BEGIN;\nALTER TABLE users ADD COLUMN note text;\nCOMMIT;\n"
        "BEGIN;\nALTER TABLE orders ADD COLUMN note text;\nCOMMIT;"
    ),
    pack="alembic",
)

# A wait that a person who loads a page sits out.
_SHORT = 10.0


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    for ordinal in dict.fromkeys(statement.transaction for statement, _ in seen if statement.transaction is not None):
        part = [(statement, situation) for statement, situation in seen if statement.transaction == ordinal]
        gone = {table.name for statement, _ in part for table in dropped(statement.effects, *TABLES)}
        held: dict[str, LockMode] = {}
        second = None
        for statement, situation in part:
            more = blocked(statement.effects.locks, situation)
            # Who still needs a table that is dropped here has other worries than the wait.
            more = {name: mode for name, mode in more.items() if name not in gone}
            second = second or ((statement, situation) if held and not set(more) <= set(held) else None)
            held = {name: max(more.get(name, mode), mode, key=_strength) for name, mode in (more | held).items()}
        if second is not None:
            locked = listed(f"{name} ({mode.text})" for name, mode in held.items())
            yield Fault(
                f"One transaction locks {locked} one after the other and keeps them all until it commits: while it "
                f"waits for the last, {waits(held)} already.",
                f"Give {listed(held)} a revision each, so that each lock is held for its own statement alone.",
                at=second[0],
                severity=None if _stops_reads(held) and not _is_short(second[1]) else "info",
            )


def _stops_reads(held: dict[str, LockMode]) -> bool:
    """Whether readers of several tables wait. Writers alone do behind every CREATE TABLE with its foreign keys."""
    return sum(mode.blocks_reads for mode in held.values()) > 1


def _is_short(situation: Situation) -> bool:
    """Whether lock_timeout ends the wait for the next table soon."""
    return 0 < seconds(situation.setting("lock_timeout")) <= _SHORT


def _strength(mode: LockMode) -> int:
    return mode.strength
