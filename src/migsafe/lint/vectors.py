"""Types of pgvector, in whatever schema the extension lives."""

import re

METHODS = ("hnsw", "ivfflat")
"""Its index methods."""

_TYPE = re.compile(r'(?:(?:"[^"]+"|\w+)\.)?(vector|halfvec|sparsevec|bit)(?:\((\d+)\))?')


def of_type(printed: str | None) -> tuple[str, int | None] | None:
    """(vector, 1536) of `vector(1536)` or `extensions.vector(1536)`; dimensions None: not said. None: another type."""
    match = _TYPE.fullmatch(printed or "")
    return (match[1], int(match[2]) if match[2] else None) if match else None
