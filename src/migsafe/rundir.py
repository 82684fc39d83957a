"""The directory of one run: where its report, scripts, journal and backup are."""

import os
import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from migsafe import journal
from migsafe.errors import UsageError
from migsafe.settings import Settings

REPORT, JOURNAL, BACKUP = "report.json", "journal.jsonl", "backup"


class Crashed(msgspec.Struct, frozen=True):
    """A run that ended without saying so. `last` is what its journal says it was doing."""

    directory: str
    last: dict[str, Any]
    alive: bool


def folder(settings: Settings) -> Path:
    return Path(settings.directory) / settings.runs


def directories(settings: Settings) -> list[Path]:
    """The run directories, newest first: their names begin with the time in UTC."""
    where = folder(settings)
    found = [path for path in where.iterdir() if path.is_dir()] if where.is_dir() else []
    return sorted(found, key=lambda path: path.name, reverse=True)


def create(settings: Settings, current: tuple[str, ...], target: tuple[str, ...]) -> Path:
    """Make `<UTC time>_<from>_<to>`, 0700, below the folder of the settings. Raises UsageError when that cannot be."""
    where = folder(settings)
    now = datetime.now(UTC)
    name = f"{now:%Y-%m-%dT%H-%M-%S}-{now.microsecond // 1000:03d}Z_{_short(current)}_{_short(target)}"
    path = where / name
    try:
        where.mkdir(parents=True, exist_ok=True)
        ignore = where.parent / ".gitignore"
        if where.parent.name == ".migsafe" and not ignore.exists():
            ignore.write_text("# Runs hold backups: nothing here belongs in a repository.\n*\n", encoding="utf-8")
        path.mkdir(mode=0o700)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be made: {error.strerror}",
            'Set `runs` to a folder that can be written: runs = "/var/lib/…".',
        ) from None
    return path


def write(path: Path, content: str | bytes) -> Path:
    """Write a file that only its owner reads, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)
    return path


def crashed(settings: Settings, database: str) -> tuple[Crashed, ...]:
    """Runs on `database` (its label) that neither finished nor wrote a report, newest first.

    Those before a run that did come to its end are history: it carried on from them. `alive`: the process that made
    one still runs on this machine.
    """
    found = []
    for path in directories(settings):
        if not (path / JOURNAL).exists():
            continue
        if (path / REPORT).exists():
            if any(entry.get("database") == database for entry in journal.read(path / JOURNAL)):
                break
            continue
        last = journal.unfinished(path / JOURNAL)
        if last is not None and last.get("database") == database:
            found.append(Crashed(str(path), last, _alive(last)))
    return tuple(found)


def _alive(last: dict[str, Any]) -> bool:
    if last.get("host") != socket.gethostname() or not isinstance(last.get("pid"), int):
        return False
    try:
        os.kill(last["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _short(heads: tuple[str, ...]) -> str:
    text = "+".join(heads) or "base"
    return re.sub(r"[^\w.+-]", "-", text)[:40]
