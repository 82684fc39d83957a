"""The checksums of a backup, in the format that `sha256sum -c` reads, and what the backup says of itself."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from migsafe.model import drill
from migsafe.model.report import BackupFile
from migsafe.postgres.described import Object

MANIFEST, ABOUT, CATALOG = "MANIFEST.sha256", "backup.json", "catalog.copy"
# COPY's text format (manual, COPY, File Formats).
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


class About(msgspec.Struct, frozen=True, kw_only=True):
    """`backup.json`. Versions are texts as the programs print them; times ISO 8601 in UTC; no password is in `label`.

    `rows` are the rows of the dump by `schema.table`, `checksums` those of content.Table and `copied` what COPY names
    the columns; `sequences` where they stood; `encoding` that of the dump's texts. `bytes` are the sizes of its files
    by name. `system_identifier` is that of the cluster, None when the role may not see it; `locale` what
    CREATE DATABASE needs, by its words; `roles` and `tablespaces` those that something refers to. `heads` are
    Alembic's when the dump was taken. `missing` says what is not in it.
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
    checksums: dict[str, str] = {}
    copied: dict[str, str] = {}
    sequences: dict[str, tuple[int, bool]] = {}
    encoding: str = "UTF8"
    locale: dict[str, str] = {}
    roles: tuple[str, ...] = ()
    tablespaces: tuple[str, ...] = ()
    bytes: dict[str, int] = {}
    missing: tuple[str, ...] = ()


def write_about(directory: Path, about: About) -> None:
    """Write `backup.json` for its owner only. Raises OSError."""
    _write(directory / ABOUT, msgspec.json.format(msgspec.json.encode(about), indent=2) + b"\n")


def read_about(directory: Path) -> About:
    """What `backup.json` says. Raises OSError, or msgspec.DecodeError when it is not what migsafe writes."""
    return msgspec.json.decode((directory / ABOUT).read_bytes(), type=About)


def sizes(directory: Path) -> dict[str, int]:
    """Bytes of every file of a backup, by name relative to it, but for the manifest and the drill that came after."""
    found = {str(path.relative_to(directory)): path for path in sorted(directory.rglob("*")) if path.is_file()}
    return {name: path.stat().st_size for name, path in found.items() if name not in (MANIFEST, drill.FILE)}


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


def write_catalog(directory: Path, objects: Iterable[Object]) -> None:
    """Write `catalog.copy`, which psql reads with COPY … FROM STDIN. Raises OSError."""
    lines = ("\t".join(map(_escaped, each)) + "\n" for each in objects)
    _write(directory / CATALOG, "".join(lines).encode())


def read_catalog(directory: Path) -> tuple[Object, ...]:
    """The objects that were recorded. Raises OSError, or ValueError when a line is not what migsafe writes."""
    lines = (directory / CATALOG).read_text(encoding="utf-8").split("\n")[:-1]
    return tuple(_object(line, number) for number, line in enumerate(lines, 1))


def _object(line: str, number: int) -> Object:
    fields = [re.sub(r"\\(.)", lambda match: _ESCAPED.get(match[1], match[1]), field) for field in line.split("\t")]
    if len(fields) != 3:
        raise ValueError(f"{CATALOG}: line {number} has {len(fields)} fields instead of 3")
    return fields[0], fields[1], fields[2]


def _escaped(text: str) -> str:
    for letter, written in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(letter, written)
    return text


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
