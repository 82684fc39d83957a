"""When a job of pg_cron runs: its schedule, read as cron's crontab(5) and pg_cron's README have it."""

import calendar
import datetime
import re

_MONTHS = [name.lower() for name in calendar.month_abbr]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LAST_DAY = "$"


def is_due(schedule: str, start: datetime.datetime, seconds: float) -> bool | None:
    """Whether a job starts within `seconds` of `start`, a time of the server; None for a schedule nobody can read."""
    text = schedule.strip().lower()
    if re.fullmatch(r"\d+ seconds?", text):
        return True
    if text == "@reboot":
        return False
    fields = _MACROS.get(text, text).split()
    if len(fields) != len(_RANGES):
        return None
    try:
        wanted = [_values(field, *limits) for field, limits in zip(fields, _RANGES, strict=True)]
    except ValueError:
        return None
    minute = start.replace(second=0, microsecond=0) + datetime.timedelta(minutes=1)
    end = start + datetime.timedelta(seconds=min(seconds, 7 * 86400.0))
    while minute <= end:
        if _matches(minute, wanted, fields):
            return True
        minute += datetime.timedelta(minutes=1)
    return False


def _values(field: str, low: int, high: int) -> frozenset[int]:
    """The numbers that one field means. Raises ValueError for what is none."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == _LAST_DAY:
            continue
        first, _, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = _number(first)
            end = _number(last) if last else high if step else begin
        if not low <= begin <= end <= high:
            raise ValueError(field)
        found |= set(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str) -> int:
    if text in _DAYS:
        return _DAYS.index(text)
    return _MONTHS.index(text) if text in _MONTHS[1:] else int(text)


def _matches(at: datetime.datetime, wanted: list[frozenset[int]], fields: list[str]) -> bool:
    minutes, hours, days, months, weekdays = wanted
    if at.minute not in minutes or at.hour not in hours or at.month not in months:
        return False
    is_last = _LAST_DAY in fields[2].split(",") and at.day == calendar.monthrange(at.year, at.month)[1]
    by_day = at.day in days or is_last
    by_weekday = bool({at.isoweekday() % 7, at.isoweekday()} & weekdays)
    # Where both are given, either will do (crontab(5)).
    if fields[2].startswith("*") or fields[4].startswith("*"):
        return by_day and by_weekday
    return by_day or by_weekday
