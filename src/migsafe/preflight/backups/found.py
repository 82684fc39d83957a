"""What an answer of a backup tool comes to, whichever tool it is."""

import msgspec


class NotEvidence(Exception):
    """The text proves nothing: cut, empty, or of no tool that is known. The message is the end of `FILE …`."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Backups as `tool` lists them. Times are seconds since the epoch.

    `systems` are the system identifiers of the clusters they are of, empty where the tool does not say; `newest` and
    `label` the last backup without an error, None when there is none; `failed` the labels of those with one.
    `archived` is the newest WAL segment in the archive. `faults` speak against all of it, `doubts` want a person.
    `said_by` is who vouches for it and `expires` until when, where it is a person's word.
    """

    tool: str
    systems: tuple[str, ...] = ()
    newest: float | None = None
    label: str | None = None
    failed: tuple[str, ...] = ()
    archived: str | None = None
    faults: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    said_by: str | None = None
    expires: float | None = None
