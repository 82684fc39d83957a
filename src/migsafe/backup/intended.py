"""What a restore is about to do, in the words of somebody who has to agree to it."""

import msgspec

from migsafe.backup.target import Archive, Place, absent_roles, foreign_roles
from migsafe.errors import RestoreRefused
from migsafe.postgres.connection import Database


class Intended(msgspec.Struct, frozen=True):
    """A sentence a line; `name` is the database, which the operator is asked to type."""

    name: str
    lines: tuple[str, ...]


def intended(archive: Archive, place: Place, database: Database, *, in_place: bool, new: bool) -> Intended:
    """What is restored, where to, and what happens to what is there."""
    about = archive.about
    heads = " ".join(about.heads) or "base"
    rows = f"{len(about.rows)} tables, {sum(about.rows.values()):,} rows"
    lines = [
        f"Backup   {archive.path}",
        f"         of {about.database}, PostgreSQL {about.server_version_text}, taken {about.started}: {rows}",
        f"         Alembic was at {heads} then",
    ]
    if in_place:
        lines.append(
            f"Replace  {database.label}, in one transaction; {place.sessions} other sessions are connected to it"
        )
        lines.append(f"         what was written since {about.started} is lost: {len(place.held)} objects are replaced")
    else:
        lines.append(
            f"Restore  into {database.label}, {'which will be made' if new else 'which is empty'}, by parallel jobs"
        )
    if about.system_identifier != place.identifier:
        which = place.identifier or "not visible to this role (GRANT EXECUTE ON FUNCTION pg_control_system())"
        lines.append(f"Cluster  the backup is of {about.system_identifier or 'one that is not known'}, this is {which}")
    lines += [f"Without  {sentence}" for sentence in about.missing]
    return Intended(database.dbname, tuple(lines))


def check_roles(archive: Archive, place: Place) -> None:
    """Raise RestoreRefused where pg_restore would stop at an owner or a GRANT."""
    absent = absent_roles(archive, place)
    if absent:
        statements = " ".join(f'CREATE ROLE "{name}";' for name in absent)
        raise RestoreRefused(
            f"roles that the backup needs are not on this server: {', '.join(absent)}; nothing was changed",
            f"{statements} (globals.sql has their attributes), or add --no-owner: without owners and grants.",
        )
    foreign = foreign_roles(archive, place)
    if foreign:
        raise RestoreRefused(
            f"{place.role} may give nothing to {', '.join(foreign)}; nothing was changed",
            "Restore as a superuser or a member of them, or add --no-owner: without owners and grants.",
        )
