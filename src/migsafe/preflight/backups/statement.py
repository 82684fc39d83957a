"""What only a provider's API can tell, written down by somebody who has looked, until a day."""

import datetime
from typing import Any

import msgspec

from migsafe.preflight.backups.found import Found, NotEvidence


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{"provider": "rds", "kind": "point-in-time", "latest_restorable_time": …, "expires": …, "said_by": …}`.

    Times are ISO 8601 with a time zone. `kind` is what the provider calls it; `system_identifier` binds it.
    """

    provider: str
    kind: str
    latest_restorable_time: datetime.datetime
    expires: datetime.datetime
    said_by: str
    system_identifier: str | int | None = None


def is_it(documents: list[Any]) -> bool:
    """Whether the first document names a provider."""
    return isinstance(documents[0], dict) and "provider" in documents[0]


def read(documents: list[Any], identifier: str | None) -> Found:
    """The statement as a backup that ended at the latest restorable time. Raises NotEvidence naming the wrong field."""
    try:
        said = msgspec.convert(documents[0], Statement)
    except msgspec.ValidationError as error:
        raise NotEvidence(f"is no statement of a provider: {error}") from None
    for name in ("latest_restorable_time", "expires"):
        if getattr(said, name).tzinfo is None:
            raise NotEvidence(f"has a {name} without a time zone: write 2026-05-01T12:00:00Z")
    if not said.said_by.strip():
        raise NotEvidence("does not say who says so: said_by is empty")
    return Found(
        tool=f"{said.provider}, {said.kind}",
        systems=(str(said.system_identifier),) if said.system_identifier else (),
        newest=said.latest_restorable_time.timestamp(),
        label="latest restorable time",
        said_by=said.said_by,
        expires=said.expires.timestamp(),
    )
