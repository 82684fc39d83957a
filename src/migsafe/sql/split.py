"""A text of several statements, cut into its statements by PostgreSQL's own grammar."""

import re

import msgspec

from migsafe.errors import SqlError
from migsafe.sql.parse import parse_all


class Piece(msgspec.Struct, frozen=True):
    """One statement of a text: `offset` in characters from 0, `line` from 1; `error` when the grammar rejects it."""

    sql: str
    offset: int
    line: int
    error: str | None = None


def split(text: str) -> tuple[Piece, ...]:
    """The statements of `text`, without comments before them and without the semicolon after them.

    Lines for psql (`\\connect`) and the data of `COPY … FROM stdin` are skipped. Never raises: when the grammar
    rejects the whole, sqlparse cuts it and only the pieces at fault carry an error.
    """
    readable = _without_psql(text)
    try:
        spans = _cut(readable)
    except SqlError:
        return tuple(_located(text, _cut_leniently(readable)))
    return tuple(_located(text, [(start, end, None) for start, end in spans]))


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
    # 15 ms that a text without errors need not pay.
    import sqlparse

    spans: list[tuple[int, int, str | None]] = []
    position = 0
    for piece in sqlparse.split(text):
        start = text.find(piece, position)
        if start < 0:
            continue
        position = start + len(piece)
        spans += _judged(text, start, position)
    return spans


def _judged(text: str, start: int, end: int) -> list[tuple[int, int, str | None]]:
    try:
        return [(start + first, start + last, None) for first, last in _cut(text[start:end])]
    except SqlError as error:
        start, end = _trimmed(text, start, end)
        end = start + len(text[start:end].rstrip("; \t\r\n"))
        return [(start, end, error.message)] if end > start else []


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
