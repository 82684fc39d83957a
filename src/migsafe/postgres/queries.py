"""The catalog queries of migsafe, by name: every `.sql` file in this folder.

A query starts with `-- name: its_name` and `-- needs: what a role must have to see the answer`.
"""

import functools
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import LiteralString

_HEADING = re.compile(r"^-- name: (\w+)\n-- needs: ([^\n]+)\n", re.MULTILINE)


def query(name: str) -> LiteralString:
    """The text of a query. Raises KeyError for a name that is in no file."""
    return _queries()[name][1]


def privilege(name: str) -> str:
    """What a role needs to see the answer of a query; "none" when everybody sees it."""
    return _queries()[name][0]


@functools.cache
def _queries() -> Mapping[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for file in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            for name, needs, text in _split(file.read_text(encoding="utf-8")):
                if name in found:
                    raise ValueError(f"{file.name}: a second query of the name {name}")
                found[name] = (needs, text)
    return found


def _split(text: str) -> list[tuple[str, str, str]]:
    parts = _HEADING.split(text)
    queries = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return [(name, needs, text.strip()) for name, needs, text in queries]
