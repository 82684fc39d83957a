"""The plugin that Alembic loads: `op.verify` and `op.enable_extension`, also where Alembic loads no plugins."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any

_OPERATIONS = "migsafe_alembic.operations"


def load_plugin() -> str | None:
    """Register the operations. Alembic does it itself from 1.18 on; again does no harm. Returns what went wrong."""
    for point in entry_points(group="alembic.plugins", name="migsafe"):
        try:
            point.load().setup(None)
        except Exception as error:
            # Broken, it must cost the user op.verify and nothing else.
            return f"the Alembic plugin cannot be loaded: {type(error).__name__}: {error}"
    package = sys.modules.get("migsafe_alembic")
    failure = getattr(package, "failure", None)
    return str(failure) if failure else None


@contextmanager
def collecting(found: dict[tuple[Any, ...], Any]) -> Iterator[None]:
    """While entered, `op.verify` adds to `found` (by revision, line and SQL) instead of asking at once."""
    operations: Any = sys.modules.get(_OPERATIONS)
    if operations is None:
        yield
        return

    def collect(own: Any) -> None:
        found[own.revision, own.line, own.sql] = own

    before, operations.collector = operations.collector, collect
    try:
        yield
    finally:
        operations.collector = before
