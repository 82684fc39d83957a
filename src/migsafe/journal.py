"""Append-only JSON lines, each written before the next thing happens: what a run was doing when it died."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_OFTEN = frozenset({"revision", "revision-done", "statement", "skipped"})


class Journal:
    """The journal of one run. Opened for appending, 0600.

    A process that is killed loses nothing. Against a machine that dies every entry is fsynced but those of single
    statements and revisions, which a history has hundreds of: what is durable of them, the database knows (decision
    014). An entry is an object with `at` (ISO 8601, UTC), `event`, and what belongs to the event.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, event: str, **facts: Any) -> None:
        """Append one entry. Raises OSError when the disk is full: a run without a journal must stop."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts})
        data = line.encode() + b"\n"
        while data:
            data = data[os.write(self._file, data) :]
        if event not in _OFTEN:
            os.fsync(self._file)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of a journal; a last line that was cut in the middle is left out."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(entry, dict) and "event" in entry:
            yield entry


def unfinished(path: Path) -> dict[str, Any] | None:
    """What the run of this journal was doing when it ended without saying so; None when it ended properly.

    Keys: those of "started" (`pid`, `host`, `database`…), `event` of the last entry, and `revision`, `place` and `sql`
    of the statement as far as that revision came.
    """
    run: dict[str, Any] = {}
    last: dict[str, Any] = {}
    for entry in read(path):
        if entry["event"] == "ended":
            return None
        if entry["event"] == "started":
            run = entry
        last = (run if entry["event"] == "revision" else last) | entry
    return last or None
