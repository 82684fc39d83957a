"""A backup that somebody else made: whole, and with the rows of the tables that matter."""

import collections
import datetime
import gzip
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from migsafe.postgres.binaries import find

_COMPLETE = "PostgreSQL database dump complete"
# pg_dump of 2025 and later writes \unrestrict after the line that says complete.
_LAST_LINES = 10
_DATA = re.compile(r"-- Data for Name: (.*); Type: TABLE DATA; Schema: (.*); Owner: ")
_VERSION = re.compile(r"-- Dumped from database version (\d+)")
_READ_TIMEOUT = 4 * 3600.0

Table = tuple[str, str]


class Evidence(msgspec.Struct, frozen=True):
    """What reading a dump to its end found: `fault` None when it is whole; `tables` have their rows in it.

    `unreadable`: migsafe cannot read this kind of file; that is no fault of the file. `database` is where it is from,
    `version` the major version of that server, `created` what an archive's header says, as if it were UTC.
    """

    kind: str
    fault: str | None = None
    unreadable: bool = False
    tables: frozenset[Table] = frozenset()
    database: str | None = None
    version: int | None = None
    created: float | None = None


def modified(path: Path) -> float:
    """Seconds since the epoch at which the dump was last written; that of its newest file for a directory."""
    files = list(path.iterdir()) if path.is_dir() else [path]
    return max((file.stat().st_mtime for file in files), default=path.stat().st_mtime)


def length(path: Path) -> int:
    """Bytes of the dump; of all its files for a directory."""
    return sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))


def read(path: Path, server: int, wanted: frozenset[Table]) -> Evidence:
    """Read a dump of pg_dump in full: an archive (custom, directory, tar) with pg_restore, SQL (also gzip) here.

    `server` is a major version, `wanted` the tables that are looked for. Raises ToolMissing without pg_restore.
    """
    if path.is_dir():
        return _archive(path, server, wanted)
    with path.open("rb") as file:
        head = file.read(512)
    if head[257:262] == b"ustar":
        fault = _tar_fault(path)
        return _archive(path, server, wanted) if fault is None else Evidence("tar archive", fault=fault)
    if head[:5] == b"PGDMP":
        return _archive(path, server, wanted)
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return _zstd(path)
    if head[:4] == b"\x04\x22\x4d\x18":
        return Evidence("SQL, lz4", fault="it is compressed with lz4", unreadable=True)
    return _plain(path, gzipped=head[:2] == b"\x1f\x8b")


def _archive(path: Path, server: int, wanted: frozenset[Table]) -> Evidence:
    """`pg_restore --list` ends with 0 on half a file (measured): only reading all of it tells."""
    program = str(find("pg_restore", server))
    whole = _run([program, "-f", "/dev/null", str(path)])
    if whole.returncode != 0:
        return Evidence("archive", fault=_last_line(whole.stderr))
    listed = _run([program, "--list", str(path)]).stdout
    found = {table for table in wanted if f" TABLE DATA {table[0]} {table[1]} " in listed}
    database = re.search(r"^;\s+dbname: (.*)$", listed, re.MULTILINE)
    version = re.search(r"^;\s+Dumped from database version: (\d+)", listed, re.MULTILINE)
    return Evidence(
        "archive",
        tables=frozenset(found),
        database=database[1] if database else None,
        version=int(version[1]) if version else None,
        created=_created(listed),
    )


def _created(listed: str) -> float | None:
    found = re.search(r"^; Archive created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", listed, re.MULTILINE)
    return datetime.datetime.fromisoformat(f"{found[1]}+00:00").timestamp() if found else None


def _tar_fault(path: Path) -> str | None:
    """What is wrong with a tar file, None when it is whole.

    On half of one pg_restore of 18 ends with 0, or reads for ever (both measured), so it is not asked about that.
    """
    try:
        with tarfile.open(path, "r:") as archive, path.open("rb") as file:
            archive.getmembers()
            file.seek(archive.offset)
            if file.read(tarfile.BLOCKSIZE) == bytes(tarfile.BLOCKSIZE):
                return None
    except tarfile.TarError as error:
        return str(error)
    return "the tar file has no end"


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_READ_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        hours = _READ_TIMEOUT / 3600
        return subprocess.CompletedProcess(command, 1, "", f"pg_restore had not read it to its end after {hours:.0f} h")


def _last_line(text: str) -> str:
    lines = [line.removeprefix("pg_restore: ").strip() for line in text.splitlines() if line.strip()]
    return (lines or ["pg_restore says nothing"])[-1]


def _plain(path: Path, gzipped: bool) -> Evidence:
    kind = "SQL, gzip" if gzipped else "SQL"
    try:
        with gzip.open(path, "rb") if gzipped else path.open("rb") as file:
            return _lines(kind, file)
    except (EOFError, OSError) as error:
        return Evidence(kind, fault=f"it cannot be read to its end ({error})")


def _zstd(path: Path) -> Evidence:
    """SQL that zstd packed, read through that program: Python has no zstd before 3.14."""
    program = shutil.which("zstd")
    if program is None:
        return Evidence("zstd", fault="it is compressed with zstd, and that program is not here", unreadable=True)
    with subprocess.Popen(
        [program, "-dcq", "--", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        if process.stdout.peek(5)[:5] == b"PGDMP":  # type: ignore[attr-defined]  # a BufferedReader, by default
            process.kill()
            return Evidence("zstd", fault="it is an archive inside zstd", unreadable=True)
        found = _lines("SQL, zstd", process.stdout)
        code = process.wait()
    return found if code == 0 else Evidence("SQL, zstd", fault=f"zstd cannot read it to its end (it ended with {code})")


def _lines(kind: str, lines: Iterable[bytes]) -> Evidence:
    tables: set[Table] = set()
    last: collections.deque[str] = collections.deque(maxlen=_LAST_LINES)
    version: int | None = None
    for raw in lines:
        line = raw.decode("utf-8", errors="replace")
        last.append(line)
        match = _DATA.match(line)
        if match is not None:
            tables.add((match[2], match[1]))
        elif version is None and (said := _VERSION.match(line)) is not None:
            version = int(said[1])
    if not any(_COMPLETE in line for line in last):
        return Evidence(kind, fault=f'it does not end with "{_COMPLETE}"')
    return Evidence(kind, tables=frozenset(tables), version=version)
