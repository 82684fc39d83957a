"""A restore that was tried: what was recorded when the backup was made, against what came out of it."""

import datetime

import msgspec

FILE = "drill.json"


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """`backup/drill.json`. `manifest` is the SHA-256 of the backup's MANIFEST.sha256: whose drill it is.

    `ended` is in UTC, `seconds` from a monotonic clock; `server` is the label of where it was restored, without a
    password. `tables`, `rows` and `objects` were compared, `checksums` are the tables whose content was too.
    `differences` are sentences, none when everything is equal; `not_compared` says what could not be, and why.
    """

    manifest: str
    database: str
    system_identifier: str | None
    taken: str
    ended: datetime.datetime
    seconds: float
    server: str
    server_version: str
    tables: int = 0
    rows: int = 0
    objects: int = 0
    checksums: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether what came out of the backup is what went into it."""
        return not self.differences
