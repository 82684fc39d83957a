"""Whether a backup can and may be restored to a place: everything is asked before anything is changed there."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from migsafe.backup.manifest import About, read_about, read_catalog
from migsafe.backup.read import Unreadable, check, extensions
from migsafe.errors import RestoreRefused
from migsafe.postgres.described import target as ask

_EXTENSION = re.compile(r'CREATE EXTENSION IF NOT EXISTS ("(?:[^"]|"")+"|\S+)')
_FEW = 5


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A database to restore into, as its server tells: the columns of the query `backup_target`.

    `held` are objects that somebody made in it; `sessions` of others; `comment` is that of the database, and `owned`
    tells whether this role may change it. `identifier` is the cluster's, None when this role may not see it.
    """

    database: str
    version: int
    version_text: str
    standby: bool
    superuser: bool
    role: str
    encoding: str
    sessions: int
    comment: str | None
    owned: bool
    identifier: str | None
    available: frozenset[str]
    roles: frozenset[str]
    member_of: frozenset[str]
    tablespaces: frozenset[str]
    held: tuple[str, ...]


class Archive(msgspec.Struct, frozen=True):
    """A backup that was read in full; `extensions` are the names of those in it."""

    path: Path
    about: About
    extensions: tuple[str, ...]


def opened(path: Path) -> Archive:
    """The backup at `path`, every byte of it compared with its checksums and read to its end.

    Raises RestoreRefused naming each file that is missing, cut, changed or unknown, and ToolMissing.
    """
    problems = check(path)
    if problems:
        raise RestoreRefused(
            f"{path} is not the backup that was made: {'; '.join(problems)}. Nothing was changed", "Use another backup."
        )
    try:
        read_catalog(path)
        statements = extensions(path)
    except (Unreadable, ValueError) as error:
        raise RestoreRefused(str(error), "Use another backup.") from None
    except OSError as error:
        reason = f"{error.filename} cannot be read ({error.strerror}): nothing tells what has to come back"
        raise RestoreRefused(reason, f"Without a comparison: sh {path.parent / 'restore.sh'}") from None
    names = (match[1].strip('"').rstrip(";") for each in statements if (match := _EXTENSION.match(each)))
    return Archive(path, read_about(path), tuple(names))


def look(connection: psycopg.Connection[Any]) -> Place:
    """The database of `connection` as a place to restore into."""
    return msgspec.convert(ask(connection), Place)


def possible(archive: Archive, place: Place) -> None:
    """Raise RestoreRefused when the server cannot hold what is in the backup."""
    about = archive.about
    if place.standby:
        raise RestoreRefused("this server is a standby; nothing can be restored here", "Connect to the primary.")
    if place.version < about.server_version:
        raise RestoreRefused(
            f"the server is PostgreSQL {place.version_text}, and the backup is of {about.server_version_text}",
            f"Restore into a server of version {about.server_version} or newer.",
        )
    missing = [name for name in archive.extensions if name not in place.available]
    if missing:
        raise RestoreRefused(
            f"the server does not have what the backup needs: extension {', '.join(missing)}",
            "Install its package on the server's machine, or name another server: --to URL.",
        )


def allowed(archive: Archive, place: Place, *, overwrite: str | None, another_cluster: bool, resumed: bool) -> None:
    """Raise RestoreRefused unless the place is empty, the rest of our own restore, or the very database, named.

    `overwrite` is the name of the database as the operator typed it.
    """
    about = archive.about
    elsewhere = None not in (about.system_identifier, place.identifier) and about.system_identifier != place.identifier
    if elsewhere and not another_cluster:
        raise RestoreRefused(
            f"this is cluster {place.identifier}, and the backup is of cluster {about.system_identifier}; "
            "nothing was changed",
            "Connect to the server that it is of, or add --other-cluster to restore here all the same.",
        )
    if not place.held or resumed:
        return
    has = f"{place.database} is not empty ({_some(place.held)}); nothing was changed"
    if place.database != about.database or elsewhere:
        other = f", and the backup is of {about.database}" if place.database != about.database else ""
        raise RestoreRefused(f"{has}{other}", "Name a database that is empty, or is not there yet: it will be made.")
    if overwrite != place.database:
        said = f"; {overwrite} was named to be overwritten" if overwrite else ""
        remedy = f"Name an empty database, or add --overwrite {place.database} to put it back to what the backup holds."
        raise RestoreRefused(f"{has}{said}", remedy)


def absent_roles(archive: Archive, place: Place) -> tuple[str, ...]:
    """Roles that own something in the backup, or may use it, and that the server does not have."""
    return tuple(name for name in archive.about.roles if name not in place.roles)


def foreign_roles(archive: Archive, place: Place) -> tuple[str, ...]:
    """Roles that the server has, and that the restoring role may not give anything to."""
    if place.superuser:
        return ()
    return tuple(name for name in archive.about.roles if name in place.roles and name not in place.member_of)


def program_options(archive: Archive, place: Place) -> tuple[str, ...]:
    """What pg_restore has to leave out here: tablespaces that the server does not have."""
    known = all(name in place.tablespaces for name in archive.about.tablespaces)
    return () if known else ("--no-tablespaces",)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return f"{', '.join(names[:_FEW])}{more}"
