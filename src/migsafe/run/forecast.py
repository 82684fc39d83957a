"""Whom a CONCURRENTLY statement will have to wait for, before it begins."""

from typing import Any

import psycopg

from migsafe.model.effects import Effects
from migsafe.model.locks import Lock, LockMode
from migsafe.model.run import Blocker
from migsafe.postgres.building import snapshot_holders
from migsafe.postgres.locks import holders

# Whose transactions are waited for holds what conflicts with these (WaitForLockers in indexcmds.c and index.c).
_CONFLICTING = {"writers of ": LockMode.SHARE, "readers of ": LockMode.ACCESS_EXCLUSIVE}


def forecast(own: psycopg.Connection[Any], effects: Effects, pid: int | None, older_than: float) -> tuple[Blocker, ...]:
    """Those that session `pid` will wait for if they are there still by then; each once, the oldest first.

    Only what is older than so many seconds, or of an age that this role does not see: the young ones come and go.
    """
    found = holders(own, tuple(_locks(effects)))
    if "older snapshots" in effects.waits_for:
        found += snapshot_holders(own, pid)
    old = {(each.pid, each.gid): each for each in reversed(found) if each.age is None or each.age > older_than}
    old.pop((pid or 0, None), None)
    return tuple(sorted(old.values(), key=lambda each: -(each.age or 0.0)))


def sentence(name: str, found: tuple[Blocker, ...]) -> str:
    """What to tell of a forecast that is not empty."""
    count = f"{len(found)} older transaction{'s' * (len(found) > 1)}"
    masked = any(each.age is None for each in found)
    grant = "; ages are not visible to this role: GRANT pg_read_all_stats" if masked else ""
    return f"{name} will wait for {count} to end: {', '.join(_who(each) for each in found)}{grant}"


def _who(blocker: Blocker) -> str:
    who = f"pid {blocker.pid}" if blocker.pid else f"prepared transaction {blocker.gid!r}"
    about = [each for each in (blocker.application, blocker.state) if each]
    about += [f"for {blocker.age:.0f} s"] if blocker.age is not None else []
    return f"{who} ({', '.join(about)})" if about else who


def _locks(effects: Effects) -> list[Lock]:
    return [
        Lock(whose.removeprefix(prefix), "table", mode)
        for whose in effects.waits_for
        for prefix, mode in _CONFLICTING.items()
        if whose.startswith(prefix)
    ]
