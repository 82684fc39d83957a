"""Numbers and sessions in words."""

from collections.abc import Iterable

from migsafe.model.run import Blocker

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """Bytes as `pg_size_pretty()` has them, in powers of 1024."""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit and value < 10 else f"{value:.0f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def some(names: Iterable[str], at_most: int = 5) -> str:
    """`a, b, c`, and how many more there are."""
    listed = list(dict.fromkeys(names))
    more = len(listed) - at_most
    return ", ".join(listed[:at_most]) + (f" and {more} more" if more > 0 else "")


def session(blocker: Blocker) -> str:
    """Who it is: pid, application, user, what it is doing and for how long. What is masked is said to be."""
    about = [blocker.application or "", f"user {blocker.user}" if blocker.user else ""]
    about.append(blocker.state or "state not visible")
    if blocker.age is not None:
        about.append(f"in a transaction for {duration(blocker.age)}")
    who = f"prepared transaction {blocker.gid!r}" if blocker.pid == 0 else f"pid {blocker.pid}"
    return f"{who} ({', '.join(part for part in about if part)})"
