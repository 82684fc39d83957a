"""Which locks the transaction that begins is certain to need, as the plan has it."""

from collections.abc import Iterator, Sequence

from migsafe.model.effects import Effects
from migsafe.model.locks import Lock
from migsafe.model.statement import Statement


class Ahead:
    """Follows the planned statements of a revision as they are sent: a loop sends several from one line."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.statements = statements
        self._next = 0

    def match(self, sql: str, line: int | None) -> tuple[Statement, ...]:
        """The planned statements that `sql`, sent from `line`, consists of; () when the plan does not know it."""
        here = [n for n in range(self._next, len(self.statements)) if self.statements[n].line == line]
        same = [n for n in here if self.statements[n].sql in sql]
        first = same[0] if same else here[0] if len(here) == 1 else None
        if first is None:
            return ()
        last = first
        while last + 1 in same and self.statements[first].sql.strip() != sql.strip():
            last += 1
        self._next = last + 1
        return tuple(self.statements[first : last + 1])

    def peek(self, sql: str, line: int | None) -> tuple[Statement, ...]:
        """What `match` would give; nothing is passed by it."""
        before = self._next
        try:
            return self.match(sql, line)
        finally:
            self._next = before

    def together(self, found: tuple[Statement, ...]) -> tuple[Statement, ...]:
        """`found` and what follows in its transaction, to the first statement that takes its time, or is unknown.

        Beyond that nothing is taken early: it would be held for as long as that one takes.
        """
        ordinal = found[-1].transaction
        # A statement in autocommit is alone.
        rest = [each for each in self.statements[self._next :] if ordinal is not None and each.transaction == ordinal]
        return tuple(_quick((*found, *rest)))


def _quick(statements: Sequence[Statement]) -> Iterator[Statement]:
    for each in statements:
        if each.effects.unknown is not None:
            return
        yield each
        if takes_time(each.effects):
            return


def takes_time(effects: Effects) -> bool:
    """Whether a statement is predicted to work through rows."""
    whole = any(not write.few for write in effects.writes)
    return bool(effects.rewrites or effects.scans or effects.builds or effects.waits_for or whole)


def may_disturb(effects: Effects) -> bool:
    """Whether writers or readers of a table may queue behind a CONCURRENTLY statement.

    DETACH ends with ACCESS EXCLUSIVE on the partition, REINDEX of a partitioned table begins with SHARE on each.
    """
    return any(lock.kind.endswith("table") and lock.mode.blocks_writes for lock in effects.locks)


def disturbing(statements: Sequence[Statement]) -> tuple[Lock, ...]:
    """The strongest lock that `statements` are certain to take on each relation, by name: that order is fixed.

    Only those behind which writers or readers queue; nobody notices who waits for another.
    """
    strongest: dict[str, Lock] = {}
    for lock in (lock for each in statements if not each.effects.conditions for lock in each.effects.locks):
        known = strongest.get(lock.relation)
        if lock.mode.blocks_writes and (known is None or known.mode.strength < lock.mode.strength):
            strongest[lock.relation] = lock
    return tuple(strongest[name] for name in sorted(strongest))
