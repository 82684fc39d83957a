"""Where in a file a finding is: the call or the statement that is meant, and the lines around it."""

import ast
import posixpath
import re
import tokenize
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path

import msgspec

from migsafe.model.findings import Finding
from migsafe.model.plan import Plan

# Of a call over many lines the first few say which one it is.
_LONGEST = 6

_CALL = re.compile(r"[ \t]*(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*\(")
_CLOSES = re.compile(r"\)\s*,?\s*(?:#.*)?$")
_GOES_ON = (".", "(", "[")
_TRIES = 4


class Span(msgspec.Struct, frozen=True):
    """From a character to another one; lines and columns count from 1, `end_column` is one behind the last character.

    Columns are in code points.
    """

    line: int
    column: int
    end_line: int
    end_column: int


class Frame(msgspec.Struct, frozen=True):
    """Source lines by number (tabs as four blanks, without the indent that they share), `mark` under one of them."""

    lines: tuple[tuple[int, str], ...]
    marked: int
    mark: str


class Files(msgspec.Struct, frozen=True):
    """The texts that findings point into.

    `sources` by path, as the findings have it; a file that is not among them is read. `root` is the working directory
    as seen from the root of the repository, like `backend`; empty when it is the root.
    """

    sources: Mapping[str, str] = {}
    root: str = ""

    def text(self, path: str | None) -> str | None:
        """The text of a file, None when it cannot be read: it may have been written on another machine."""
        if path is None:
            return None
        return self.sources[path] if path in self.sources else _read(path)

    def from_root(self, path: str) -> str:
        """`path` as seen from the root of the repository."""
        return path if path.startswith("/") else posixpath.normpath(posixpath.join(self.root, path))


def spans(plan: Plan, findings: tuple[Finding, ...], files: Files) -> tuple[Span | None, ...]:
    """For each finding the call in a .py file, the statement in any other; None where there is no such line."""
    sql: dict[int | None, str] = {statement.index: statement.sql for statement in plan.statements}
    return tuple(span(finding.path, finding.line, files, sql.get(finding.statement)) for finding in findings)


def span(path: str | None, line: int | None, files: Files, sql: str | None = None) -> Span | None:
    """The outermost call that starts on `line` of a .py file, elsewhere the text `sql` from there; else the line."""
    source = files.text(path)
    lines = _lines(source) if source is not None else []
    if path is None or source is None or line is None or not 0 < line <= len(lines) or not lines[line - 1].strip():
        return None
    found = _call(source, line, lines) if path.endswith(".py") else _statement(lines, line, sql)
    text = lines[line - 1]
    return found or Span(line, len(text) - len(text.lstrip()) + 1, line, len(text.rstrip()) + 1)


def frame(source: str, span: Span) -> Frame:
    """The lines of `span`, one before and one after it, with `^` under its first line."""
    lines = _lines(source)
    last = min(span.end_line, span.line + _LONGEST - 1)
    wanted = range(max(span.line - 1, 1), min(last + 1, len(lines)) + 1)
    shown = {number: lines[number - 1].rstrip().expandtabs(4) for number in wanted}
    shown = {number: text for number, text in shown.items() if text or span.line < number < last}
    indent = min(len(text) - len(text.lstrip()) for text in shown.values() if text)
    first = lines[span.line - 1].rstrip()
    end = span.end_column - 1 if span.end_line == span.line else len(first)
    start = len(first[: span.column - 1].expandtabs(4))
    mark = " " * (start - indent) + "^" * (len(first[:end].expandtabs(4)) - start)
    return Frame(tuple((number, text[indent:]) for number, text in shown.items()), span.line, mark)


def _read(path: str) -> str | None:
    try:
        with tokenize.open(path) if path.endswith(".py") else Path(path).open(encoding="utf-8-sig") as file:
            return file.read()
    except (OSError, SyntaxError, ValueError):
        return None


