"""How a long step tells that it is alive: a bar on a terminal, a line now and then in a pipe."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from migsafe.formats.lines import say
from migsafe.formats.words import duration, one_line, plain

OnProgress = Callable[[str, float | None], None]
EVERY = 5.0
# What a run says when a revision begins.
_REVISION = re.compile(r"revision \d+ of \d+, ")


@contextmanager
def progress(console: Console, clock: Callable[[], float] = time.monotonic) -> Iterator[OnProgress]:
    """A callable `on_progress(text, fraction)`; `fraction` is 0 to 1, None where the end cannot be known.

    In a pipe the first call prints a line, later ones at most every five seconds. May be called from any thread.
    """
    if console.is_terminal:
        with _bar(console) as bar:
            yield _on_terminal(bar)
    else:
        yield _in_pipe(console, clock)


def _bar(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(bar_width=24))
    # Transient: what stays on the screen is the line that the finished stage prints.
    return Progress(*columns, TaskProgressColumn(), TimeElapsedColumn(), console=console, transient=True)


def _on_terminal(bar: Progress) -> OnProgress:
    """One line for the revision, one for what it is doing; the clock is that of the line."""
    revision = bar.add_task("", total=1.0, visible=False)
    task = bar.add_task("", total=None, visible=False)
    shown: str | None = None

    def on_progress(text: str, fraction: float | None) -> None:
        nonlocal shown
        if _REVISION.match(text):
            bar.reset(revision, description=plain(text), total=1.0, visible=True)
            bar.update(revision, completed=fraction or 0.0)
            bar.update(task, visible=False)
            return
        if text != shown:
            bar.reset(task)
        shown = text
        total = None if fraction is None else 1.0
        bar.update(task, description=one_line(text), completed=fraction or 0.0, total=total, visible=True)

    return on_progress


def _in_pipe(console: Console, clock: Callable[[], float]) -> OnProgress:
    started = clock()
    last: float | None = None

    def on_progress(text: str, fraction: float | None) -> None:
        nonlocal last
        now = clock()
        if last is None or now - last >= EVERY:
            last = now
            part = "" if fraction is None else f", {min(max(fraction, 0.0), 1.0):.0%}".replace("%", " %")
            since = f", {duration(now - started)}" if now - started >= 1 else ""
            say(console, f"{text}{part}{since}")

    return on_progress
