"""What a SELECT has to give: the one home of comparing rows, for checks of one's own and for op.verify."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from migsafe.own_checks.comparing import compares, number

Rows = tuple[tuple[Any, ...], ...]

_ROWS = re.compile(r"(?:(?P<least>at least|>=)\s+)?(?P<count>\d+)\s+rows?")
_COMPARISON = re.compile(r"(==|!=|<=|>=|<|>)\s*(\S.*)")


class Expectation(msgspec.Struct, frozen=True):
    """`words` says it for a person; `holds` judges the first `at_most` rows, which are enough to decide."""

    words: str
    at_most: int
    holds: Callable[[Rows], bool]


def expectation(expect: str | bool | int | float) -> Expectation:
    """What the key `expect` of a check means: see OwnCheck. A comparison is with the one value of the one row."""
    text = text_of(expect).strip()
    counted, compared = _ROWS.fullmatch(text), _COMPARISON.fullmatch(text)
    if text == "rows":
        return Expectation("at least one row", 1, bool)
    if counted is not None:
        count = int(counted["count"])
        if counted["least"]:
            return Expectation(f"at least {count} rows", count, lambda rows: len(rows) >= count)
        return Expectation(f"{count} rows", count + 1, lambda rows: len(rows) == count)
    if compared is not None:
        return Expectation(f"one value {text}", 3, lambda rows: _compares(rows, compared[1], compared[2]))
    return Expectation(in_words(text), 3, lambda rows: is_value(text, rows))


def is_value(expect: str, rows: Rows) -> bool:
    """Whether rows are what is expected: "true" (or 1), "no rows", "true or no rows", or the one value as text."""
    if expect in ("no rows", "true or no rows") and not rows:
        return True
    if expect == "no rows":
        return False
    expect = expect.removesuffix(" or no rows")
    if len(rows) != 1 or not rows[0]:
        return False
    value = rows[0][0]
    if expect == "true":
        return value is True or (isinstance(value, int | float | Decimal) and value == 1) or value in ("t", "true", "1")
    return expect in (("true", "t") if value is True else ("false", "f") if value is False else (text_of(value),))


def in_words(expect: str) -> str:
    said = {"true": "one row that is true or 1", "true or no rows": "one row that is true, or no row"}
    return said.get(expect, expect)


def text_of(value: Any) -> str:
    """A value as psql prints it, where Python has another word for it."""
    if value is None:
        return "NULL"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def shown(rows: Rows) -> str:
    """What came, in few words."""
    if not rows:
        return "no rows"
    first = ", ".join(text_of(value) for value in rows[0])
    return first if len(rows) == 1 else f"more than one row, the first is {first}"


def _compares(rows: Rows, comparison: str, wanted: str) -> bool:
    if len(rows) != 1 or not rows[0]:
        return False
    value, bare = rows[0][0], wanted.strip()
    quoted = re.fullmatch(r"'(.*)'|\"(.*)\"", bare)
    try:
        other: object = (quoted[1] or quoted[2] or "") if quoted else Decimal(bare)
    except InvalidOperation:
        other = bare
    return value is not None and compares(value if number(value) is not None else text_of(value), comparison, other)
