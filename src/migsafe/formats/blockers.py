"""Who is in the way, as lines: the roots first, below each who waits for it, and the command that ends it."""

import itertools
from collections.abc import Iterable, Iterator

from migsafe.formats import words
from migsafe.model.run import Blocker


def lines(blockers: Iterable[Blocker]) -> tuple[str, ...]:
    """One line a session, indented by its depth, and below it the SQL that ends it, or why it is left alone."""
    grouped = itertools.groupby(blockers, key=lambda each: (each.pid, each.gid, each.depth))
    return tuple(line for _, group in grouped for line in _session(tuple(group)))


def _session(session: tuple[Blocker, ...]) -> Iterator[str]:
    first = session[0]
    indent = "   " * first.depth
    waits = [pid for pid in first.waits_for if pid != 0]
    behind = f"; waits for {words.listed(f'pid {pid}' for pid in waits)}" if waits else ""
    yield f"{indent}{'behind it: ' if first.depth else ''}{words.blocker(*session)}{behind}"
    hang = f"{indent}{'   ' if first.depth else ''}   "
    if first.end is not None:
        yield f"{hang}to end it: {words.plain(first.end)}{f'  -- {first.caution}' if first.caution else ''}"
    elif first.caution is not None:
        yield f"{hang}{first.caution}"
