"""Rows that were changed or removed: no SQL brings them back, a saved copy does."""

from collections.abc import Iterator

from migsafe.model.effects import Write
from migsafe.undo.inverse.change import Change, Lost

_UNDONE = {"INSERT": "rows inserted into {} stay", "UPDATE": "rows of {} as they were before UPDATE"}


def invert(change: Change) -> Iterator[Lost]:
    for relation in change.effects.truncates:
        if relation not in change.fresh:
            yield Lost(f"the rows of table {relation}")
    for write in change.effects.writes:
        if not _is_fresh(change, write):
            said = _UNDONE.get(write.command, f"rows of {{}} that {write.command} changed or removed")
            yield Lost(said.format(write.relation))


def _is_fresh(change: Change, write: Write) -> bool:
    """Whether all that it changed came with the same revision, and goes with it."""
    if write.relation in change.fresh or write.relation.startswith("pg_temp."):
        return True
    columns = {f"{write.relation}.{name}" for name in write.columns}
    return write.command == "UPDATE" and bool(columns) and columns <= change.fresh
