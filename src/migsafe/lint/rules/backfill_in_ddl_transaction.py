"""Rows filled in while an earlier statement of the transaction still keeps everybody else out of a table."""

from collections.abc import Iterator

from migsafe.lint.facts import blocked
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed, size, waits
from migsafe.model.effects import Write
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="Rows of a live table are changed in the transaction that has already locked a live table to alter it.",
    effect="The lock of the ALTER is held until the last row is written: whoever needs the table waits that long.",
    safe="Alter in one revision, fill in batches inside `with op.get_context().autocommit_block():` of the next.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, status text);",
    bad=(
        "BEGIN;\nALTER TABLE orders ADD COLUMN open boolean;\n"
        "UPDATE orders SET open = true WHERE status <> 'done';\nCOMMIT;"
    ),
    good=(
        "BEGIN;\nALTER TABLE orders ADD COLUMN open boolean;\nCOMMIT;\n"
        "BEGIN;\nUPDATE orders SET open = true WHERE status <> 'done' AND id >= 1 AND id < 5001;\nCOMMIT;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    # In this order: a long transaction holds a thousand locks, and few statements write rows.
    held = blocked(situation.held, situation) if statement.effects.writes else {}
    for write in statement.effects.writes if held else ():
        touched = _touched(write, statement, situation)
        if touched and not write.few and not _has_own_rule(write, situation):
            altered = listed(f"{mode.text} on {relation}" for relation, mode in held.items())
            what = f"{write.command.upper()} of {write.relation}{size(situation.catalog, write.relation)}"
            yield Fault(
                f"{what} runs while an earlier statement of the same transaction still holds {altered}: "
                f"{waits(held)} until the last row is written.",
                "Move it into a revision of its own, in batches by key range, each in its own transaction.",
                sized_by=touched,
            )


def _touched(write: Write, statement: Statement, situation: Situation) -> tuple[str, ...]:
    """The live tables that are written or read for it."""
    locks = [lock.relation for lock in statement.effects.locks if "index" not in lock.kind and lock.kind != "sequence"]
    referenced = {
        key.references for key in situation.catalog.constraints.get(write.relation, {}).values() if key.references
    }
    return tuple(name for name in locks if situation.live(name) and (name == write.relation or name not in referenced))


def _has_own_rule(write: Write, situation: Situation) -> bool:
    """update-whole-table and truncate-or-delete-whole-table say it of every row of a live table."""
    return write.whole and situation.live(write.relation)
