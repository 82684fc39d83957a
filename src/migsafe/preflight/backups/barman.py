"""Barman: the JSON of list-backups, show-server, show-backup and check (its output.py), one after the other."""

from typing import Any

from migsafe.preflight.backups.found import Found

# WAITING_FOR_WALS has been copied, and cannot be restored until the WAL it needs has come (BackupInfo).
_DONE = "DONE"
_SYSTEMS = ("systemid", "postgres_systemid")


def is_it(documents: list[Any]) -> bool:
    """Whether every document is an object by server, and one lists backups; or a line of `check --nagios` is there."""
    return any(isinstance(each, str) for each in documents) or any(
        isinstance(each, dict) and any(_backups(part) is not None for part in each.values()) for each in documents
    )


def read(documents: list[Any], identifier: str | None) -> Found:
    """The server of the cluster `identifier`, or the only one. Raises KeyError, TypeError or ValueError where cut."""
    lines = [each for each in documents if isinstance(each, str)]
    objects = [each for each in documents if isinstance(each, dict)]
    servers = dict.fromkeys(name for each in objects for name in each if name != "_INFO")
    systems = {name: system for name in servers if (system := _system(objects, name)) is not None}
    ours = [name for name in servers if systems.get(name) == identifier and identifier is not None]
    if not ours and len(servers) > 1:
        several = f"it has several servers ({', '.join(servers)})"
        return Found(tool="Barman", systems=tuple(systems.values()), doubts=(several,))
    nagios = tuple(line for line in lines if not line.startswith("BARMAN OK"))
    if not servers:
        doubts = () if nagios else ("it lists no backups: add the output of barman -f json list-backups SERVER",)
        return Found(tool="Barman", faults=nagios, doubts=doubts)
    server = next(iter(ours or servers))
    parts = [each[server] for each in objects if server in each]
    backups = [backup for part in parts for backup in _backups(part) or ()]
    good = [each for each in backups if each["status"] == _DONE]
    newest = max(good, key=_end, default=None)
    return Found(
        tool=f"Barman, server {server}",
        systems=tuple(system for name, system in systems.items() if name == server),
        newest=_end(newest) if newest else None,
        label=newest["backup_id"] if newest else None,
        failed=tuple(f"{each['backup_id']} ({each['status']})" for each in backups if each["status"] == "FAILED"),
        archived=max((segment for part in parts if (segment := _last_segment(part))), default=None),
        faults=(*nagios, *(fault for part in parts for fault in _failed_checks(part))),
    )


def _backups(part: Any) -> list[dict[str, Any]] | None:
    """The backups in one server's part of a document: a list of them, or a single one."""
    if isinstance(part, list) and all(isinstance(each, dict) and "backup_id" in each for each in part):
        return part
    return [part] if isinstance(part, dict) and {"backup_id", "status"} <= set(part) else None


def _end(backup: dict[str, Any]) -> float:
    return float(backup.get("base_backup_information", backup)["end_time_timestamp"])


def _system(objects: list[Any], server: str) -> str | None:
    parts = (each[server] for each in objects if isinstance(each.get(server), dict))
    found = (str(part[key]) for part in parts for key in _SYSTEMS if part.get(key) not in (None, "None"))
    return next(found, None)


def _last_segment(part: Any) -> str | None:
    return part.get("wal_information", {}).get("last_available") if isinstance(part, dict) else None


def _failed_checks(part: Any) -> list[str]:
    if not isinstance(part, dict):
        return []
    checks = {name: each for name, each in part.items() if isinstance(each, dict) and set(each) == {"status", "hint"}}
    failed = {name: each["hint"] for name, each in checks.items() if each["status"] == "FAILED"}
    return [f"check {name} failed" + (f" ({hint})" if hint else "") for name, hint in failed.items()]
