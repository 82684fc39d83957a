"""Runs pg_restore: parallel, into a database that is there, with the connection only in its environment."""

import re
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from migsafe.backup.dump import condensed, end, environment
from migsafe.backup.read import pg_restore_of
from migsafe.errors import RestoreFailed
from migsafe.postgres.binaries import find, version_of
from migsafe.postgres.connection import Database, redact

Progress = Callable[[str, float | None], None]

_LOADING = re.compile(r'processing data for table "(.*)"')
_PREFIX = re.compile(r"^(?:pg_restore: ?)+")
# Since 17 pg_restore sets it, whatever the server.
_UNKNOWN_SETTING = 'unrecognized configuration parameter "transaction_timeout"'
_REMEDIES = (
    ("permission denied", "Restore as a role that may, or as a superuser."),
    ("must be owner", "Restore as a superuser, or as a member of the roles that own things in the backup."),
    ("No space left", "The server's disk is full: free space there, drop what was restored, and try again."),
    ("can only create extension in database", "This extension lives in one database: restore into another server."),
)


def load(
    path: Path,
    database: Database,
    *,
    server_version: int,
    jobs: int,
    tables: int,
    options: Sequence[str] = (),
    on_progress: Progress,
) -> None:
    """Restore the archive at `path` into `database`; `tables` is how many it has, for the progress.

    Raises ToolMissing, and RestoreFailed with what pg_restore said first. Whatever ends it early, Ctrl-C too, ends
    pg_restore.
    """
    program = _program(path, server_version)
    newest = (version_of(program) or (server_version, ""))[0]
    stays = server_version < 17 <= newest
    command = [str(program), f"--jobs={max(1, jobs)}", "--no-password", "--verbose", *options]
    command += [] if stays else ["--exit-on-error"]
    command += [f"--dbname={database.dbname}", str(path)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(database) | {"PGAPPNAME": "migsafe restore"},
        text=True,
        errors="replace",
    )
    try:
        said = _watch(process, tables, on_progress)
    except BaseException:
        end(process)
        raise
    errors = [line for line in said if "error:" in line and not (stays and _UNKNOWN_SETTING in line)]
    # Its workers write a line in pieces, each between those of the others: a line tells nothing, their number does.
    excused = sum(line.count(_UNKNOWN_SETTING) for line in said) if stays else 0
    failed = sum(line.count("error:") for line in said) > excused
    if failed or (process.returncode != 0 and not stays):
        raise _failure(said if not stays else errors or said, process.returncode, database)


def _program(path: Path, server_version: int) -> Path:
    """The server's own pg_restore where it can read the archive, else the one that can."""
    reader = pg_restore_of(path)
    needed = (version_of(reader) or (server_version, ""))[0]
    return reader if needed >= server_version else find("pg_restore", server_version)


def _watch(process: subprocess.Popen[str], tables: int, on_progress: Progress) -> list[str]:
    """The last lines, and every error."""
    last: deque[str] = deque(maxlen=50)
    errors: list[str] = []
    begun = 0
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            text = _PREFIX.sub("pg_restore: ", line.rstrip())
            (errors if "error:" in text or _UNKNOWN_SETTING in text else last).append(text)
            loading = _LOADING.search(line)
            if loading is not None:
                begun += 1
                fraction = min(1.0, (begun - 1) / tables) if tables else None
                on_progress(f"restoring {loading[1]} (table {begun})", fraction)
    process.wait()
    return [*errors, *last] if errors else list(last)


def _failure(said: Sequence[str], code: int, database: Database) -> RestoreFailed:
    texts = (line.replace("pg_restore: ", "", 1) for line in said)
    first = next((text.removeprefix("error: ") for text in texts if text.startswith("error:")), None)
    message = redact(first or condensed(said) or f"it ended with {code} and said nothing", database)
    remedy = next((text for sign, text in _REMEDIES if sign in message), None)
    return RestoreFailed(f"pg_restore into {database.label} failed: {message}", remedy)
