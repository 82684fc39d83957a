"""A text of several statements, cut into its statements by PostgreSQL's own grammar."""

import re
from collections.abc import Iterator

import msgspec

from migsafe.errors import SqlError
from migsafe.model.statement import Comment
from migsafe.sql.comments import comments_of
from migsafe.sql.parse import parse_all


class Piece(msgspec.Struct, frozen=True):
    """One statement of a text: `offset` in characters from 0, `line` from 1; `error` when the grammar rejects it.

    `comments` are those that speak to migsafe, in it or directly above it, with their lines in the text.
    """

    sql: str
    offset: int
    line: int
    error: str | None = None
    comments: tuple[Comment, ...] = ()


def split(text: str) -> tuple[Piece, ...]:
    """The statements of `text`, without comments before them and without the semicolon after them.

    Lines for psql (`\\connect`) and the data of `COPY … FROM stdin` are skipped. Never raises: when the grammar
    rejects the whole it is cut at its semicolons, and only the pieces at fault carry an error.
    """
    readable = _without_psql(text)
    try:
        spans = _cut(readable)
    except SqlError:
        pieces = _located(text, _cut_leniently(readable))
    else:
        pieces = _located(text, [(start, end, None) for start, end in spans])
    if "migsafe" not in text:
        return tuple(pieces)
    comments = comments_of(readable, [(piece.offset, piece.offset + len(piece.sql)) for piece in pieces])
    return tuple(msgspec.structs.replace(piece, comments=comments.get(index, ())) for index, piece in enumerate(pieces))


def _located(text: str, spans: list[tuple[int, int, str | None]]) -> list[Piece]:
    pieces: list[Piece] = []
    line, seen = 1, 0
    for start, end, error in spans:
        line += text.count("\n", seen, start)
        seen = start
        pieces.append(Piece(text[start:end], start, line, error))
    return pieces


def _cut(text: str) -> list[tuple[int, int]]:
    """Start and end of every statement, in characters. Raises SqlError."""
    result = parse_all(text)
    spans = [(raw.stmt_location, raw.stmt_location + (raw.stmt_len or len(text.encode()))) for raw in result.stmts]
    if not text.isascii():
        spans = _in_characters(text, spans)
    return [_trimmed(text, start, min(end, len(text))) for start, end in spans]


def _in_characters(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    data = text.encode()
    position, byte = 0, 0
    found: list[tuple[int, int]] = []
    for start, end in spans:
        position += len(data[byte:start].decode())
        begin = position
        position += len(data[start:end].decode())
        byte = min(end, len(data))
        found.append((begin, position))
    return found


_BLANK = re.compile(r"\s+|--[^\n]*")


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without leading blanks and comments and without trailing blanks."""
    while start < end:
        if text.startswith("/*", start):
            start = _after_comment(text, start)
        elif match := _BLANK.match(text, start, end):
            start = match.end()
        else:
            break
    return start, start + len(text[start:end].rstrip())


def _after_comment(text: str, start: int) -> int:
    """The end of the block comment at `start`; they nest."""
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def _cut_leniently(text: str) -> list[tuple[int, int, str | None]]:
    """Cut at every semicolon outside quotes and comments, but not within a body of BEGIN ATOMIC that is whole."""
    ends = [*_semicolons(text), len(text)]
    spans: list[tuple[int, int, str | None]] = []
    start = at = 0
    while at < len(ends):
        at = _after_body(text, start, ends, at) or at
        spans += _judged(text, start, ends[at])
        start, at = ends[at], at + 1
    return spans


def _semicolons(text: str) -> Iterator[int]:
    position = 0
    while found := _lexeme(text, position):
        position = found[1]
        if found[2] == "end":
            yield position


_BODY = re.compile(r"\bBEGIN\s+ATOMIC\b", re.IGNORECASE)
_BODY_ENDS = re.compile(r"\bEND\s*;?$", re.IGNORECASE)
# How far a body, and the blanks before its last semicolon, are followed: a text at fault must not take forever.
_LONGEST_BODY, _BLANKS = 200, 100


def _after_body(text: str, start: int, ends: list[int], at: int) -> int | None:
    """Which of the ends is that of the statement at `start`, when it has a body of statements that can all be read."""
    if _BODY.search(text, start, ends[at]):
        for later in range(at, min(at + _LONGEST_BODY, len(ends))):
            closes = _BODY_ENDS.search(text, max(start, ends[later] - _BLANKS), ends[later])
            if closes and not any(error for _, _, error in _judged(text, start, ends[later])):
                return later
    return None


def _judged(text: str, start: int, end: int) -> list[tuple[int, int, str | None]]:
    try:
        return [(start + first, start + last, None) for first, last in _cut(text[start:end])]
    except SqlError as error:
        first, last = _trimmed(text, start, end)
        if first == last:  # a comment that does not end: it hides all that follows
            first, last = end - len(text[start:end].lstrip()), end
        last = first + len(text[first:last].rstrip("; \t\r\n"))
        return [(first, last, error.message)] if last > first else []


_NEXT = re.compile(
    r"""(?P<quote>\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*")"""
    r"""|(?P<dollar>(?<![\w$])\$(?:[^\W\d]\w*)?\$)"""
    r"""|(?P<line>--[^\n]*)|(?P<block>/\*)|(?P<end>;)|(?P<meta>\\[^\n]*)""",
    re.DOTALL,
)
_COPY_DATA = re.compile(r"COPY\s[^;]*\bFROM\s+STDIN\b[^;]*$", re.IGNORECASE)


def _without_psql(text: str) -> str:
    """`text` with psql lines and COPY data blanked out, so that every offset and line stays what it was."""
    if "\\" not in text:
        return text
    parts: list[str] = []
    kept = position = statement = 0
    while found := _lexeme(text, position):
        start, end, what = found
        position = end
        if what == "meta" or (what == "end" and _COPY_DATA.search(text, statement, start)):
            begin = start if what == "meta" else text.find("\n", end) + 1 or len(text)
            position = end if what == "meta" else _after_data(text, begin)
            parts += [text[kept:begin], re.sub(r"[^\n]", " ", text[begin:position])]
            kept = position
        if what in ("end", "meta"):
            statement = position
    return "".join(parts) + text[kept:]


def _after_data(text: str, begin: int) -> int:
    end = re.compile(r"^\\\.[^\n]*", re.MULTILINE).search(text, begin)
    return end.end() if end else len(text)


def _lexeme(text: str, position: int) -> tuple[int, int, str] | None:
    """The next thing that hides or ends a statement: start, end and what it is."""
    match = _NEXT.search(text, position)
    if match is None:
        return None
    start, end, what = match.start(), match.end(), str(match.lastgroup)
    if what == "block":
        end = _after_comment(text, start)
    elif what == "dollar":
        close = text.find(match[0], end)
        end = len(text) if close < 0 else close + len(match[0])
    return start, end, what
