"""Reads backups back: a migsafe backup against its checksums, and any pg_dump file to its last byte."""

import gzip
import os
import re
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import IO

import msgspec

from migsafe.backup import manifest
from migsafe.errors import MigsafeError
from migsafe.postgres.binaries import find

_ARCHIVE, _GZIP, _ZSTD, _LZ4 = b"PGDMP", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18"
_COMPLETE = re.compile(rb"^-- PostgreSQL database dump complete", re.MULTILINE)
_CLUSTER = re.compile(rb"^-- PostgreSQL database cluster dump complete", re.MULTILINE)
_CLUSTER_BEGINS = re.compile(rb"\A(--\s*)*PostgreSQL database cluster dump")
_BLOCK = 1024 * 1024
# pg_dump's archive version (pg_backup_archiver.h, K_VERS_1_15 and K_VERS_1_16) → the first major version that reads it.
_FORMATS = {15: 16, 16: 17}


class Unreadable(Exception):
    """An archive that pg_restore cannot read to its end; the text is the problem, in one sentence."""


def check(path: Path) -> tuple[str, ...]:
    """What is wrong with a migsafe backup, naming each file; empty when it is whole.

    Every byte is hashed and compared with the manifest, then the archive is read to its end by pg_restore.
    """
    if not path.is_dir():
        return (f"{path} is not a directory",)
    try:
        expected = manifest.read_manifest(path)
        about = manifest.read_about(path) if (path / manifest.ABOUT).is_file() else None
        problems = manifest.differences(path, expected, about.bytes if about is not None else {})
    except FileNotFoundError as error:
        return (f"{Path(str(error.filename)).name} is missing",)
    except (ValueError, msgspec.DecodeError) as error:
        return (_unusable(path, error),)
    except OSError as error:
        return (f"{error.filename or path}: {error.strerror}",)
    if not problems and manifest.ABOUT not in expected:
        problems = (f"{manifest.ABOUT} is not in {manifest.MANIFEST}",)
    if problems or about is None:
        return problems
    problem = read_in_full(path) or _of_another(path, about)
    return () if problem is None else (problem,)


def _of_another(path: Path, about: manifest.About) -> str | None:
    """What pg_dump wrote of the database, and what was recorded beside it, must be the same."""
    match = re.search(r"^;\s+dbname: (.*)$", _restored(path, "-", "--list"), re.MULTILINE)
    if match is None or match[1] == about.database:
        return None
    return f"toc.dat is a dump of the database {match[1]}, and {manifest.ABOUT} is about {about.database}"


def _unusable(path: Path, error: Exception) -> str:
    name = manifest.ABOUT if isinstance(error, msgspec.DecodeError) else manifest.MANIFEST
    return f"{name} is not usable: {error}"


def read_in_full(path: Path) -> str | None:
    """What is wrong with a file or folder that pg_dump or pg_dumpall made (any format), None when it is whole.

    Nothing is restored. `pg_restore --list` is not enough: it passes an archive that is cut in half (measured).
    """
    try:
        return _problem(path)
    except Unreadable as error:
        return str(error)
    except MigsafeError as error:
        return f"{path.name} cannot be read: {error.message}"
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        return f"{path.name} is damaged: {error}"
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror or error}"


def _problem(path: Path) -> str | None:
    if path.is_dir() and not (path / "toc.dat").is_file():
        return f"{path.name} holds no toc.dat: it is not a dump in the directory format, or not a whole one"
    start = _start(path)
    tar = start[257:262] == b"ustar" and not path.is_dir()
    if tar or path.is_dir() or start.startswith(_ARCHIVE):
        _restored(path, "/dev/null")
        return _tar(path) if tar else None
    for magic, program in ((_ZSTD, "zstd -d"), (_LZ4, "lz4 -d")):
        if start.startswith(magic):
            return f"{path.name} is compressed as a whole: unpack it with `{program}` and name the result"
    with gzip.open(path) if start.startswith(_GZIP) else path.open("rb") as file:
        return _plain(file, path.name)


def _start(path: Path) -> bytes:
    with (path / "toc.dat" if path.is_dir() else path).open("rb") as file:
        return file.read(512)


def _tar(path: Path) -> str | None:
    # pg_restore reads the members that it wants; restore.sql is the last one, and it does not want that.
    with tarfile.open(path) as archive:
        whole = "restore.sql" in archive.getnames()
    return None if whole else f"{path.name} is cut: it does not end with restore.sql"


def _plain(file: IO[bytes] | gzip.GzipFile, name: str) -> str | None:
    head = tail = file.read(_BLOCK)
    while block := file.read(_BLOCK):
        tail = (tail + block)[-_BLOCK:]
    ends = list((_CLUSTER if _CLUSTER_BEGINS.search(head) else _COMPLETE).finditer(tail))
    # "dump complete" is not the last line: \unrestrict follows it since 17.6.
    rest = tail[ends[-1].end() :].splitlines() if ends else []
    if ends and all(not line or line.startswith((b"--", b"\\unrestrict ")) for line in map(bytes.strip, rest)):
        return None
    return f"{name} does not end as pg_dump ends a dump: it is cut, or it is no dump" if tail else f"{name} is empty"


def schema(path: Path) -> str:
    """The SQL of an archive without its rows. Raises Unreadable."""
    return _restored(path, "-", "--schema-only")


def extensions(path: Path) -> tuple[str, ...]:
    """`CREATE EXTENSION IF NOT EXISTS …;` of each extension in an archive, with its schema. Raises Unreadable."""
    contents = _restored(path, "-", "--list").splitlines()
    wanted = [line for line in contents if line.split(" ")[3:4] == ["EXTENSION"]]
    if not wanted:
        return ()
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".list") as chosen:
        chosen.write("".join(f"{line}\n" for line in wanted))
        chosen.flush()
        text = _restored(path, "-", f"--use-list={chosen.name}")
    return tuple(line for line in text.splitlines() if line.startswith("CREATE EXTENSION "))


def _restored(path: Path, target: str, *options: str) -> str:
    command = [str(pg_restore_of(path)), *options, f"--file={target}", str(path)]
    done = subprocess.run(command, capture_output=True, env=_environment(), check=False)
    if done.returncode != 0:
        raise Unreadable(complaint(path, done.stderr.decode(errors="replace")))
    return done.stdout.decode()


def pg_restore_of(path: Path) -> Path:
    """The pg_restore that reads an archive. Raises ToolMissing."""
    start = _start(path)
    known = start.startswith(_ARCHIVE) and len(start) > 6 and start[5] == 1
    return find("pg_restore", max(14, _FORMATS.get(start[6], 14 if start[6] < 15 else 18)) if known else 14)


def complaint(path: Path, text: str) -> str:
    """What pg_restore says is wrong with an archive, in a sentence."""
    said = [line.removeprefix("pg_restore: ").removeprefix("error: ") for line in text.splitlines() if line.strip()]
    return f"{path.name} cannot be read to its end: {said[0] if said else 'pg_restore failed without saying why'}"


def _environment() -> dict[str, str]:
    return os.environ | {"LC_ALL": "C"}
