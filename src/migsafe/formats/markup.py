"""Texts of others inside Markdown: what they hold means nothing there."""

import re

from migsafe.formats import words


def text(text: str) -> str:
    """Text on one line in which Markdown and HTML of a server's message or a table's name mean nothing."""
    return _escaped(words.one_line(text, width=None))


def prose(said: str) -> str:
    """A sentence of ours on one line, in which code stands between backticks; the rest of it means nothing."""
    pieces = words.one_line(said, width=None).split("`")
    if len(pieces) % 2 == 0:
        return text(said)
    return "".join(f"`{piece}`" if number % 2 and piece else _escaped(piece) for number, piece in enumerate(pieces))


def code(text: str) -> str:
    """Text on one line as code."""
    line = words.one_line(text, width=None)
    return f"`{line}`" if "`" not in line else f"`` {line} ``"


def fence(text: str, language: str) -> list[str]:
    """The lines of a code block."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return [f"{ticks}{language}", *words.plain(text).splitlines(), ticks]


def _escaped(line: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_<>[]" else char for char in line)
