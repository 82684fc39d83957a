"""What is written between saving and destroying: caught up under the lock where that is quick, else counted."""

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg

from migsafe.model.saved import Manifest, PartSaved
from migsafe.model.statement import Statement
from migsafe.postgres import saved_facts
from migsafe.saved import met
from migsafe.sql.quote import identifier, qualified

Execute = Callable[[str], None]
# Of max_wait: what is left is for the statements themselves.
_SHARE = 0.4
_TRIES = 2


class CatchUp:
    """Stands before the statements of a run. `own` is a connection in autocommit that holds nothing.

    Right after the transaction that destroys has its locks, the rows that are newer than what is saved go into a table
    of the same transaction, and where some that were saved are not met any more, the keys of all that are: both are
    durable exactly when the rest is gone. Looking reads the whole table, so this is done only where that was measured
    to take less than a share of `max_wait` (seconds); it is not tried a third time. `lock_timeout`, in seconds, is for
    rows that their statement comes next to change.
    """

    def __init__(
        self,
        own: psycopg.Connection[Any],
        manifest: Manifest,
        schema: str | None,
        max_wait: float,
        lock_timeout: float = 0.5,
    ) -> None:
        self.own, self.manifest, self.schema = own, manifest, schema
        self.max_wait, self.lock_timeout = max_wait, lock_timeout
        self.written: dict[int, int] = {}
        self.sure: set[int] = set()
        self._done: dict[int, int] = {}
        self._tried: Counter[int] = Counter()
        self._first: dict[tuple[str, int | None], int] = {}
        self._places: dict[int, tuple[str, int | None]] = {}
        self._beside = Counter(each.part.relation for each in manifest.parts)

    def expect(self, statements: tuple[Statement, ...]) -> None:
        """Learn the plan: before which statement each part is caught up."""
        for each in statements:
            where = (each.revision or "", each.transaction)
            self._places[each.index] = where
            self._first.setdefault(where, each.index)

    def __call__(self, planned: tuple[Statement, ...], execute: Execute) -> None:
        """These planned statements come next. Raises what the connection raises when it is cancelled or lost."""
        for statement in planned:
            parts = [each for each in enumerate(self.manifest.parts) if self._is_due(*each, statement.index)]
            if parts:
                self._done |= dict.fromkeys((number for number, _ in parts), statement.index)
                self._tried[statement.index] += 1
                self._catch_up(statement, parts, execute, self._tried[statement.index] > _TRIES)

    def _is_due(self, number: int, saved: PartSaved, index: int) -> bool:
        """Whether a part is caught up before statement `index`: at its moment, again in another attempt at that.

        Of a run that carries on, the statement of that moment may have been done by an earlier one.
        """
        moment = self._moment(saved)
        late = number not in self._done and moment < index <= saved.part.statement
        return late or self._done.get(number, moment) == index

    def _moment(self, saved: PartSaved) -> int:
        """The statement before which a part is caught up.

        Where no other statement has to do with the relation, its own: nearer to it less can happen in between. Else
        the first of the first transaction that touches the relation, after which the run's own work is there.
        """
        part = saved.part
        alone = part.first == part.statement and self._beside[part.relation] == 1
        if part.kind in ("rows", "values") and part.because is None and alone:
            return part.statement
        where = self._places.get(part.first, (part.revision, part.transaction))
        return part.first if where[1] is None else self._first.get(where, part.first)

    def _catch_up(
        self, statement: Statement, parts: list[tuple[int, PartSaved]], execute: Execute, tired: bool
    ) -> None:
        budget = self.max_wait * _SHARE
        for number, saved in parts:
            budget -= saved.looking
            if self.schema is None or not saved.part.key or budget < 0 or tired:
                self._count(number, saved)
                continue
            asks = saved.part.kind != "column" and saved.rows <= met.MOST and budget >= saved.looking
            budget -= saved.looking if asks else 0
            held = asks and _held(saved, statement)
            keys = self.table(number, "keys") if asks else None
            execute(met.noting(saved, self.table(number), keys, held=held, lock_timeout=self.lock_timeout))
            # ACCESS EXCLUSIVE is there from the beginning of the transaction.
            alone = saved.part.kind == "table" or bool(statement.effects.truncates)
            self.sure |= {number} if asks and (held or alone) else set()

    def _count(self, number: int, saved: PartSaved) -> None:
        now = saved_facts.writes(self.own, qualified(saved.part.relation))
        if now is not None and saved.writes is not None:
            self.written[number] = max(0, now - saved.writes)

    def table(self, number: int, what: str = "") -> str:
        """Where the newer rows of a part are (with `what` keys: those that were met): beside the version table.

        No other run has a table of that name.
        """
        digest = hashlib.sha256(self.manifest.run.encode()).hexdigest()[:12]
        return f"{identifier(self.schema or 'public')}.migsafe_undo_{digest}_{number}{what and f'_{what}'}"


def _held(saved: PartSaved, statement: Statement) -> bool:
    """Whether the rows may be locked now: `statement` comes next, and locks just these itself."""
    part = saved.part
    own = part.statement == statement.index and statement.transaction is not None
    return own and part.because is None and part.kind in ("rows", "values") and not statement.effects.truncates


def left_behind(own: psycopg.Connection[Any], table: str) -> bool:
    """Whether newer rows were kept in `table`: then they are all there."""
    row = own.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return bool(row and row[0])
