"""Restores over the very database, all of it in one transaction: what restore.sh does, which is written afresh."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from migsafe.backup.dump import condensed, environment
from migsafe.backup.restore import write_restore_script
from migsafe.errors import RestoreFailed, RestoreRefused
from migsafe.model.plan import Plan
from migsafe.model.report import Backup
from migsafe.postgres.connection import Database, redact

_REFUSED = (1, 2)
# Restored and counted, and something in the catalog differs: who called compares it too.
_DONE = (0, 5)
_PATIENCE = 30.0


def restore_in_place(archive: Path, database: Database, plan: Plan, lock_timeout: float, another_cluster: bool) -> None:
    """Replace what `archive` holds and what `plan` made in `database`; whatever goes wrong, it stays as it is.

    The script in the run's directory is not used: nothing tells whether somebody changed it. `lock_timeout` in
    seconds. Raises RestoreRefused, and RestoreFailed with what the script said.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = write_restore_script(Path(folder), Backup(kind="dump", path=str(archive)), plan)
        command = [shutil.which("sh") or "/bin/sh", str(script), "--yes", "--to", database.dbname]
        command += ["--lock-timeout", str(max(1, round(lock_timeout)))]
        command += ["--other-cluster"] if another_cluster else []
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(database),
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            _, said = process.communicate()
        except BaseException:
            _end(process)
            raise
    if process.returncode in _DONE:
        return
    text = redact(condensed(_errors(said)) or f"it ended with {process.returncode}", database)
    kind = RestoreRefused if process.returncode in _REFUSED else RestoreFailed
    raise kind(f"{database.label}: {text}", "Read what it says; another database can be restored to beside this one.")


def _end(process: subprocess.Popen[str]) -> None:
    """End psql and pg_restore too. On SIGINT psql cancels what the server does for it, and that rolls back."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _errors(said: str) -> list[str]:
    lines = [line for line in said.splitlines() if "ERROR:" in line or line.startswith("restore.sh: ")]
    return [line.removeprefix("restore.sh: ") for line in lines] or said.splitlines()[-3:]
