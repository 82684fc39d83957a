"""Runs pg_dump: parallel, in the directory format, with the connection only in its environment."""

import os
import re
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from migsafe.errors import BackupFailed
from migsafe.postgres.connection import Database, redact

Progress = Callable[[str, float | None], None]

_DUMPING = re.compile(r'dumping contents of table "(.*)"')
# Its workers write to one pipe, and each line in pieces: `pg_dump: pg_dump: dumping …`, `dumping …` (measured).
_PREFIX = re.compile(r"^(?:pg_dump: ?)+")
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
) -> None:
    """Dump `database` into the new folder `target`, readable by its owner only.

    `lock_timeout` (seconds) is how long pg_dump waits for ACCESS SHARE on all tables; `sizes` are bytes by
    `schema.table`, for the progress. Raises BackupFailed with what pg_dump said, condensed. Whatever ends it early,
    Ctrl-C too, ends pg_dump.
    """
    command = [
        str(program),
        "--format=directory",
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
        said = _watch(process, sizes, jobs, on_progress)
    except BaseException:
        end(process)
        raise
    if process.returncode != 0:
        raise _failure(said, process.returncode, database)


def environment(database: Database) -> dict[str, str]:
    """What a PostgreSQL program is started with: English messages, and where to connect to."""
    return os.environ | {"LC_ALL": "C", "PGAPPNAME": "migsafe backup"} | database.environment()


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


def _watch(process: subprocess.Popen[str], sizes: Mapping[str, int], jobs: int, on_progress: Progress) -> deque[str]:
    said: deque[str] = deque(maxlen=200)
    begun: list[str] = []
    total = sum(sizes.values())
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            said.append(_PREFIX.sub("pg_dump: ", line.rstrip()))
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


def condensed(said: deque[str]) -> str:
    """The error of a verbose pg_dump in a line: first error with what follows it, without queries and narration."""
    start = next((index for index, line in enumerate(said) if "error:" in line), max(0, len(said) - 3))
    lines = [line for line in list(said)[start:] if not _NOISE.match(line)]
    texts = (line.removeprefix("pg_dump: ").removeprefix("error: ").strip() for line in lines[:6])
    return re.sub(r"\s+", " ", "; ".join(dict.fromkeys(text for text in texts if text)))