@lru_cache(maxsize=8)
def _lines(source: str) -> list[str]:
    """Lines as Python and psql count them; str.splitlines() would also break at a form feed."""
    return source.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@lru_cache(maxsize=8)
def _tree(source: str) -> ast.AST | None:
    return _parsed(source)


def _parsed(source: str) -> ast.AST | None:
    try:
        with warnings.catch_warnings():
            # Of an escape sequence that Python warns of, Python has told already when it loaded the file.
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


def _outermost(tree: ast.AST | None, line: int) -> ast.Call | None:
    """The outermost call that starts on `line`; only what spans that line is looked into."""
    level = [tree] if tree is not None else []
    while level:
        for node in level:
            if isinstance(node, ast.Call) and node.lineno == line:
                return node
        level = [child for node in level for child in ast.iter_child_nodes(node) if _spans(child, line)]
    return None


def _spans(node: ast.AST, line: int) -> bool:
    """What has no line of its own, as arguments do not, is looked into too."""
    first, last = getattr(node, "lineno", line), getattr(node, "end_lineno", line)
    return isinstance(first, int) and isinstance(last, int) and first <= line <= last


def _call(source: str, line: int, lines: list[str]) -> Span | None:
    if (alone := _call_alone(line, lines)) is not None:
        return alone
    node = _outermost(_tree(source), line)
    if node is None or node.end_lineno is None or node.end_col_offset is None:
        return None
    start = _characters(lines[line - 1], node.col_offset)
    end = _characters(lines[node.end_lineno - 1], node.end_col_offset)
    return Span(line, start + 1, node.end_lineno, end + 1)


def _call_alone(line: int, lines: list[str]) -> Span | None:
    """Of a line that begins with `op.execute(` the call, read from its own lines and not from the whole file.

    Most findings are at one, and a file takes long to read. None: only the whole file tells.
    """
    first = lines[line - 1]
    if _CALL.match(first) is None:
        return None
    shift = len(first) - len(first.lstrip()) - 1
    for last in _ends(line, lines):
        # In parentheses the indent of the other lines means nothing.
        node = _outermost(_parsed("\n".join(("(" + first.lstrip(), *lines[line:last], ")"))), 1)
        if node is not None and node.end_lineno is not None and node.end_col_offset is not None:
            end = line + node.end_lineno - 1
            in_file = node.end_col_offset + (shift if end == line else 0)
            return Span(line, shift + 2, end, _characters(lines[end - 1], in_file) + 1)
    return None


def _ends(line: int, lines: list[str]) -> Iterator[int]:
    """Where the call on `line` may end: at that line, or at one of the next that are indented no deeper."""
    indent = lines[line - 1][: -len(lines[line - 1].lstrip())]
    deeper = indent + " ", indent + "\t"
    ends = (
        number
        for number in range(line, len(lines) + 1)
        if _CLOSES.search(lines[number - 1]) and (number == line or not lines[number - 1].startswith(deeper))
    )
    for number in islice(ends, _TRIES):
        following = (text.lstrip() for text in islice(lines, number, None))
        if next((text for text in following if text and text[0] != "#"), "").startswith(_GOES_ON):
            return
        yield number


def _characters(text: str, bytes_: int) -> int:
    """The column that ast gives, which counts bytes of UTF-8, in characters."""
    return len(text.encode()[:bytes_].decode(errors="replace"))


def _statement(lines: list[str], line: int, sql: str | None) -> Span | None:
    """Where `sql` stands from `line` on, if it begins there."""
    wanted = sql.strip().splitlines() if sql else []
    if not wanted or wanted[0].strip() not in lines[line - 1]:
        return None
    start = lines[line - 1].index(wanted[0].strip())
    last = line + len(wanted) - 1
    if last > len(lines) or wanted[-1].strip() not in lines[last - 1]:
        return None
    end = lines[last - 1].index(wanted[-1].strip()) + len(wanted[-1].strip())
    if last == line:
        end = start + len(wanted[0].strip())
    return Span(line, start + 1, last, end + 1)
