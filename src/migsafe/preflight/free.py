"""How many bytes are free on the server's disk, where that can honestly be known: SQL does not tell."""

import os
import shlex
import struct
import subprocess
from pathlib import Path

import msgspec

from migsafe.preflight.asking import Connection, ask
from migsafe.settings import Settings

# pg_postmaster_start_time() is taken a moment after the time in postmaster.pid.
START_TOLERANCE = 10.0
COMMAND_TIMEOUT = 30.0


class Free(msgspec.Struct, frozen=True):
    """Bytes free and how that is known; or None, and `source` says why not and `remedy` what would tell."""

    bytes: int | None
    source: str
    remedy: str | None = None


def free(connection: Connection, settings: Settings, tablespaces: tuple[int, ...]) -> Free:
    """What the operator's command or settings say, else the file system where it is proven to be the server's.

    Raises psycopg's InsufficientPrivilege when only data_directory, which this role may not see, could tell.
    """
    if settings.disk_command is not None:
        return said_by(settings.disk_command)
    if settings.declared_free is not None:
        return Free(settings.declared_free, "declared_free in the settings")
    row = ask(connection, "preflight_data_directory")[0]
    return on_this_machine(Path(row["directory"]), row["started"], int(row["identifier"]), tablespaces)


def said_by(command: str) -> Free:
    """The number that `command` prints: bytes. It is cut into words as a shell does, and run without one."""
    try:
        words = shlex.split(command)
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMMAND_TIMEOUT)
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        return _no_answer(f"disk_command could not be run ({type(error).__name__})")
    if done.returncode != 0:
        return _no_answer(f"disk_command ended with {done.returncode}")
    if not done.stdout.strip().isdecimal():
        return _no_answer("disk_command did not print one whole number")
    return Free(int(done.stdout.strip()), "disk_command")


def _no_answer(why: str) -> Free:
    return Free(None, why, "Make disk_command print the free bytes of the server's disk, as one number.")


def on_this_machine(directory: Path, started: float, identifier: int, tablespaces: tuple[int, ...]) -> Free:
    """Free bytes where the data directory is, if it is this server's own and on this machine.

    Proof: its pg_control has the server's system identifier, and its postmaster.pid the time the server started.
    A standby or a restored copy has the former, not the latter.
    """
    remedy = "Set disk_command (a command that prints the free bytes) or declared_free in the settings."
    try:
        (found,) = struct.unpack("=Q", (directory / "global" / "pg_control").read_bytes()[:8])
        lines = (directory / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        ours = found == identifier and abs(float(lines[2]) - started) <= START_TOLERANCE
    except PermissionError:
        return Free(None, f"{directory} is on this machine and this user may not read it", remedy)
    except (OSError, ValueError, IndexError, struct.error):
        return Free(None, "the server's data directory is not on this machine", remedy)
    if not ours:
        return Free(None, f"{directory} on this machine is another server's", remedy)
    places = [directory, directory / "pg_wal", *(directory / "pg_tblspc" / str(oid) for oid in tablespaces if oid)]
    return Free(min(_available(place) for place in places if place.exists()), f"the file system of {directory}")


def _available(place: Path) -> int:
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize
