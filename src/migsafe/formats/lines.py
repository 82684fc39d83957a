"""Lines for a console: wrapped with a hanging indent on a terminal, whole and uncoloured in a pipe."""

from rich.console import Console
from rich.text import Text

from migsafe.formats.words import plain

# A hanging indent that leaves less room for words is worse than a line that is too long.
_NARROWEST = 20

Part = str | tuple[str, str]


def say(console: Console, *parts: Part, indent: int = 0, hang: int | None = None, fold: bool = True) -> None:
    """Print `parts` (texts, or text and style) as one line; `hang` is the indent of what it is continued with.

    A pipe gets the line as it is, however long: a log can be searched and is never folded by us. Nor is a command
    (`fold` off), on a terminal either: it is copied, and a line break in it would run half of it.
    """
    hang = indent if hang is None else hang
    text = Text.assemble(*(plain(part) if isinstance(part, str) else (plain(part[0]), part[1]) for part in parts))
    text.expand_tabs(4)
    margin = indent
    for line in text.split("\n", allow_blank=True):
        while fold and console.is_terminal and line.cell_len > (width := max(console.width - margin, _NARROWEST)):
            first = line.wrap(console, width)[0]
            _print(console, first, margin)
            rest = line.plain[len(first.plain) :]
            line = line[len(line.plain) - len(rest.lstrip()) :]
            margin = hang
        _print(console, line, margin)
        margin = hang


def _print(console: Console, line: Text, margin: int) -> None:
    line.rstrip()
    console.print(Text(" " * margin) + line if line.plain else "", soft_wrap=True, highlight=False)


def heading(console: Console, title: str, *details: str) -> None:
    """A blank line, the title, and what there is to say of it in the same line."""
    console.print()
    say(console, (title, "bold"), f": {', '.join(details)}" if details else "", hang=2)
