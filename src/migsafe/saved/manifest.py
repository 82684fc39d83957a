"""`saved/manifest.json`: what was saved, of which cluster, and how long it is kept."""

from pathlib import Path

import msgspec

from migsafe import rundir
from migsafe.errors import UsageError
from migsafe.model.report import BackupFile
from migsafe.model.saved import Manifest
from migsafe.postgres.saved_facts import Server
from migsafe.saved.files import DIRECTORY, MANIFEST, Damaged, checked


def write(directory: Path, manifest: Manifest) -> None:
    """Write it into the run directory, whole or not at all, on disk when this returns. Raises OSError."""
    rundir.write(directory / DIRECTORY / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")


def has_saved(directory: Path) -> bool:
    """Whether anything was saved in this run directory, whole."""
    return (directory / DIRECTORY / MANIFEST).is_file()


def read(directory: Path) -> Manifest:
    """What was saved in a run directory. Raises UsageError when nothing was, Damaged when it cannot be read."""
    path = directory / DIRECTORY / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise UsageError(
            f"{directory.name} saved nothing: no statement of it destroyed anything, or it was killed before it began",
            "`migsafe runs` lists the others; a dump of the whole is restored with its restore.sh.",
        ) from None
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}", "Run as the user who ran it.") from None
    except msgspec.DecodeError as error:
        raise Damaged(f"{path} is damaged: {error}", "Take it from a copy of the run directory.") from None


def files_of(manifest: Manifest) -> tuple[BackupFile, ...]:
    """Every file that belongs to it."""
    chunks = [chunk for part in manifest.parts for chunk in part.chunks]
    found = [chunk.file for chunk in chunks if chunk.table is None]
    found += [each for chunk in chunks for each in (chunk.after, chunk.spared) if each is not None]
    return (*found, *([manifest.schema] if manifest.schema else []))


def ensure_whole(directory: Path, manifest: Manifest) -> None:
    """Raise Damaged, naming every file that is missing, cut or changed."""
    wrong = [said for file in files_of(manifest) if (said := checked(directory / DIRECTORY, file)) is not None]
    if wrong:
        raise Damaged("; ".join(wrong), "Nothing was restored. Take these files from a copy of the run directory.")


def ensure_same_cluster(manifest: Manifest, server: Server) -> None:
    """Raise Damaged when the rows were saved from another cluster or database than the one we are connected to."""
    here, there = server.identifier, manifest.system_identifier
    if here is not None and there is not None and here != there:
        raise Damaged(
            f"the rows were saved from the cluster with the system identifier {there}, and this one is {here}",
            "Name the right server with --url, or give --other-cluster if this one is a copy of it.",
        )
    if server.database != manifest.database:
        raise Damaged(
            f"the rows were saved from the database {manifest.database}, and this is {server.database}",
            "Name the right database with --url, or give --other-cluster if this one is a copy of it.",
        )
