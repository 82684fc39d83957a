"""The comments of a text that speak to migsafe, each with the statement that it stands at."""

import bisect
import re
from collections.abc import Iterator, Sequence

from migsafe.model.statement import Comment
from migsafe.sql import libpg_query
from migsafe.sql.nodes import pb
from migsafe.sql.parse import tokens

_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")


def comments_of(text: str, spans: Sequence[tuple[int, int]]) -> dict[int, tuple[Comment, ...]]:
    """By the index of a span (start and end of a statement, in characters) the comments that are for it.

    A comment is for the statement in or behind which it stands on the same line, else for the one directly below it.
    One with a blank line below it, or nothing, is `apart`, and kept with the next statement or the last. Empty where
    PostgreSQL cannot cut the text into tokens.
    """
    if "migsafe" not in text or not spans:
        return {}
    found: dict[int, tuple[Comment, ...]] = {}
    for start, end, body in _comments(text):
        if "migsafe" in body:
            index, apart = _statement_at(text, spans, start, end)
            comment = Comment(body, text.count("\n", 0, start) + 1, apart)
            found[index] = (*found.get(index, ()), comment)
    return found


def _comments(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end (in characters) and inner text of every comment."""
    try:
        scanned = tokens(text)
    except (libpg_query.Rejected, UnicodeEncodeError):
        return
    data = text.encode()
    for token in scanned:
        if token.token in (pb.SQL_COMMENT, pb.C_COMMENT):
            start = len(data[: token.start].decode())
            whole = data[token.start : token.end].decode()
            inner = whole.removeprefix("--") if whole.startswith("--") else whole[2:].removesuffix("*/")
            yield start, start + len(whole), inner.strip()


def _statement_at(text: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, bool]:
    """The index of the statement that the comment from `start` to `end` is for, and whether it stands apart."""
    following = bisect.bisect_right(spans, start, key=lambda span: span[0])
    before = following - 1
    if before >= 0 and "\n" not in text[spans[before][1] : start]:
        return before, False
    if following == len(spans):
        return before, True
    return following, _BLANK_LINE.search(text, end, spans[following][0]) is not None
