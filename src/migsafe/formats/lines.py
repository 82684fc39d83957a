"""Lines for a console: wrapped with a hanging indent on a terminal, whole and uncoloured in a pipe."""

from itertools import chain, repeat
from typing import TYPE_CHECKING, TextIO

from migsafe.formats.words import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

# A hanging indent that leaves less room for words is worse than a line that is too long.
_NARROWEST = 20

Part = str | tuple[str, str]


class Pipe:
    """What `say` and `heading` need of a console that is no terminal; rich itself takes 20 ms to load."""

    is_terminal = record = False
    color_system = None

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def print(self) -> None:
        self.file.write("\n")


def say(console: "Console | Pipe", *parts: Part, indent: int = 0, hang: int | None = None, fold: bool = True) -> None:
    """Print `parts` (texts, or text and style) as one line; `hang` is the indent of what it is continued with.

    A pipe gets the line as it is, however long: a log can be searched and is never folded by us. Nor is a command
    (`fold` off), on a terminal either: it is copied, and a line break in it would run half of it.
    """
    hang = indent if hang is None else hang
    if isinstance(console, Pipe) or (not console.is_terminal and console.color_system is None and not console.record):
        # rich takes 0.3 ms a line, and a report has thousands.
        whole = "".join(plain(part if isinstance(part, str) else part[0]) for part in parts)
        margins = chain((indent,), repeat(hang))
        lines = (
            f"{' ' * margin}{line.expandtabs(4)}" for margin, line in zip(margins, whole.split("\n"), strict=False)
        )
        # write(), and not writelines(): the stream of the command line takes passwords out of what is written.
        console.file.write("".join(f"{line.rstrip()}\n" for line in lines))
        return
    from rich.text import Text

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


def _print(console: "Console", line: "Text", margin: int) -> None:
    from rich.text import Text

    line.rstrip()
    console.print(Text(" " * margin) + line if line.plain else "", soft_wrap=True, highlight=False)


def heading(console: "Console | Pipe", title: str, *details: str) -> None:
    """A blank line, the title, and what there is to say of it in the same line."""
    console.print()
    say(console, (title, "bold"), f": {', '.join(details)}" if details else "", hang=2)
