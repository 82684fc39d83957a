"""How many bytes are free on the server's disks, where that can honestly be known: SQL does not tell."""

import os
import shlex
import struct
import subprocess
from pathlib import Path

import msgspec
import psycopg

from migsafe.postgres.server_program import disk_free
from migsafe.preflight.asking import Connection, ask
from migsafe.preflight.metrics import Unanswered, from_node_exporter, from_prometheus
from migsafe.preflight.providers import recognised
from migsafe.preflight.space import WAL
from migsafe.settings import Settings

# pg_postmaster_start_time() is taken a moment after the time in postmaster.pid.
START_TOLERANCE = 10.0
COMMAND_TIMEOUT = 30.0
# The tablespace that has no folder in pg_tblspc (pg_tablespace.dat).
_PG_DEFAULT = 1663


class FileSystem(msgspec.Struct, frozen=True):
    """`available` and `total` bytes of one file system; `holds` are its places (see space.py), None for all of them.

    `device` is its number on this machine.
    """

    available: int
    total: int | None = None
    holds: frozenset[int] | None = None
    device: int | None = None


class Free(msgspec.Struct, frozen=True):
    """The file systems and how that is known; or none, and `source` says why and `remedy` what would tell."""

    systems: tuple[FileSystem, ...]
    source: str
    remedy: str | None = None

    @property
    def bytes(self) -> int | None:
        """What is free where least is, None when nothing is known."""
        return min((system.available for system in self.systems), default=None)


def free(connection: Connection, settings: Settings, places: tuple[int, ...]) -> Free:
    """What the operator's command, metrics or settings say, else the file systems proven to be the server's.

    Raises psycopg's InsufficientPrivilege when only data_directory, which this role may not see, could tell.
    """
    if settings.disk_command is not None:
        return said_by(settings.disk_command)
    if settings.prometheus_url is not None or settings.node_exporter_url is not None:
        return _by_metrics(settings)
    if settings.declared_free is not None:
        return _one(settings.declared_free, "declared_free in the settings")
    if settings.allow_server_program:
        return _by_server(connection, settings, places)
    row = ask(connection, "preflight_data_directory")[0]
    return on_this_machine(Path(row["directory"]), row["started"], int(row["identifier"]), places)


def _one(available: int, source: str, total: int | None = None) -> Free:
    return Free((FileSystem(available, total),), source)


def said_by(command: str) -> Free:
    """The number that `command` prints: bytes. It is cut into words as a shell does, and run without one."""
    try:
        words = shlex.split(command)
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_TIMEOUT)
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        return _no_answer(f"disk_command could not be run ({type(error).__name__})")
    if done.returncode != 0:
        return _no_answer(f"disk_command ended with {done.returncode}")
    if not done.stdout.strip().isdecimal():
        return _no_answer("disk_command did not print one whole number")
    return _one(int(done.stdout.strip()), "disk_command")


def _no_answer(why: str) -> Free:
    return Free((), why, "Make disk_command print the free bytes of the server's disk, as one number.")


def _by_metrics(settings: Settings) -> Free:
    try:
        if settings.prometheus_url is not None:
            available, source = from_prometheus(settings.prometheus_url, settings.prometheus_query), "Prometheus"
            return _one(available, source)
        available, total = from_node_exporter(settings.node_exporter_url or "", settings.mountpoint)
        return _one(available, f"node_exporter, {settings.mountpoint}", total)
    except Unanswered as error:
        return Free((), str(error), error.remedy)


def _by_server(connection: Connection, settings: Settings, places: tuple[int, ...]) -> Free:
    """What `df` says on the server, if this role may have it run and the server is not a managed one."""
    other = "Set disk_command, prometheus_url or declared_free in the settings."
    service = recognised(connection, settings)
    if service is not None:
        return Free((), f"{service.provider.name} runs no programs on its server", service.provider.disk)
    if not ask(connection, "preflight_server_programs")[0]["may"]:
        grant = f"GRANT pg_execute_server_program TO {connection.info.user}; or: {other}"
        return Free((), "this role may not make the server run df", grant)
    folders = {place: _folder(place) for place in places}
    try:
        mounted = disk_free(connection, tuple(str(folder) for folder in folders.values()))
    except (psycopg.Error, ValueError, StopIteration) as error:
        said = error.diag.message_primary if isinstance(error, psycopg.Error) else str(error)
        return Free((), f"the server could not run df ({said or type(error).__name__})", other)
    devices = {each.device: each for each in mounted}
    systems = (
        FileSystem(
            each.available,
            each.total,
            frozenset(place for place, on in zip(folders, mounted, strict=True) if on.device == each.device),
        )
        for each in devices.values()
    )
    return Free(tuple(systems), "df on the server")


def _folder(place: int) -> Path:
    """A place, relative to the data directory."""
    if place == WAL:
        return Path("pg_wal")
    return Path("base") if place == _PG_DEFAULT else Path("pg_tblspc") / str(place)


def on_this_machine(directory: Path, started: float, identifier: int, places: tuple[int, ...]) -> Free:
    """The file systems of `places` where the data directory is, if it is this server's own and on this machine.

    Proof: its pg_control has the server's system identifier, and its postmaster.pid the time the server started.
    A standby or a restored copy has the former, not the latter.
    """
    remedy = (
        "Set disk_command (a command that prints the free bytes), prometheus_url, node_exporter_url or declared_free "
        "in the settings; as a superuser on a server of your own: --allow-server-program."
    )
    try:
        (found,) = struct.unpack("=Q", (directory / "global" / "pg_control").read_bytes()[:8])
        lines = (directory / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        ours = found == identifier and abs(float(lines[2]) - started) <= START_TOLERANCE
    except PermissionError:
        return Free((), f"{directory} is on this machine and this user may not read it", remedy)
    except (OSError, ValueError, IndexError, struct.error):
        return Free((), "the server's data directory is not on this machine", remedy)
    if not ours:
        return Free((), f"{directory} on this machine is another server's", remedy)
    folders = {place: directory / _folder(place) for place in places or (_PG_DEFAULT,)}
    return Free(_systems(folders), f"the file system of {directory}")


def _systems(folders: dict[int, Path]) -> tuple[FileSystem, ...]:
    found: dict[int, FileSystem] = {}
    for place, folder in folders.items():
        device = folder.stat().st_dev
        known = found[device].holds if device in found else None
        stat = os.statvfs(folder)
        sizes = stat.f_bavail * stat.f_frsize, stat.f_blocks * stat.f_frsize
        found[device] = FileSystem(*sizes, (known or frozenset()) | {place}, device)
    return tuple(found.values())
