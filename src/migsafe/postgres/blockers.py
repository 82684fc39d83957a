"""Who is in the way, as a tree: those that wait for nobody first, below each of them who waits for it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from migsafe.model.locks import Lock
from migsafe.model.run import Blocker
from migsafe.postgres.locks import from_row, holders, strongest
from migsafe.postgres.queries import query

_Key = tuple[int, str | None]

_UNSEEN = "what it does is not visible to this role (GRANT pg_read_all_stats)"


def blocking_tree(
    connection: psycopg.Connection[Any], *, locks: tuple[Lock, ...] = (), behind: tuple[int, ...] = ()
) -> tuple[Blocker, ...]:
    """Who holds, or waits for, what conflicts with `locks`, whom the sessions `behind` (ours) wait for, and on whom
    those wait themselves: depth first, the oldest root first, each session once for each relation.

    Everybody sees who waits for whom (pg_blocking_pids, manual, section 9.27); the rest as in `holders`.
    """
    direct = [each for each in holders(connection, locks) if each.pid not in behind]
    pids = sorted({each.pid for each in direct} - {0})
    if not pids and not behind:
        return tuple(_rooted(direct))
    known = {"pids": pids, "behind": list(behind)}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("blocking_chain"), known).fetchall()
    return tuple(_rooted(_merged(direct, strongest(_told(row) for row in rows))))


def _told(row: dict[str, Any]) -> Blocker:
    end, caution = ending(row)
    return msgspec.structs.replace(from_row(row), end=end, caution=caution)


def ending(row: dict[str, Any]) -> tuple[str | None, str | None]:
    """The SQL that ends a session of `blocking_chain`, and what to know before; no SQL for what must go on."""
    pid, backend, state = row["pid"], row["backend"], row["state"]
    if pid == 0:
        return _ending_prepared(row["gid"])
    if backend == "walsender":
        return None, "a replication connection (walsender): not to be ended for a migration"
    if backend == "autovacuum worker":
        if "(to prevent wraparound)" in (row["query"] or ""):
            return None, "autovacuum to prevent wraparound: it would begin anew; let it finish"
        return f"SELECT pg_cancel_backend({pid});", "autovacuum comes back later"
    if backend not in (None, "client backend") or row["user"] is None:
        return None, "a process of the server itself, no client: not to be ended"
    caution = "a superuser's session: only a superuser may end it" if row["superuser"] else None
    if state is None:
        return f"SELECT pg_terminate_backend({pid});", caution or _UNSEEN
    # A statement that is cancelled takes its transaction and locks with it; a session that runs none is only ended.
    verb = "cancel" if state in ("active", "fastpath function call") else "terminate"
    return f"SELECT pg_{verb}_backend({pid});", caution


def _ending_prepared(gid: str | None) -> tuple[str | None, str | None]:
    if gid is None:
        return None, "a prepared transaction: see pg_prepared_xacts"
    literal = sql.Literal(gid).as_string(None)
    return f"ROLLBACK PREPARED {literal};", f"or COMMIT PREPARED {literal}, if whoever prepared it decided so"


def _merged(direct: Iterable[Blocker], chain: Sequence[Blocker]) -> list[Blocker]:
    """What is held of the plan's relations, told of sessions that the chain knows more about, and the rest of it."""
    by_pid = {each.pid: each for each in chain if each.pid != 0}
    found = []
    for each in direct:
        more = by_pid.get(each.pid)
        facts = ("address", "waits_for", "end", "caution")
        changes = {name: getattr(more, name) for name in facts} if more is not None else {}
        found.append(msgspec.structs.replace(each, **changes))
    seen = {_key(each) for each in found}
    return found + [each for each in chain if _key(each) not in seen]


def _rooted(sessions: Sequence[Blocker]) -> Iterator[Blocker]:
    by_key: dict[_Key, list[Blocker]] = {}
    for each in sessions:
        if each.pid == 0 and each.end is None:
            end, caution = _ending_prepared(each.gid)
            each = msgspec.structs.replace(each, end=end, caution=caution)
        by_key.setdefault(_key(each), []).append(each)
    pids = {pid for pid, _ in by_key}
    roots = [key for key, (first, *_) in by_key.items() if not pids.intersection(first.waits_for)]
    left = dict(by_key)
    # In a deadlock everybody waits for somebody: then the oldest is as good a root as any.
    for key in [*roots, *by_key]:
        yield from _below(key, 0, left)


def _below(key: _Key, depth: int, left: dict[_Key, list[Blocker]]) -> Iterator[Blocker]:
    """`key` and those that wait for it, each taken out of `left`."""
    sessions = left.pop(key, None)
    if sessions is None:
        return
    for each in sessions:
        yield msgspec.structs.replace(each, depth=depth)
    for waiter in [other for other, (first, *_) in left.items() if key[0] in first.waits_for]:
        yield from _below(waiter, depth + 1, left)


def _key(session: Blocker) -> _Key:
    return session.pid, session.gid
