"""Who stands in the way of a lock."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from migsafe.model.locks import Lock, LockMode
from migsafe.model.run import Blocker
from migsafe.postgres.queries import query

MASKED = "<insufficient privilege>"
_LONGEST_QUERY = 200
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)|--[^\n]*", re.DOTALL)
# What pg_stat_activity cut off has no closing quote.
_LITERAL = re.compile(
    r'(?P<name>"(?:[^"]|"")*")'
    r"|[eE]'(?:[^'\\]|''|\\.)*(?:'|$)"
    r"|(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|$)"
    r"|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$)"
    r"|(?<![\w$.])(?:0[xXoObB][\da-fA-F_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)",
    re.DOTALL,
)


def holders(connection: psycopg.Connection[Any], locks: tuple[Lock, ...]) -> tuple[Blocker, ...]:
    """Sessions and prepared transactions that hold, or wait for, what conflicts with `locks`; the oldest first.

    One Blocker a session and relation, with the strongest mode. Everybody sees that they are there; their state, age
    and query are None without pg_read_all_stats (see can_see_others).
    """
    wanted = conflicting(locks)
    return strongest(_rows_of(connection, "lock_holders", wanted)) if wanted["relations"] else ()


def conflicting(locks: Iterable[Lock]) -> dict[str, list[str]]:
    """What conflicts with `locks`, as two lists of the same length: `relations`, and `modes` as in pg_locks."""
    found = dict.fromkeys(
        (lock.relation, mode.value) for lock in locks for mode in LockMode if mode.conflicts_with(lock.mode)
    )
    return {"relations": [relation for relation, _ in found], "modes": [mode for _, mode in found]}


def can_see_others(connection: psycopg.Connection[Any]) -> bool:
    """Whether state, age and query of other users' sessions are visible: pg_read_all_stats, or superuser.

    Without it they are masked, and no row of a query for long transactions proves anything.
    """
    row = connection.execute(query("can_see_others")).fetchone()
    return bool(row and next(iter(row.values() if isinstance(row, dict) else row)))


def advisory_holder(connection: psycopg.Connection[Any], key: int) -> Blocker | None:
    """The session that holds the advisory lock `key` of this database; `age` is that of the session."""
    return next(iter(_rows_of(connection, "advisory_holder", {"key": key})), None)


def without_literals(text: str | None) -> str | None:
    """A query of somebody's with its values made `?`, on one line, at most 200 characters; None when masked."""
    if text is None or text == MASKED:
        return None
    plain = _LITERAL.sub(lambda match: match["name"] or "?", _COMMENT.sub(" ", text))
    plain = " ".join(plain.split())
    return plain if len(plain) <= _LONGEST_QUERY else plain[: _LONGEST_QUERY - 1] + "…"


def _rows_of(connection: psycopg.Connection[Any], name: str, parameters: dict[str, Any]) -> list[Blocker]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query(name), parameters).fetchall()
    return [from_row(row) for row in rows]


def from_row(row: dict[str, Any]) -> Blocker:
    """A row with the mode as the manual spells it and a query without its values."""
    mode = row["mode"]
    known = {member.value: member.text for member in LockMode}
    changes = {"mode": known.get(mode, mode), "query": without_literals(row["query"])}
    return msgspec.convert(row | changes, Blocker)


def strongest(blockers: Iterable[Blocker]) -> tuple[Blocker, ...]:
    """One a session and relation: what is held before what is awaited, then the stronger mode."""
    found: dict[tuple[int, str | None, str | None], Blocker] = {}
    for blocker in blockers:
        key = (blocker.pid, blocker.gid, blocker.relation)
        if key not in found or _rank(blocker) > _rank(found[key]):
            found[key] = blocker
    return tuple(found.values())


def _rank(blocker: Blocker) -> tuple[bool, int]:
    strength = {member.text: member.strength for member in LockMode}
    return blocker.granted, strength.get(blocker.mode or "", -1)
