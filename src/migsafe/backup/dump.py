"""Runs pg_dump: parallel, in the directory format, with the connection only in its environment."""

import functools
import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from migsafe.errors import BackupFailed
from migsafe.postgres.connection import Database, redact

Progress = Callable[[str, float | None], None]

_DUMPING = re.compile(r'dumping contents of table "(.*)"')
# Its workers write to one pipe, and each line in pieces: `pg_dump: pg_dump: dumping …`, `dumping …` (measured).
_PREFIX = re.compile(r"^(?:pg_dump: ?)+")
_LOCKING = "reading user-defined tables"
ZSTD = "--compress=zstd"
_NOWHERE, _FURTHER = "/nonexistent/migsafe", ("could not create directory", "connection to server")
# pg_dump waits for its locks under statement_timeout, and lifts it before it reads rows.
_TIMED_OUT = "canceling statement due to statement timeout"
_LOCKED = "a table is locked by another session"
_REMEDIES = (
    ("permission denied", 'GRANT pg_read_all_data TO "{user}"; or dump as the owner of the tables.'),
    (
        "row-level security",
        'Dump as a role that sees every row: ALTER ROLE "{user}" BYPASSRLS; a dump without them is no backup.',
    ),
    (
        _LOCKED,
        "Wait for the session that holds ACCESS EXCLUSIVE, or find it with `migsafe preflight`; then try again.",
    ),
    ("No space left", "Free space there, or set `runs` to a directory on a larger disk."),
    ("too many", "Lower `backup_jobs`: pg_dump needs one connection more than jobs."),
    ("remaining connection slots", "Lower `backup_jobs`: pg_dump needs one connection more than jobs."),
)
_NOISE = re.compile(r"^(pg_dump: )?(detail: |hint: )?(Query was: |Command was: )")


def dump(
    program: Path,
    database: Database,
    target: Path,
    *,
    jobs: int,
    lock_timeout: float,
    sizes: Mapping[str, int],
    on_progress: Progress,
    snapshot: str,
    on_locked: Callable[[], object],
) -> None:
    """Dump `database` as of `snapshot` into the new folder `target`, readable by its owner only.

    `lock_timeout` (seconds) is how long pg_dump waits for ACCESS SHARE on all tables, `on_locked` is called when it
    has them; `sizes` are bytes by `schema.table`, for the progress. Raises BackupFailed with what pg_dump said,
    condensed. Whatever ends it early, Ctrl-C too, ends pg_dump.
    """
    command = [
        str(program),
        "--format=directory",
        *compression(program),
        f"--snapshot={snapshot}",
        f"--jobs={max(1, jobs)}",
        "--no-password",
        f"--lock-wait-timeout={max(1, round(lock_timeout * 1000))}",
        "--verbose",
        f"--file={target}",
    ]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(database),
        text=True,
        errors="replace",
        umask=0o077,
    )
    try:
        said = _watch(process, sizes, jobs, on_progress, on_locked)
    except BaseException:
        end(process)
        raise
    if process.returncode != 0:
        raise _failure(said, process.returncode, database)


@functools.cache
def compression(program: Path) -> tuple[str, ...]:
    """`--compress=zstd` where this pg_dump was built with it (16 and newer may be), else nothing: that is gzip.

    It refuses that before it makes the folder and connects, and here it can do neither. What it packs, the pg_restore
    beside it unpacks.
    """
    command = [str(program), "--format=directory", f"--file={_NOWHERE}", f"--host={_NOWHERE}", ZSTD, "--no-password"]
    try:
        asked = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, env=_english(), check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return (ZSTD,) if any(sign in asked.stderr for sign in _FURTHER) else ()


def environment(database: Database) -> dict[str, str]:
    """What a PostgreSQL program is started with: English messages, UTC, and where to connect to.

    The text of a timestamptz depends on the time zone, and so would its checksum.
    """
    return _english() | {"PGTZ": "UTC", "PGAPPNAME": "migsafe backup"} | database.environment()


def _english() -> dict[str, str]:
    return os.environ | {"LC_ALL": "C"}


def end(process: subprocess.Popen[str]) -> None:
    """End a program, kindly first: pg_dump cancels its queries on SIGTERM."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stderr is not None:
        process.stderr.close()


def _watch(
    process: subprocess.Popen[str],
    sizes: Mapping[str, int],
    jobs: int,
    on_progress: Progress,
    on_locked: Callable[[], object],
) -> deque[str]:
    said: deque[str] = deque(maxlen=200)
    begun: list[str] = []
    locking = False
    total = sum(sizes.values())
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            said.append(_PREFIX.sub("pg_dump: ", line.rstrip()))
            if locking and "error:" not in line:
                on_locked()
            # It locks the tables while it reads what they are; then comes its next line.
            locking = _LOCKING in line
            table = begun_with(line)
            if table is not None:
                # The last ones begun, as many as there are jobs, are still being written.
                finished = sum(sizes.get(name, 0) for name in begun[: len(begun) + 1 - jobs])
                begun.append(table)
                on_progress(f"dumping {table} (table {len(begun)})", finished / total if total else None)
    process.wait()
    return said


def begun_with(line: str) -> str | None:
    """The table that a line of a verbose pg_dump says it begins with, None for any other line."""
    match = _DUMPING.search(line)
    return match[1] if match is not None else None


def _failure(said: deque[str], code: int, database: Database) -> BackupFailed:
    message = redact(condensed(said) or f"it ended with {code} and said nothing", database)
    message = message.replace(f"query failed: ERROR: {_TIMED_OUT}", _LOCKED)
    user = database.parameters.get("user") or os.environ.get("PGUSER") or "the role"
    remedy = next((text.format(user=user) for sign, text in _REMEDIES if sign in message), None)
    return BackupFailed(f"pg_dump of {database.label} failed: {message}", remedy)


def condensed(said: Iterable[str]) -> str:
    """The error of a verbose pg_dump in a line: first error with what follows it, without queries and narration."""
    all_of_it = list(said)
    start = next((index for index, line in enumerate(all_of_it) if "error:" in line), max(0, len(all_of_it) - 3))
    lines = [line for line in all_of_it[start:] if not _NOISE.match(line)]
    texts = (line.removeprefix("pg_dump: ").removeprefix("error: ").strip() for line in lines[:6])
    return re.sub(r"\s+", " ", "; ".join(dict.fromkeys(text for text in texts if text)))
