"""Durations as PostgreSQL's parameters have them."""

import re

_VALUE = re.compile(r"\s*(\d+)\s*(us|ms|s|min|h|d)?\s*")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(value: str | None) -> float:
    """Seconds of a duration: milliseconds without a unit (manual, section 19.1.1). 0: none, or not to be read."""
    match = _VALUE.fullmatch((value or "").strip("'"))
    return int(match[1]) * _SECONDS[match[2] or "ms"] if match else 0.0
