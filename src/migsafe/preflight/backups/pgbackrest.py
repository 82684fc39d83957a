"""`pgbackrest info --output=json`: a list of stanzas (its user guide, "Monitoring"; fields of info.c)."""

from typing import Any

from migsafe.preflight.backups.found import Found

# pgBackRest's command reference, info.
_STATUS = {
    1: "missing stanza path",
    2: "no valid backups",
    3: "missing stanza data",
    4: "different across repositories",
    5: "database mismatch across repositories",
    6: "requested backup not found",
    99: "other",
}
_MIXED = (4, 5)


def is_it(documents: list[Any]) -> bool:
    """Whether the first document is such a list."""
    first = documents[0]
    return (
        isinstance(first, list) and bool(first) and isinstance(first[0], dict) and {"status", "name"} <= set(first[0])
    )


def read(documents: list[Any], identifier: str | None) -> Found:
    """The stanza of the cluster `identifier`, or the only one. Raises KeyError, TypeError or ValueError where cut."""
    stanzas = documents[0]
    ours = [stanza for stanza in stanzas if identifier in _systems(stanza)]
    systems = tuple(dict.fromkeys(each for stanza in ours or stanzas for each in _systems(stanza)))
    if not ours and len(stanzas) > 1:
        names = ", ".join(stanza["name"] for stanza in stanzas)
        return Found(tool="pgBackRest", systems=systems, doubts=(f"it has several stanzas ({names})",))
    stanza = (ours or stanzas)[0]
    # A stanza outlives upgrades of the server: each database in its history has a number.
    numbers = {each["id"] for each in stanza["db"] if identifier in (None, str(each["system-id"])) or not ours}
    backups = [each for each in stanza["backup"] if each["database"]["id"] in numbers]
    good = [each for each in backups if not each.get("error")]
    newest = max(good, key=lambda each: float(each["timestamp"]["stop"]), default=None)
    segments = [each["max"] for each in stanza["archive"] if each["database"]["id"] in numbers and each["max"]]
    faults, doubts = _status(stanza)
    return Found(
        tool=f"pgBackRest, stanza {stanza['name']}",
        systems=systems,
        newest=float(newest["timestamp"]["stop"]) if newest else None,
        label=newest["label"] if newest else None,
        failed=tuple(each["label"] for each in backups if each.get("error")),
        archived=max(segments, default=None),
        faults=faults,
        doubts=doubts,
    )


def _systems(stanza: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(each["system-id"]) for each in stanza.get("db", ()))


def _status(stanza: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    code = stanza["status"]["code"]
    if code == 0:
        return (), ()
    said = f"its status is {code}, {stanza['status'].get('message') or _STATUS.get(code, 'unknown')}"
    whole = [repo for repo in stanza.get("repo", ()) if repo["status"]["code"] == 0]
    return ((), (said,)) if code in _MIXED and whole else ((said,), ())
