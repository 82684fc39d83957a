"""What the demo says between the commands, and its tables."""

from collections.abc import Sequence

from rich.console import Console

from migsafe.demo.database import Counts
from migsafe.demo.traffic import Stage
from migsafe.formats.lines import heading, say


def tell(console: Console, *sentences: str) -> None:
    """Sentences of the narrator."""
    console.print()
    say(console, (" ".join(sentences), "italic"))


def chapter(console: Console, title: str) -> None:
    """A part of the story begins."""
    console.print()
    heading(console, f"━━ {title} ━━")


def table(console: Console, rows: Sequence[Sequence[str]]) -> None:
    """A table: a heading, then rows; the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    console.print()
    for number, (first, *rest) in enumerate(rows):
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        say(console, ("   ".join(cells), "bold" if number == 0 else ""), indent=2)


def counts(console: Console, before: Counts, between: Counts, after: Counts) -> None:
    """Rows and embeddings before the migration, after it, and after the restore."""
    names = [name for name in Counts.__struct_fields__ if name != "content"]
    rows = [
        (name, *(f"{getattr(each, name):,}" for each in (before, between, after)), _same(before, after, name))
        for name in names
    ]
    content = ("content (md5)", *(each.content[:8] for each in (before, between, after)))
    table(
        console,
        [("", "before", "after 0006", "restored", ""), *rows, (*content, _same(before, after, "content"))],
    )


def _same(before: Counts, after: Counts, name: str) -> str:
    return "same" if getattr(before, name) == getattr(after, name) else "DIFFERENT"


def waits(console: Console, stages: Sequence[Stage]) -> None:
    """How the application fared beside it all."""
    rows = [
        (each.name, f"{each.transactions:,}", str(len(each.errors)), _ms(each.median), _ms(each.longest))
        for each in stages
    ]
    table(console, [("the application during", "transactions", "errors", "median", "longest"), *rows])


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"
