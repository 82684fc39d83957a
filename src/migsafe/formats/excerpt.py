"""The line of a revision file that a finding is about, with the call marked."""

import ast
import tokenize
from functools import lru_cache
from pathlib import Path


def excerpt(path: str | None, line: int | None) -> tuple[str, str] | None:
    """The source line (tabs as four blanks, no indent) and a line of `^` under the call that starts on it.

    None when the file cannot be read, or has no such line: it may have been written on another machine.
    """
    if path is None or line is None:
        return None
    source = _source(path)
    lines = source.splitlines() if source is not None else []
    if source is None or not 0 < line <= len(lines) or not lines[line - 1].strip():
        return None
    text = lines[line - 1]
    start, end = _call(source, line, text)
    marks = " " * len(text[:start].expandtabs(4)) + "^" * len(text[start:end].expandtabs(4))
    shown = text.rstrip().expandtabs(4)
    indent = len(shown) - len(shown.lstrip())
    return shown[indent:], marks[indent:]


def _source(path: str) -> str | None:
    try:
        with tokenize.open(path) if path.endswith(".py") else Path(path).open(encoding="utf-8") as file:
            return file.read()
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None


@lru_cache(maxsize=8)
def _calls(source: str) -> tuple[ast.Call, ...]:
    try:
        return tuple(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    except (SyntaxError, ValueError):
        return ()


def _call(source: str, line: int, text: str) -> tuple[int, int]:
    """Columns of the outermost call that starts on `line` (breadth-first: it comes first); else of the whole line."""
    for node in _calls(source):
        if node.lineno == line:
            raw = text.encode()
            end = node.end_col_offset if node.end_lineno == line and node.end_col_offset else len(raw)
            return len(raw[: node.col_offset].decode()), len(raw[:end].decode().rstrip())
    return len(text) - len(text.lstrip()), len(text.rstrip())
