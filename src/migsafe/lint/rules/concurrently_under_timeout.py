"""CONCURRENTLY while a timeout is set that it will not keep."""

from collections.abc import Iterator

from migsafe.lint.durations import seconds
from migsafe.lint.operations import execute
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed
from migsafe.model.effects import Effects
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="An index is built or rebuilt CONCURRENTLY while the revision has set lock_timeout or statement_timeout.",
    effect="It waits for every older transaction of the database; a timeout ends it and leaves an INVALID index.",
    safe="Set both to 0 before it: CONCURRENTLY makes nobody wait, however long it takes itself.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad="SET lock_timeout = '5s';\nCREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);",
    good=(
        "SET lock_timeout = '5s';\nALTER TABLE orders ADD COLUMN total bigint;\n"
        "SET lock_timeout = 0;\nCREATE INDEX CONCURRENTLY ix_orders_note ON orders (note);"
    ),
)

_TIMEOUTS = ("lock_timeout", "statement_timeout", "transaction_timeout")
# Who grants it an hour has thought about how long it takes.
_LONG = 3600.0


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    builds = statement.effects.concurrently and bool(statement.effects.builds)
    short = {name: value for name in _TIMEOUTS if (value := situation.setting(name)) and 0 < seconds(value) < _LONG}
    if not builds or not short or not situation.live(statement.effects.builds[0].table):
        return
    reset = " and ".join(f"`{execute(f'SET {name} = 0')}`" for name in short)
    yield Fault(
        f"{statement.effects.command} CONCURRENTLY on {statement.effects.builds[0].table} waits for "
        f"{_whom(statement.effects)}, under {listed(f'{name} = {value}' for name, value in short.items())}: when that "
        f"is over before they are, it ends and leaves an INVALID index.",
        f"Write {reset} before it.",
    )


def _whom(effects: Effects) -> str:
    return listed(effects.waits_for) or "every older transaction"
