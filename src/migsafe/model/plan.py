"""What an upgrade is going to do, revision by revision."""

from typing import Literal

import msgspec

from migsafe.model.statement import Statement


class Step(msgspec.Struct, frozen=True):
    """One revision of a plan, in the order in which it will run.

    `read` tells how its statements became known: rendered offline, replayed on a scratch server, or not at all;
    then `unreadable` says why, and what stands in `statements` is what came before that point. `retryable`: the
    whole revision is one transaction, so that a failure leaves nothing behind. `notes` are things a reader should
    know, such as a loop over rows that an empty scratch server cannot show. `downgrade` is what the way back of an
    upgrade is: there, empty (it sends nothing), raising, or missing; None when nobody looked. `downgrade_error` is what
    it raises. `imports` are modules of the application that the file imports.
    """

    revision: str
    down_revisions: tuple[str, ...]
    path: str
    doc: str = ""
    statements: tuple[Statement, ...] = ()
    read: Literal["offline", "replayed", "unreadable"] = "offline"
    unreadable: str | None = None
    retryable: bool = True
    notes: tuple[str, ...] = ()
    downgrade: Literal["there", "empty", "raises", "missing"] | None = None
    downgrade_error: str | None = None
    imports: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """The revisions between the heads of a database and a target.

    `current` and `target` are heads; `direction` is upgrade or downgrade. `fingerprint` is a hash over revisions and
    statements: the same plan has the same one on every machine. `server_version` is the major version, None when no
    server was asked. `version_table` is `schema.name` or a bare name. `one_transaction`: the env.py has Alembic run all
    revisions in one transaction (transaction_per_migration is off); migsafe gives each its own all the same.
    """

    current: tuple[str, ...]
    target: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    direction: Literal["upgrade", "downgrade"] = "upgrade"
    server_version: int | None = None
    database: str | None = None
    version_table: str = "alembic_version"
    fingerprint: str = ""
    one_transaction: bool = False

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(statement for step in self.steps for statement in step.statements)
