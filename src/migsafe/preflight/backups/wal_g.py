"""`wal-g backup-list --json --detail`, and behind it, if you like, `wal-g wal-verify integrity timeline --json`."""

import datetime
from typing import Any

from migsafe.preflight.backups.found import Found


def is_it(documents: list[Any]) -> bool:
    """Whether the first document is a list of backups."""
    first = documents[0]
    return isinstance(first, list) and bool(first) and isinstance(first[0], dict) and "backup_name" in first[0]


def read(documents: list[Any], identifier: str | None) -> Found:
    """The backups of the cluster `identifier`. Raises KeyError, TypeError or ValueError where cut."""
    backups = documents[0]
    if any("finish_time" not in each for each in backups):
        return Found(tool="WAL-G", doubts=("it was made without --detail, and does not say when the backups ended",))
    systems = tuple(dict.fromkeys(str(each["system_identifier"]) for each in backups if each.get("system_identifier")))
    ours = [each for each in backups if identifier is not None and str(each.get("system_identifier")) == identifier]
    newest = max(ours or backups, key=_end)
    verified = [each for each in documents[1:] if isinstance(each, dict)]
    return Found(
        tool="WAL-G",
        systems=(identifier,) if ours and identifier else systems,
        newest=_end(newest),
        label=newest["backup_name"],
        archived=_last_segment(verified),
        faults=tuple(
            f"wal-verify {name} says {part['status']}"
            for each in verified
            for name, part in each.items()
            if part["status"] == "FAILURE"
        ),
    )


def _end(backup: dict[str, Any]) -> float:
    ended = datetime.datetime.fromisoformat(backup["finish_time"])
    return ended.replace(tzinfo=ended.tzinfo or datetime.UTC).timestamp()


def _last_segment(verified: list[dict[str, Any]]) -> str | None:
    details = [part for each in verified if "integrity" in each for part in each["integrity"].get("details") or ()]
    return max((part["end_segment"] for part in details if part["status"] == "FOUND"), default=None)
