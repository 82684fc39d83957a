"""The command line of migsafe in a child process, as a user runs it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Migsafe = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def migsafe() -> Migsafe:
    """`migsafe(folder, "upgrade head --yes", **environment)`: what came of it, as text.

    Arguments that hold blanks are given one by one.
    """

    def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        words = arguments[0].split() if len(arguments) == 1 else list(arguments)
        return subprocess.run(
            [sys.executable, "-c", "from migsafe.cli import main; main()", *words],
            cwd=folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
        )

    return run


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
