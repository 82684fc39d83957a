"""Whether the backups that a tool lists are good enough: of this cluster, recent, without errors, with their WAL."""

import datetime
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from psycopg import errors

from migsafe.model.checks import Check, CheckResult, Status
from migsafe.preflight.answer import answer
from migsafe.preflight.asking import Connection, ask
from migsafe.preflight.backups.found import Found, NotEvidence
from migsafe.preflight.backups.recognise import KNOWN, recognise
from migsafe.preflight.space import segments_between
from migsafe.preflight.wording import duration, some
from migsafe.settings import Settings

COMMAND_TIMEOUT = 300.0
# GitLab pauses its migrations at this many segments that wait for the archive.
FAR_BEHIND = 42
# Clocks of two machines differ.
_SKEW = 300.0

Problem = tuple[Status, str, str | None]


class Cluster(msgspec.Struct, frozen=True):
    """Which cluster this is (None: this role may not see it), and the WAL segment it writes (None on a standby)."""

    identifier: str | None
    current: str | None
    segment_size: int
    user: str


def cluster(connection: Connection) -> Cluster:
    """The cluster that `connection` leads to."""
    row = ask(connection, "preflight_archiving")[0]
    try:
        identifier = str(ask(connection, "preflight_identifier")[0]["identifier"])
    except errors.InsufficientPrivilege:
        identifier = None
    return Cluster(identifier, row["current"], row["segment_size"], connection.info.user)


def from_file(check: Check, path: Path, connection: Connection, settings: Settings) -> Iterator[CheckResult]:
    """Answers about the output of a backup tool that was saved in a file. Raises OSError."""
    text = path.read_text(encoding="utf-8", errors="replace")
    yield from _read(check, str(path), text, cluster(connection), settings, live=False)


def from_command(check: Check, connection: Connection, settings: Settings) -> Iterator[CheckResult]:
    """Answers about what `backup_command` prints now. It is cut into words as a shell does, and run without one."""
    remedy = "Run backup_command by hand, in the folder of the settings, as the user that runs migsafe."
    try:
        done = subprocess.run(
            shlex.split(settings.backup_command or ""),
            cwd=settings.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMMAND_TIMEOUT,
        )
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        yield answer(check, "unknown", f"backup_command could not be run ({type(error).__name__}).", remedy=remedy)
        return
    # `barman check --nagios` ends with 2 when it has something to say.
    if done.returncode != 0 and "BARMAN " not in done.stdout:
        yield answer(check, "unknown", f"backup_command ended with {done.returncode}.", remedy=remedy)
        return
    yield from _read(check, "backup_command", done.stdout, cluster(connection), settings, live=True)


def _read(
    check: Check, where: str, text: str, cluster: Cluster, settings: Settings, *, live: bool
) -> Iterator[CheckResult]:
    try:
        found = recognise(text, cluster.identifier)
    except NotEvidence as error:
        others = f"Give all that one of these prints: {KNOWN}; or a dump of pg_dump."
        yield answer(check, "blocked", f"{where} {error}.", subject=where, remedy=others)
        return
    against, shown = problems(found, cluster, settings, live=live), _shown(found, cluster)
    for status, message, remedy in against:
        said = f"{where} ({found.tool}): {message}."
        yield answer(check, status, said, subject=where, remedy=remedy, evidence=shown)
    if not against:
        who = f", {found.said_by} says" if found.said_by else ""
        age = duration(max(time.time() - (found.newest or 0.0), 0.0))
        said = f"{where} ({found.tool}): {found.label} is {age} old and of this cluster{who}."
        yield answer(check, "passed", said, subject=where, evidence=shown)


def problems(found: Found, cluster: Cluster, settings: Settings, *, live: bool) -> tuple[Problem, ...]:
    """What speaks against these backups: (status, message, remedy) each. `live`: the tool says so now."""
    return (
        *_of_itself(found),
        *_of_this_cluster(found, cluster),
        *_age(found, settings),
        *_archive(found, cluster, live=live),
    )


def _shown(found: Found, cluster: Cluster) -> dict[str, str]:
    shown = {"system identifier": cluster.identifier or "not visible", "of": ", ".join(found.systems) or "not said"}
    ended = found.newest and datetime.datetime.fromtimestamp(found.newest, datetime.UTC).isoformat(timespec="seconds")
    more = {"backup": found.label, "ended": ended, "archived": found.archived, "writing": cluster.current}
    return shown | {name: str(value) for name, value in more.items() if value}


def _of_itself(found: Found) -> Iterator[Problem]:
    if found.faults:
        yield "blocked", "; ".join(found.faults), "Mend that, and make a new backup."
    for doubt in found.doubts:
        yield "warned", doubt, "Give the output for this one cluster, with all its details."


def _of_this_cluster(found: Found, cluster: Cluster) -> Iterator[Problem]:
    if cluster.identifier is None:
        grant = f"GRANT EXECUTE ON FUNCTION pg_control_system() TO {cluster.user};"
        yield "unknown", "this role may not see which cluster this is, and so not whose backup that is", grant
    elif not found.systems:
        yield "warned", "it does not say which cluster it is of", _bind(found, cluster.identifier)
    elif cluster.identifier not in found.systems:
        other = f"it is of cluster {some(found.systems)}, and this is {cluster.identifier}"
        yield "blocked", other, "Name the backup of this cluster (its system identifier has to be the same)."


def _bind(found: Found, identifier: str) -> str:
    if found.tool.startswith("Barman"):
        return "Append what `barman -f json show-server SERVER` prints to the same file: it has the systemid."
    if found.said_by:
        return f'After looking that it is of this server, add "system_identifier": "{identifier}".'
    return "Use a version of the tool that prints the system identifier."


def _age(found: Found, settings: Settings) -> Iterator[Problem]:
    now = time.time()
    if found.expires is not None and found.expires < now:
        yield "blocked", f"it expired {duration(now - found.expires)} ago", "Look again at the provider, and say so."
    if found.newest is None:
        if not found.doubts and not found.faults:
            failed = f"; with errors: {some(found.failed)}" if found.failed else ""
            yield "blocked", f"it has no backup without an error{failed}", "Make a backup."
        return
    age = now - found.newest
    if age < -_SKEW:
        yield "warned", f"{found.label} ends {duration(-age)} in the future", "Which clock is wrong, or which file?"
    if age > settings.backup_max_age:
        limit = duration(settings.backup_max_age)
        failed = f"; later ones have errors: {some(found.failed)}" if found.failed else ""
        remedy = "Make a new backup, or raise backup_max_age if losing that much is agreed."
        yield "blocked", f"{found.label} is {duration(age)} old; backup_max_age is {limit}{failed}", remedy


def _archive(found: Found, cluster: Cluster, *, live: bool) -> Iterator[Problem]:
    """What is in the archive reaches to now; a file that was saved earlier may be behind by what came since."""
    if found.archived is None or cluster.current is None or cluster.identifier not in found.systems:
        return
    behind = segments_between(found.archived, cluster.current, cluster.segment_size)
    if behind is None:
        lines = f"its archive ends at {found.archived}, and the server writes {cluster.current}, on another timeline"
        yield "warned", lines, "Make a backup of the new timeline."
    elif behind > FAR_BEHIND:
        far = f"its archive ends at {found.archived}, {behind} segments before what the server writes"
        status: Status = "blocked" if live else "warned"
        yield status, far, "See wal-archiving; then ask the tool again."
