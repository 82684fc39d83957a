"""How a restore sends what it does: in short transactions that give way to whoever waits for them."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import psycopg

T = TypeVar("T")


class Guarded(Protocol):
    """`connection` is in autocommit; `told` hears what is going on, and how far it is (0 to 1, None: nobody knows)."""

    connection: psycopg.Connection[Any]

    def transaction(self, work: Callable[[int], T]) -> T:
        """What `work` gives, done in one transaction.

        It is done again when it lost a lock, with the number of tries before: 0, 1… Raises psycopg.Error for anything
        else, LockNotAvailable at the deadline.
        """

    def alone(self, sql: str) -> None:
        """Run a CONCURRENTLY statement, which holds nobody up and must not be cancelled."""

    def told(self, text: str, fraction: float | None) -> None:
        """A long step is under way."""


def together(guarded: Guarded, *statements: str) -> None:
    """Run statements in one transaction."""

    def work(_tries: int) -> None:
        for sql in statements:
            guarded.connection.execute(sql.encode())

    if statements:
        guarded.transaction(work)
