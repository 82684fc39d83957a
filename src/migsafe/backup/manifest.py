"""The checksums of a backup, in the format that `sha256sum -c` reads, and what the backup says of itself."""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from migsafe.model.report import BackupFile

MANIFEST, ABOUT = "MANIFEST.sha256", "backup.json"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """`backup.json`. Versions are texts as the programs print them; times ISO 8601 in UTC; no password is in `label`.

    `rows` are the rows of the dump by `schema.table`; `bytes` the sizes of its files by name. `system_identifier` is
    that of the cluster, None when the role may not see it. `heads` are Alembic's when the dump was taken.
    """

    database: str
    label: str
    server_version: int
    server_version_text: str
    system_identifier: str | None
    pg_dump: str
    migsafe: str
    started: str
    ended: str
    heads: tuple[str, ...] = ()
    rows: dict[str, int] = {}
    bytes: dict[str, int] = {}


def write_about(directory: Path, about: About) -> None:
    """Write `backup.json` for its owner only. Raises OSError."""
    _write(directory / ABOUT, msgspec.json.format(msgspec.json.encode(about), indent=2) + b"\n")


def read_about(directory: Path) -> About:
    """What `backup.json` says. Raises OSError, or msgspec.DecodeError when it is not what migsafe writes."""
    return msgspec.json.decode((directory / ABOUT).read_bytes(), type=About)


def sizes(directory: Path) -> dict[str, int]:
    """Bytes of every file of a backup, by name relative to it, but for the manifest."""
    found = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {str(path.relative_to(directory)): path.stat().st_size for path in found if path.name != MANIFEST}


def write_manifest(directory: Path, on_bytes: Callable[[int], None] | None = None) -> tuple[BackupFile, ...]:
    """Hash every file into the manifest and return them. `on_bytes` is told the bytes of each one. Raises OSError."""
    files = []
    for name, size in sizes(directory).items():
        files.append(BackupFile(path=name, bytes=size, sha256=digest(directory / name)))
        if on_bytes is not None:
            on_bytes(size)
    _write(directory / MANIFEST, "".join(f"{file.sha256}  {file.path}\n" for file in files).encode())
    return tuple(files)


def read_manifest(directory: Path) -> dict[str, str]:
    """SHA-256 in hex by file name. Raises OSError, or ValueError for a line that `sha256sum -c` would not take."""
    found: dict[str, str] = {}
    for number, line in enumerate((directory / MANIFEST).read_text(encoding="utf-8").splitlines(), 1):
        checksum, space, name = line[:64], line[64:66], line[66:]
        if space != "  " or not name or set(checksum) - set("0123456789abcdef"):
            raise ValueError(f"line {number} is not a checksum and a file name")
        found[name] = checksum
    if not found:
        raise ValueError("it is empty")
    return found


def differences(directory: Path, expected: Mapping[str, str], bytes_of: Mapping[str, int]) -> tuple[str, ...]:
    """One sentence for each file that is missing, cut, longer, changed or unknown. `bytes_of` sizes where known."""
    found = sizes(directory)
    strangers = [f"{name} is not in {MANIFEST}" for name in found if name not in expected]
    return (*filter(None, (_difference(directory, name, expected, bytes_of, found) for name in expected)), *strangers)


def _difference(
    directory: Path, name: str, expected: Mapping[str, str], bytes_of: Mapping[str, int], found: Mapping[str, int]
) -> str | None:
    if name not in found:
        return f"{name} is missing"
    if name in bytes_of and bytes_of[name] != found[name]:
        return f"{name} has {found[name]:,} bytes instead of {bytes_of[name]:,}"
    if digest(directory / name) != expected[name]:
        return f"{name} is not what was written: its SHA-256 differs from {MANIFEST}"
    return None


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
