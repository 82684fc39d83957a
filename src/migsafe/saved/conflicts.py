"""The rows that were not put back, or were put over newer values: all in a file, a few for the terminal."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from migsafe.model.restored import Conflict


class Conflicts:
    """A file of JSON lines, 0600, on disk before the transaction of the rows is committed."""

    def __init__(self, path: Path, shown: int = 10) -> None:
        self.path, self.shown = path, shown
        self.first: list[Conflict] = []
        self._seen: dict[str, None] = {}

    def add(self, found: list[Conflict]) -> None:
        """Write down those that are not there yet: of a batch that was killed, they are."""
        fresh = {_line(each): each for each in found}
        fresh = {line: each for line, each in fresh.items() if line not in self._seen}
        self._seen |= dict.fromkeys(fresh)
        self.first += list(fresh.values())[: max(0, self.shown - len(self.first))]
        if fresh:
            self._write("".join(fresh).encode())

    def resume(self) -> None:
        """Go on with the file of a restore that was cut off."""
        with suppress(FileNotFoundError):
            for line in self.path.read_text(encoding="utf-8").splitlines(keepends=True):
                if line.endswith("\n"):
                    self._seen[line] = None
                    if len(self.first) < self.shown:
                        self.first.append(msgspec.json.decode(line, type=Conflict))

    def begin(self) -> None:
        """A new restore: what an earlier one wrote is not of this one."""
        self.path.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())


def _line(conflict: Conflict) -> str:
    facts: dict[str, Any] = msgspec.structs.asdict(conflict)
    return json.dumps(facts, ensure_ascii=False) + "\n"
