"""What a statement outside a transaction that was cut off has left in the catalog: finished, or cleared away."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import psycopg

from migsafe.errors import LockNotAvailable, RunFailed
from migsafe.model.catalog import Index
from migsafe.model.effects import Effects
from migsafe.postgres.leftovers import (
    IndexFound,
    drop_index,
    finalize_sql,
    find_indexes,
    partition,
    worker_on,
)
from migsafe.run import seen as what
from migsafe.run.current import Told
from migsafe.run.seen import Seen
from migsafe.sql.quote import qualified

# Seconds. Dropping waits for whoever reads the table, and what is left is only untidy.
TO_DROP = 10.0


class Found(msgspec.Struct, frozen=True):
    """What to do with a statement that an earlier attempt had begun: nothing when `done`, else `instead` of it."""

    done: bool
    instead: str | None = None


def refuse_invalid(own: psycopg.Connection[Any], effects: Effects, where: str) -> None:
    """Before CREATE INDEX: an invalid index of that name is not fine, whatever IF NOT EXISTS makes of it.

    Raises RunFailed, its message beginning with `where`, or LockNotAvailable while somebody is building it.
    """
    for index in find_indexes(own, names=what.new_indexes(effects)):
        if not index.valid:
            _wait_for_worker(own, index)
            raise _not_ours(index, where)


def reconcile(own: psycopg.Connection[Any], effects: Effects, seen: Seen | None, told: Told, where: str) -> Found:
    """Whether a statement that was begun did its work; half of it is cleared away first.

    Raises LockNotAvailable while it still goes on in the server, or what it left cannot be dropped yet; RunFailed where
    the name is now that of an invalid index which the statement did not make; the message begins with `where`.
    """
    if seen is None:
        return Found(done=False)
    if what.is_detach(effects):
        return _detached(own, seen, told)
    if what.dropped_indexes(effects):
        return _dropped(own, effects, seen, told)
    if what.is_reindex(effects):
        return _reindexed(own, seen, told)
    # Where the revision names none, the server may have chosen another name than the one foreseen.
    found = find_indexes(own, names=what.new_indexes(effects), oids=seen.made)
    made = [_made(own, index, effects, seen, told, where) for index in found]
    return Found(done=any(made))


def clear(
    own: psycopg.Connection[Any], effects: Effects, seen: Seen | None, told: Told, made: Callable[[int], None]
) -> Iterator[str]:
    """Drop what a statement that has failed left behind, in bounded time; sentences on what is left all the same.

    `made` gets the oid of what is dropped, so that no other index is taken for it. The next run clears away the rest.
    """
    if seen is None:
        return
    if what.is_detach(effects):
        pending = partition(own, *seen.target) if seen.target else None
        if pending is not None and pending.pending:
            yield (
                f"{pending.child} is half detached from {pending.parent}; the next run finishes it, or by hand: "
                f"{finalize_sql(pending)};"
            )
        return
    for index in find_indexes(own, oids=seen.target):
        if not index.valid:
            yield _half_dropped(index)
    for index in (*_copies(own, seen),) if what.is_reindex(effects) else _invalid(own, effects, seen):
        worker = worker_on(own, index.oid)
        made(index.oid)
        if worker is None:
            told(f"dropping {index.name}: an interrupted build left it invalid", None)
        if worker is not None or not drop_index(own, index, TO_DROP):
            why = f"the session with pid {worker.pid} is still at work" if worker else "its table is being read"
            yield (
                f"{index.name} is left invalid, because {why}: {_cost(index)}; the next run drops it, or by hand: "
                f"DROP INDEX CONCURRENTLY {qualified(index.name)};"
            )


def _made(
    own: psycopg.Connection[Any], index: IndexFound, effects: Effects, seen: Seen, told: Told, where: str
) -> bool:
    """Whether the index that CREATE INDEX was to make is `index`; what is invalid of it is dropped."""
    if index.valid:
        return index.oid in seen.made or (index.oid not in seen.valid and _is_wanted(index, effects))
    _wait_for_worker(own, index)
    if not _is_ours(index, effects, seen):
        raise _not_ours(index, where)
    _drop(own, index, told)
    return False


def _invalid(own: psycopg.Connection[Any], effects: Effects, seen: Seen) -> tuple[IndexFound, ...]:
    """What a CREATE INDEX has left invalid."""
    found = find_indexes(own, names=what.new_indexes(effects), oids=seen.made)
    return tuple(each for each in found if not each.valid and _is_ours(each, effects, seen))


def _is_ours(index: IndexFound, effects: Effects, seen: Seen) -> bool:
    return seen.is_new(index.oid) and (index.oid in seen.made or _is_wanted(index, effects))


def _is_wanted(index: IndexFound, effects: Effects) -> bool:
    wanted = next((each for each in effects.creates if isinstance(each, Index) and each.name == index.name), None)
    return wanted is not None and (wanted.relation, wanted.unique, wanted.method, wanted.columns) == (
        index.relation,
        index.unique,
        index.method,
        index.columns,
    )


def _dropped(own: psycopg.Connection[Any], effects: Effects, seen: Seen, told: Told) -> Found:
    """What has the name now may be another index, or the same one that REINDEX has put back: that is to go, too."""
    left = find_indexes(own, oids=seen.target)
    for index in left:
        if not index.valid:
            _wait_for_worker(own, index)
            told(f"{index.name} was left half dropped; dropping it goes on", None)
    if not left:
        same = find_indexes(own, names=what.dropped_indexes(effects))
        return Found(done=bool(seen.target) and all(index.definition != seen.definition for index in same))
    return Found(done=False)


def _detached(own: psycopg.Connection[Any], seen: Seen, told: Told) -> Found:
    if not seen.target:
        return Found(done=False)
    left = partition(own, *seen.target)
    if left is None:
        return Found(done=True)
    if not left.pending:
        return Found(done=False)
    told(f"{left.child} was left half detached from {left.parent}; detaching it goes on", None)
    return Found(done=False, instead=finalize_sql(left))


def _reindexed(own: psycopg.Connection[Any], seen: Seen, told: Told) -> Found:
    """Done when every new copy has taken its place, and only old ones are left."""
    copies = tuple(_copies(own, seen))
    for index in copies:
        _wait_for_worker(own, index)
        _drop(own, index, told)
    return Found(done=bool(copies) and all(index.is_old_copy for index in copies))


def _copies(own: psycopg.Connection[Any], seen: Seen) -> Iterator[IndexFound]:
    """New copies that were never finished, and old ones, which keep the oid that they had."""
    for index in find_indexes(own, tables=seen.tables):
        if (index.is_new_copy and seen.is_new(index.oid)) or (index.is_old_copy and index.oid in seen.valid):
            yield index


def _wait_for_worker(own: psycopg.Connection[Any], index: IndexFound) -> None:
    worker = worker_on(own, index.oid)
    if worker is not None:
        how = "is still being built by" if worker.builds else f"is invalid, and {index.relation} still being changed by"
        raise LockNotAvailable(
            f"{index.name} {how} the session with pid {worker.pid}, whose client may be gone",
            f"Wait for it, or end it: SELECT pg_cancel_backend({worker.pid})",
        )


def _drop(own: psycopg.Connection[Any], index: IndexFound, told: Told) -> None:
    told(f"dropping {index.name}: an interrupted build left it invalid", None)
    if not drop_index(own, index, TO_DROP):
        raise LockNotAvailable(
            f"{index.name} was left invalid by an interrupted build, and its table is being read for so long that it "
            "cannot be dropped",
            f"When those have ended who read {index.relation}, run the same command again.",
        )


def _half_dropped(index: IndexFound) -> str:
    return (
        f"{index.name} is left half dropped: no query uses it, and {_cost(index)}; the next run finishes the drop; to "
        f"have it back instead: REINDEX INDEX CONCURRENTLY {qualified(index.name)};"
    )


def _cost(index: IndexFound) -> str:
    return "every write still pays for it" if index.maintained else "no write pays for it any more"


def _not_ours(index: IndexFound, where: str) -> RunFailed:
    name = qualified(index.name)
    return RunFailed(
        f"{where}{index.name} on {index.relation} is there already, but invalid, and not this revision's: a build that "
        f"somebody else began has failed. No query uses it; {_cost(index)}",
        f"If nobody needs it: DROP INDEX CONCURRENTLY {name}; and run the same command again, it builds the index. "
        f"If it is the one that is wanted: REINDEX INDEX CONCURRENTLY {name};",
    )
