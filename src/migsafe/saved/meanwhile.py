"""What is written between saving and destroying: caught up under the lock where that is quick, else counted."""

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg

from migsafe.model.saved import Manifest, PartSaved
from migsafe.model.statement import Statement
from migsafe.postgres import saved_facts
from migsafe.saved import reading
from migsafe.sql.quote import identifier, literal, qualified

Execute = Callable[[str], None]
# Of max_wait: what is left is for the statements themselves.
_SHARE = 0.4
_TRIES = 2


class CatchUp:
    """Stands before the statements of a run. `own` is a connection in autocommit that holds nothing.

    Right after the transaction that destroys has its locks, the rows that are newer than what is saved go into a table
    of the same transaction: they are durable exactly when the rest is gone. Looking for them reads the whole table, so
    this is done only where that was measured to take less than a share of `max_wait`; it is not tried a third time.
    """

    def __init__(self, own: psycopg.Connection[Any], manifest: Manifest, schema: str | None, max_wait: float) -> None:
        self.own, self.manifest, self.schema, self.max_wait = own, manifest, schema, max_wait
        self.written: dict[int, int] = {}
        self._tried: Counter[tuple[str, int | None]] = Counter()
        self._first: dict[tuple[str, int | None], int] = {}

    def expect(self, statements: tuple[Statement, ...]) -> None:
        """Learn the plan: the first statement of each transaction is where its parts are caught up."""
        for each in statements:
            self._first.setdefault((each.revision or "", each.transaction), each.index)

    def __call__(self, planned: tuple[Statement, ...], execute: Execute) -> None:
        """These planned statements come next. Raises what the connection raises when it is cancelled or lost."""
        for statement in planned:
            where = (statement.revision or "", statement.transaction)
            begins = statement.transaction is None or self._first.get(where) == statement.index
            parts = [
                (number, saved)
                for number, saved in enumerate(self.manifest.parts)
                if (saved.part.revision, saved.part.transaction) == where
                and (statement.transaction is not None or saved.part.statement == statement.index)
            ]
            if begins and parts:
                self._tried[where] += 1
                self._transaction(parts, execute, self._tried[where] > _TRIES)

    def _transaction(self, parts: list[tuple[int, PartSaved]], execute: Execute, tired: bool) -> None:
        budget = self.max_wait * _SHARE
        for number, saved in parts:
            budget -= saved.looking
            if self.schema is None or not saved.part.key or budget < 0 or tired:
                self._count(number, saved)
            else:
                execute(self.sql(number, saved))

    def _count(self, number: int, saved: PartSaved) -> None:
        now = saved_facts.writes(self.own, qualified(saved.part.relation))
        if now is not None and saved.writes is not None:
            self.written[number] = max(0, now - saved.writes)

    def table(self, number: int) -> str:
        """Where the newer rows of a part are: beside the version table, under a name that no other run has."""
        digest = hashlib.sha256(self.manifest.run.encode()).hexdigest()[:12]
        return f"{identifier(self.schema or 'public')}.migsafe_undo_{digest}_{number}"

    def sql(self, number: int, saved: PartSaved) -> str:
        """SQL for the migrating transaction. It fails by itself alone: a subtransaction is all that is lost then."""
        rows = reading.texts(saved.part, reading.newer(saved.part, saved.horizon))
        made = f"CREATE TABLE IF NOT EXISTS {self.table(number)} AS {rows}"
        return f"DO {literal(f'BEGIN EXECUTE {literal(made)}; EXCEPTION WHEN OTHERS THEN NULL; END')}"


def left_behind(own: psycopg.Connection[Any], table: str) -> bool:
    """Whether newer rows were kept in `table`: then they are all there."""
    row = own.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return bool(row and row[0])
