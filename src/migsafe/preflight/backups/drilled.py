"""What `migsafe restore --drill` has left beside a backup: whether it was ever restored, when, and what came of it."""

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from migsafe.model.drill import FILE, Drill
from migsafe.preflight.wording import duration, some

MANIFEST = "MANIFEST.sha256"


def newest(backups: Iterable[Path], database: str, identifier: str | None) -> tuple[Path, Drill] | None:
    """The last drill of a backup of `database`, of the cluster `identifier` where that is known."""
    found = [(path, drill) for path in backups if (drill := read(path)) is not None]
    ours = [
        (path, drill)
        for path, drill in found
        if drill.database == database
        and (None in (identifier, drill.system_identifier) or drill.system_identifier == identifier)
    ]
    return max(ours, key=lambda each: each[1].ended, default=None)


def read(backup: Path) -> Drill | None:
    """The drill of the backup in this folder; None when there is none, or it is of another backup."""
    try:
        drill = msgspec.json.decode((backup / FILE).read_bytes(), type=Drill)
        manifest = hashlib.sha256((backup / MANIFEST).read_bytes()).hexdigest()
    except (OSError, msgspec.DecodeError):
        return None
    return drill if drill.manifest == manifest else None


def age(drill: Drill) -> float:
    """Seconds since the drill ended."""
    return max(0.0, time.time() - drill.ended.timestamp())


def sentence(path: Path, drill: Drill) -> str:
    """What came of the drill, and when."""
    how = "equal" if drill.equal else f"{some(drill.differences)}"
    return (
        f"{path} was restored in a drill {duration(age(drill))} ago on {drill.server}: {drill.tables} tables, "
        f"{drill.rows:,} rows, {drill.objects} objects; {how}."
    )
