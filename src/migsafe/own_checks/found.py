"""What one question of a team came to."""

from typing import Literal

import msgspec


class Found(msgspec.Struct, frozen=True):
    """`held`: as expected. `failed`: it is not. `unseen`: it could not be asked, and `remedy` says what would let it.

    `expected` and `found` are short texts for the evidence; `sql` the query, for a person to repeat.
    """

    state: Literal["held", "failed", "unseen"]
    message: str
    remedy: str | None = None
    expected: str | None = None
    found: str | None = None
    sql: str | None = None


# Insufficient privilege, cancelled, shutdown, connection lost, out of resources: no fault of the query.
NOT_ITS_FAULT = ("42501", "57014", "57P", "08", "53")


def shortened(sql: str) -> str:
    """A query in 80 characters of one line."""
    words = " ".join(sql.split())
    return words if len(words) <= 80 else words[:79] + "…"


def judged(holds: bool, message: str, *, expected: str | None = None, found: str | None = None) -> Found:
    return Found("held" if holds else "failed", message, expected=expected, found=found)
