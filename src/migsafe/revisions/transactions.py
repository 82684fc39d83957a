"""The transaction that an env.py has begun before Alembic looks, ended where it may be."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.engine import RootTransaction, TwoPhaseTransaction

from migsafe.errors import UsageError


class _Ended(RootTransaction):
    """A transaction that we committed, and that env.py still holds: it stands for what its connection is in by then.

    Alembic's multidb template begins one on every engine, and commits them all after the last run_migrations().
    """

    __slots__ = ()

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        self.connection.rollback()


class _EndedTwoPhase(TwoPhaseTransaction):
    """The same, where env.py wants to prepare it first: what the revisions did is committed already."""

    __slots__ = ()

    def prepare(self) -> None:
        return None

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        self.connection.rollback()


def leave_external_transaction(connection: Any, given: Iterable[Any]) -> None:
    """Commit what env.py began on its connection before `context.configure()`.

    SQLAlchemy 2 begins a transaction at the first statement (`SET search_path`, an advisory lock). Alembic then takes
    it for the caller's: one transaction for all revisions, autocommit_block() broken, and with no final commit a run
    that logs success and persists nothing (knowledge: alembic §5, measured). A connection that the program itself
    handed over inside its own transaction is not ours to commit: that raises UsageError.
    """
    if not connection.in_transaction():
        return
    if any(connection is each for each in given):
        raise UsageError(
            "the connection in config.attributes is inside a transaction, so revisions cannot have their own",
            "Pass a connection that is not in a transaction, or none.",
        )
    transaction = connection.get_transaction()
    connection.commit()
    if isinstance(transaction, RootTransaction):
        two_phase = isinstance(transaction, TwoPhaseTransaction)
        transaction.__class__ = _EndedTwoPhase if two_phase else _Ended
    # `with engine.begin() as connection:` would refuse every further statement until its block ends.
    if getattr(connection, "_trans_context_manager", None) is not None:
        connection._trans_context_manager = None
