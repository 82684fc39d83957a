"""The directory of one run: where its report, scripts, journal and backup are."""

import os
import re
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from migsafe import journal
from migsafe.errors import UsageError
from migsafe.settings import Settings

REPORT, JOURNAL, BACKUP = "report.json", "journal.jsonl", "backup"

_LATELY = 24 * 3600.0
_PORT = "5432"


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
    path = where / _name(current, target)
    try:
        where.mkdir(parents=True, exist_ok=True)
        ignore = where.parent / ".gitignore"
        if where.parent.name == ".migsafe" and not ignore.exists():
            ignore.write_text("# Runs hold backups: nothing here belongs in a repository.\n*\n", encoding="utf-8")
        return _made(where, current, target)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be made: {error.strerror}",
            'Set `runs` to a folder that can be written: runs = "/var/lib/…".',
        ) from None


def _made(where: Path, current: tuple[str, ...], target: tuple[str, ...]) -> Path:
    """A folder of a name that nobody has: of two runs in one millisecond, the second takes the next."""
    while True:
        path = where / _name(current, target)
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            time.sleep(0.001)
        else:
            return path


def _name(current: tuple[str, ...], target: tuple[str, ...]) -> str:
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%dT%H-%M-%S}-{now.microsecond // 1000:03d}Z_{_short(current)}_{_short(target)}"


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


def crashed(settings: Settings, database: str, version_table: str | None = None) -> tuple[Crashed, ...]:
    """Runs on `database` (a label, of whichever user) that neither finished nor wrote a report, newest first.

    With `version_table` only those on that one: each tenant of a database has its own.

    Those before a run that did come to its end are history: it carried on from them. `alive`: the process that made
    one still runs on this machine.
    """
    found = []
    for path in directories(settings):
        if not (path / JOURNAL).exists():
            continue
        if (path / REPORT).exists():
            if ended(path, database, version_table):
                break
            continue
        last = journal.unfinished(path / JOURNAL)
        if last is not None and _is_about(last, database, version_table):
            found.append(Crashed(str(path), last, _alive(last)))
    return tuple(found)


def ended(path: Path, database: str, version_table: str | None = None) -> bool:
    """Whether the run directory `path` is of a run on `database` (a label) that came to its end."""
    if not (path / REPORT).exists() or not (path / JOURNAL).exists():
        return False
    return any(_is_about(entry, database, version_table) for entry in journal.read(path / JOURNAL))


def _is_about(entry: dict[str, Any], database: str, version_table: str | None) -> bool:
    if not same_database(entry.get("database"), database):
        return False
    return version_table is None or entry.get("version_table") in (None, version_table)


def same_database(one: str | None, other: str | None) -> bool:
    """Whether two labels (`user@host:port/dbname`) name one database, whoever asks: several roles migrate it."""
    return one is not None and other is not None and _place(one) == _place(other)


def _place(label: str) -> tuple[str, str, str]:
    """Host, port and database. A folder of sockets has slashes, a user of some providers an @."""
    host, _, database = re.sub(r"^[^/]*@", "", label).rpartition("/")
    match = re.fullmatch(r"(.*):([\d,]+)", host)
    return (match[1], match[2], database) if match else (host, _PORT, database)


def is_alive(path: Path) -> bool:
    """Whether the process that made the run directory `path` still runs on this machine."""
    last = journal.unfinished(path / JOURNAL)
    return last is not None and _alive(last)


def may_be_alive(path: Path) -> bool:
    """Whether the process that made `path` still runs, or may on another machine: there was a sign of it of late."""
    last = journal.unfinished(path / JOURNAL)
    if last is None or last.get("host") == socket.gethostname():
        return last is not None and _alive(last)
    return time.time() - (path / JOURNAL).stat().st_mtime < _LATELY


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
