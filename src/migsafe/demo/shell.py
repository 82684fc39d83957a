"""Types a command as an operator would: shown while it runs, kept for the end, its exit code expected."""

import codecs
import os
import pty
import shutil
import subprocess
import sys
import tty
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from migsafe.demo.surprise import surprise
from migsafe.formats.lines import say

# -P: the working directory is a project of somebody's, not a place to import from.
MIGSAFE = (sys.executable, "-P", "-c", "from migsafe.cli import main; main()")


class Shell(msgspec.Struct, frozen=True):
    """Where commands are typed: the project's `folder`, the `console` they are shown on, a file that keeps it all."""

    folder: Path
    console: Console
    transcript: Path


def migsafe(shell: Shell, *words: str, exits: int = 0, typed: str | None = None, tail: int | None = None) -> str:
    """Run `migsafe WORDS…`, shown as `typed`, and return what it printed; `tail`: only that many lines are shown.

    Raises Surprise when it does not end with the exit code `exits`.
    """
    typed = typed or " ".join(("migsafe", *words))
    return run(shell, typed, (*MIGSAFE, *words), exits=exits, tail=tail)


def run(
    shell: Shell,
    typed: str,
    command: Sequence[str],
    *,
    exits: int = 0,
    tail: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Show `$ typed`, run `command` in the project, show and return what it printed.

    Raises Surprise when it does not end with the exit code `exits`.
    """
    console, said = shell.console, ""
    console.print()
    say(console, ("$ ", "bold green"), (typed, "bold"), hang=4)
    process, output = _start(command, shell, clean_environment() | dict(environment or {}), piped=tail is not None)
    with process:
        for text in _read(output):
            said += text
            if tail is None:
                _show(console, text)
    code = process.returncode
    if tail is not None:
        _show(console, "\n".join(said.splitlines()[-tail:]) + "\n")
    with shell.transcript.open("a", encoding="utf-8") as file:
        file.write(f"$ {typed}\n{said}")
    if code != exits:
        surprise(f"`{typed}` ended with exit code {code} instead of {exits}")
    if code:
        say(console, (f"(exit code {code})", "dim"))
    return said


def clean_environment() -> dict[str, str]:
    """This process's environment without a database of somebody else's."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PG") and name != "DATABASE_URL"}
    return ours | {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _start(
    command: Sequence[str], shell: Shell, environment: dict[str, str], *, piped: bool
) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and where its output can be read: a terminal where we have one, else a pipe."""
    environment["COLUMNS"] = str(shutil.get_terminal_size().columns)
    terminal = shell.console.is_terminal and not piped
    reading, writing = pty.openpty() if terminal else os.pipe()
    try:
        if terminal:
            # Line ends are made by the terminal that we pass them on to.
            tty.setraw(writing)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            cwd=shell.folder,
            env=environment,
        )
    finally:
        os.close(writing)
    return process, reading


def _read(descriptor: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with open(descriptor, "rb", buffering=0) as output:
        while piece := _piece(output.fileno()):
            yield decoder.decode(piece)


def _piece(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        # EIO: how Linux says that nobody has the other end of a terminal open any more.
        return b""


def _show(console: Console, text: str) -> None:
    console.file.write(text)
    console.file.flush()
