"""`$.workers[0].state == 'idle'`: one value of a JSON document, compared."""

import json
import re
from typing import Any

import msgspec

from migsafe.errors import UsageError
from migsafe.own_checks.comparing import compares

_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
_WHOLE = re.compile(
    r"""\s*\$(?P<path>(?:\.[A-Za-z_][\w-]*|\[\d+\]|\['[^']*'\]|\["[^"]*"\])*)\s*"""
    r"""(?P<comparison>==|!=|<=|>=|<|>)\s*(?P<wanted>\S.*?)\s*"""
)
_NOTHING = object()


class JsonComparison(msgspec.Struct, frozen=True):
    """`path` are keys and positions from the root on; `wanted` a text, number, truth value or None (null)."""

    text: str
    path: tuple[str | int, ...]
    comparison: str
    wanted: Any

    def holds(self, document: Any) -> bool:
        value = self._value(document)
        return value is not _NOTHING and compares(value, self.comparison, self.wanted)

    def found(self, document: Any) -> str:
        """The value there as JSON, cut to 100 characters; or that there is none."""
        value = self._value(document)
        return "nothing" if value is _NOTHING else json.dumps(value, ensure_ascii=False)[:100]

    def _value(self, document: Any) -> Any:
        for step in self.path:
            held: Any = document if isinstance(document, dict | list) else {}
            try:
                document = held[step]
            except (KeyError, IndexError, TypeError):
                return _NOTHING
        return document


def parse(text: str, key: str) -> JsonComparison:
    """The comparison that `text` is. Raises UsageError naming `key`."""
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise _wrong(key, text)
    steps = tuple(
        int(step[2]) if step[2] is not None else next(name for name in (step[1], step[3], step[4]) if name is not None)
        for step in _STEP.finditer(match["path"])
    )
    return JsonComparison(text.strip(), steps, match["comparison"], _literal(match["wanted"], key, text))


def _literal(text: str, key: str, whole: str) -> Any:
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1]
    try:
        value = json.loads(text)
    except ValueError:
        raise _wrong(key, whole) from None
    if isinstance(value, list | dict):
        raise _wrong(key, whole)
    return value


def _wrong(key: str, text: str) -> UsageError:
    example = "Write a path, ==, !=, <, <=, > or >=, and a text, number, true, false or null: $.queue.depth < 100"
    return UsageError(f"{key}: {text!r} is no comparison", f"{example}, or $.status == 'ok'.")
