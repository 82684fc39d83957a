"""Files of saved rows: COPY text in gzip, readable by their owner only, on disk before anything is destroyed."""

import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from migsafe.errors import MigsafeError
from migsafe.model.report import BackupFile

DIRECTORY, MANIFEST, SCHEMA = "saved", "manifest.json", "schema.dump"
# The fastest level: rows compress to little more than with the default one, in a third of the time (measured).
_LEVEL = 1
_BUFFER = 1 << 18


class NotSaved(MigsafeError):
    """What would be destroyed could not be saved; nothing was changed."""

    exit_code = 3


class Damaged(MigsafeError):
    """A saved file is not what was written."""

    exit_code = 3


class Writer:
    """One file under way: `take` rows, then `close` it for its size and checksum.

    `rows` and `raw`, the bytes of their text, are counted; `last` is the last line.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.path, self.name = folder / name, name
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._digest, self._packer = hashlib.sha256(), zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
        self.bytes = self.rows = self.raw = 0
        self.last = b""

    def take(self, rows: Iterable[bytes | bytearray | memoryview]) -> None:
        """Add lines of COPY text, one each."""
        waiting: list[bytes | bytearray | memoryview] = []
        held = 0
        for row in rows:
            waiting.append(row)
            held += len(row)
            if held >= _BUFFER:
                self._flush(waiting)
                waiting, held = [], 0
        self._flush(waiting)

    def _flush(self, lines: list[bytes | bytearray | memoryview]) -> None:
        if not lines:
            return
        data = b"".join(lines)
        self.last = bytes(lines[-1])
        self.rows += len(lines)
        self.raw += len(data)
        self._put(self._packer.compress(data))

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self.bytes += len(data)
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def close(self) -> BackupFile:
        """Have it on disk, whole."""
        self._put(self._packer.flush())
        os.fsync(self._file)
        self.abandon()
        return BackupFile(path=self.name, bytes=self.bytes, sha256=self._digest.hexdigest())

    def abandon(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def synchronise(folder: Path) -> None:
    """Have the names of the files on disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def checked(folder: Path, file: BackupFile) -> str | None:
    """What is wrong with a saved file, in a sentence; None when it is what was written."""
    path = folder / file.path
    try:
        size = path.stat().st_size
        if size != file.bytes:
            return f"{path} has {size:,} bytes instead of {file.bytes:,}"
        with path.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != file.sha256:
                return f"{path} is not what was written: its SHA-256 differs from {MANIFEST}"
    except FileNotFoundError:
        return f"{path} is missing"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    return None


def blocks(path: Path) -> Iterator[bytes]:
    """The COPY text of a saved file, in blocks."""
    unpacker = zlib.decompressobj(31)
    with path.open("rb") as file:
        while data := file.read(_BUFFER):
            yield unpacker.decompress(data)
    yield unpacker.flush()
