"""Versions as numbers: 0.10 comes after 0.9."""

import re

from migsafe.errors import UsageError


def parsed(text: str) -> tuple[int, ...] | None:
    """The numbers of "0.8.1" or "16.2"; trailing zeros do not count. None for what has no number at its start."""
    match = re.match(r"\d+(?:\.\d+)*", text.strip())
    if match is None:
        return None
    numbers = [int(number) for number in match[0].split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def wanted(text: str, key: str) -> tuple[int, ...]:
    """The version that a setting asks for. Raises UsageError naming the setting."""
    numbers = parsed(text)
    if numbers is None or not re.fullmatch(r"[\d.]+", text.strip()):
        raise UsageError(f"{key}: {text!r} is not a version", 'Write it like "14", "16.2" or "0.7.0".')
    return numbers


def is_older(version: str, minimum: str) -> bool | None:
    """Whether `version` is below `minimum`; None when one of them has no number."""
    left, right = parsed(version), parsed(minimum)
    return None if left is None or right is None else left < right
