"""`< 30`, `== 'ok'`: two values, compared as numbers where both are."""

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def compares(value: object, comparison: str, wanted: object) -> bool:
    """Whether `value comparison wanted` holds. What cannot be put in an order (NULL, a text and a number) is False.

    Text is compared with text for order (ISO 8601 times are in theirs); true is no number.
    """
    left, right = number(value), number(wanted)
    if left is not None and right is not None:
        return COMPARISONS[comparison](left, right)
    if comparison in ("==", "!="):
        is_same = type(value) is type(wanted) and value == wanted
        return is_same == (comparison == "==")
    if isinstance(value, str) and isinstance(wanted, str):
        return COMPARISONS[comparison](value, wanted)
    return False


def number(value: object) -> Decimal | None:
    """The number that a value is; None for what is none, NaN and infinity included."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
