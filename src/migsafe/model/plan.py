"""What an upgrade is going to do, revision by revision."""

from typing import Literal

import msgspec

from migsafe.model.statement import Statement


class Step(msgspec.Struct, frozen=True):
    """One revision of a plan, in the order in which it will run.

    `read` tells how its statements became known: rendered offline, replayed on a scratch server, or not at all;
    then `unreadable` says why, and what stands in `statements` is what came before that point. `retryable`: the
    whole revision is one transaction, so that a failure leaves nothing behind. `notes` are things a reader should
    know, such as a loop over rows that an empty scratch server cannot show.
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


class Plan(msgspec.Struct, frozen=True):
    """The revisions between the heads of a database and a target.

    `current` and `target` are heads; `direction` is upgrade or downgrade. `fingerprint` is a hash over revisions and
    statements: the same plan has the same one on every machine. `server_version` is the major version, None when no
    server was asked. `version_table` is `schema.name` or a bare name.
    """

    current: tuple[str, ...]
    target: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    direction: Literal["upgrade", "downgrade"] = "upgrade"
    server_version: int | None = None
    database: str | None = None
    version_table: str = "alembic_version"
    fingerprint: str = ""

    @property
    def statements(self) -> tuple[Statement, ...]:
        return tuple(statement for step in self.steps for statement in step.statements)
