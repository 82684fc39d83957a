"""One comment that speaks to migsafe: `migsafe: ignore[rule-a, rule-b] reason until=2027-01-31`."""

import datetime
import re

import msgspec

_FORM = "Write `migsafe: ignore[rule] reason`, or `ignore-file` at the top of the file for all of it."
_IGNORE = re.compile(r"migsafe:\s*ignore(?P<file>-file)?\[(?P<rules>[^\[\]]*)\](?P<rest>.*)", re.DOTALL)
# What was meant to be one, and is none: it silences nothing, and has to be told. Prose about migsafe is neither.
_MEANT = re.compile(r"migsafe\s*(:\s*(ign|noqa|disable|allow|skip)|:?\s*[\w-]*\s*\[|:?\s*ignore\b)", re.IGNORECASE)
_NEXT = re.compile(r"\s#+\s*(?=migsafe\b)")
_OTHER_TOOLS = re.compile(r"\s#\s*(noqa|type:|pylint|nosec|fmt:|pragma).*", re.DOTALL)
_UNTIL = re.compile(r"(?:^|(?<=[\s(]))until=(?P<day>[^\s,;)]*)")
_LIKE_UNTIL = re.compile(r"\b(until|till|expires?)\s*[:=]?\s*\d{4}-?\d\d", re.IGNORECASE)
_EMPTY = re.compile(r"(^|\s)\(\s*\)")
_NAME = re.compile(r"[\w-]+")


class Directive(msgspec.Struct, frozen=True):
    """What a comment accepts, or in `problem` why it accepts nothing. `until` is the last day on which it holds."""

    rules: tuple[str, ...] = ()
    reason: str = ""
    until: datetime.date | None = None
    whole_file: bool = False
    problem: str | None = None
    fix: str = _FORM


def directives(comment: str) -> tuple[Directive, ...]:
    """What a comment (without its marks) says to migsafe; nothing for one that is about something else."""
    parts = (part.strip() for part in _NEXT.split(comment.lstrip("# \t")))
    return tuple(found for part in parts if (found := _directive(part)) is not None)


def _directive(text: str) -> Directive | None:
    match = _IGNORE.fullmatch(text)
    if match is None:
        return Directive(problem="is not one that migsafe can read") if _MEANT.match(text) else None
    rules = tuple(name.strip() for name in match["rules"].split(","))
    if not all(_NAME.fullmatch(name) for name in rules):
        return Directive(problem="names no rule" if rules == ("",) else "is not one that migsafe can read")
    return _with_reason(_OTHER_TOOLS.sub("", match["rest"]), rules, bool(match["file"]))


def _with_reason(rest: str, rules: tuple[str, ...], whole_file: bool) -> Directive:
    days = [match["day"] for match in _UNTIL.finditer(rest)]
    reason = _UNTIL.sub("", rest)
    if len(days) > 1 or _LIKE_UNTIL.search(reason) or any(_day(each) is None for each in days):
        said = days[0] if days else "as it stands there"
        return Directive(problem=f"has no day that can be read ({said})", fix="Write the day like until=2027-01-31.")
    until = _day(days[0]) if days else None
    reason = " ".join(_EMPTY.sub(" ", reason).split()).strip(" :-\u2014")
    return Directive(rules, reason if re.search(r"\w", reason) else "", until, whole_file)


def _day(text: str) -> datetime.date | None:
    text = text.rstrip(".")
    try:
        return datetime.date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None
