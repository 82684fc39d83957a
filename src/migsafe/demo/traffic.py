"""The application beside the migrations: started, paused, and asked how long it had to wait."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from migsafe.demo.shell import clean_environment
from migsafe.demo.surprise import surprise
from migsafe.postgres.connection import Database

STOPPING = 60.0


class Stage(msgspec.Struct, frozen=True):
    """How the application fared during one stage; times in seconds of wall clock a transaction."""

    name: str
    transactions: int
    errors: tuple[str, ...]
    median: float
    longest: float


@contextmanager
def running(database: Database, log: Path) -> Iterator[None]:
    """The application on `database` for as long as the block runs; every transaction is a line of `log`."""
    # -P: the working directory is a project of somebody's, not a place to import from.
    command = [sys.executable, "-P", "-m", "migsafe.demo.application", str(log)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment() | database.environment(),
        text=True,
    )
    try:
        yield
    except BaseException:
        process.kill()
        process.communicate()
        raise
    _, said = process.communicate(timeout=STOPPING)
    if process.returncode != 0:
        last = (said.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        surprise(f"the application broke: {last}")


def enter(log: Path, stage: str) -> None:
    """Say in `log` that a stage begins: what the application does from here on belongs to it."""
    with log.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"at": time.time(), "stage": stage}) + "\n")


def stages(log: Path) -> tuple[Stage, ...]:
    """How the application fared, stage by stage. A transaction belongs to the stage in which it began."""
    events = sorted((json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()), key=_at)
    found: dict[str, list[dict[str, Any]]] = {}
    now = "before the first stage"
    for event in events:
        now = event.get("stage", now)
        found.setdefault(now, []).extend([event] if "seconds" in event else [])
    return tuple(_stage(name, transactions) for name, transactions in found.items() if transactions)


def _at(event: dict[str, Any]) -> float:
    return float(event["at"])


def _stage(name: str, transactions: Iterable[dict[str, Any]]) -> Stage:
    seconds = [each["seconds"] for each in transactions]
    errors = tuple(each["error"] for each in transactions if each["error"])
    return Stage(name, len(seconds), errors, statistics.median(seconds), max(seconds))
