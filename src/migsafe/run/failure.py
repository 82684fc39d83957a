"""Why an attempt ended."""

import msgspec

from migsafe.model.run import Blocker


class Failure(msgspec.Struct, frozen=True):
    """`message` is one or more plain sentences; `statement` and `place` of what failed, as far as known.

    `again`: another attempt may succeed. `late`: there is no time for one. `outwaited`: those that
    it waited for did not end. `lost`: a connection is gone, and what the
    database has kept is not known before it is asked.
    """

    message: str
    remedy: str | None = None
    sqlstate: str | None = None
    statement: str | None = None
    place: str | None = None
    blockers: tuple[Blocker, ...] = ()
    interrupted: bool = False
    again: bool = False
    late: bool = False
    outwaited: bool = False
    lost: bool = False


class NotAlone(Exception):
    """The session with the runner lock has ended: another run may have begun."""
