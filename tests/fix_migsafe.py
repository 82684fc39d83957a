"""The command line of migsafe in a child process, as a user runs it."""

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryFile
from typing import IO, Any

import pytest

Migsafe = Callable[..., subprocess.CompletedProcess[str]]

_SECONDS = 180.0


@pytest.fixture(scope="session")
def forks() -> Iterator[socket.socket]:
    """Where forks.py takes its orders: what migsafe is built on is loaded once for all children."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, str(Path(__file__).with_name("forks.py")), str(theirs.fileno())]
    with subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=DEVNULL, stdout=DEVNULL) as process:
        theirs.close()
        yield ours
        ours.close()
        assert process.wait(timeout=30) == 0


@pytest.fixture
def migsafe(forks: socket.socket) -> Migsafe:
    """`migsafe(folder, "upgrade head --yes", **environment)`: what came of it, as text.

    Arguments that hold blanks are given one by one.
    """

    def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        words = arguments[0].split() if len(arguments) == 1 else list(arguments)
        order = {"folder": str(folder), "arguments": words, "environment": os.environ | environment}
        assert _of_the_start(os.environ | environment) == _STARTED, "these are read when a process starts"
        with TemporaryFile("w+") as file, TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
            json.dump(order, file)
            file.seek(0)
            code = _ordered(forks, file, output, errors)
            output.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(words, code, output.read(), errors.read())

    return run


def _ordered(forks: socket.socket, *files: IO[str]) -> int:
    """The exit code, or minus the signal."""
    read, write = os.pipe()
    with os.fdopen(read, "rb", buffering=0) as status:
        try:
            socket.send_fds(forks, [b"."], [*(file.fileno() for file in files), write])
        finally:
            os.close(write)
        pid = int(status.readline())
        if not select.select([status], [], [], _SECONDS)[0]:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired("migsafe", _SECONDS)
        return os.waitstatus_to_exitcode(int(status.readline()))


def _of_the_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(("PYTHON", "LC_", "LANG"))}


_STARTED = _of_the_start(os.environ)


def losing_rows(migsafe: Migsafe, folder: Path, words: str) -> subprocess.CompletedProcess[str]:
    """A downgrade that is told, for everything that it names, to lose the rows."""
    done = migsafe(folder, words)
    names = dict.fromkeys(re.findall(r"--lose (\S+)", done.stdout))
    told = [word for name in names for word in ("--lose", name)]
    return migsafe(folder, *words.split(), *told, "--because", "a test") if names else done


def last_report(folder: Path) -> dict[str, Any]:
    """The report of the newest run below `folder`."""
    newest = sorted((folder / ".migsafe" / "runs").iterdir())[-1]
    report: dict[str, Any] = json.loads((newest / "report.json").read_text())
    return report
