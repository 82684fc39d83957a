"""A revision id that the version table cannot hold."""

import re
from collections.abc import Iterator

from migsafe.lint.rule import Fault, Seen, rule
from migsafe.lint.situation import Situation
from migsafe.model.plan import Step

RULE = rule(
    __name__,
    severity="error",
    summary="A revision id is longer than alembic_version.version_num.",
    effect="The last statement of the revision fails with SQLSTATE 22001, and all of its work is rolled back.",
    safe="Give the revision an id of 32 characters or less.",
    bad='revision = "2026_01_31_add_note_to_orders_and_invoices"',
    good='revision = "2026_01_31_orders_note"',
    language="python",
    pack="alembic",
)

# Alembic creates version_num as VARCHAR(32) (alembic/runtime/migration.py).
_ALEMBIC_WIDTH = 32


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    width = _width(seen[0][1]) if seen else _ALEMBIC_WIDTH
    if width is not None and len(step.revision) > width:
        yield Fault(
            f"Revision id {step.revision} has {len(step.revision)} characters, and version_num holds {width}: the "
            f"revision fails at its very end with SQLSTATE 22001.",
            f"Give it an id of {width} characters or less, in its own file and as down_revision of the next.",
        )


def _width(situation: Situation) -> int | None:
    """The length of version_num as the catalog has it; None: any length."""
    for table, columns in situation.catalog.columns.items():
        if situation.version_table in (table, table.rpartition(".")[2]) and "version_num" in columns:
            printed = columns["version_num"].type or ""
            match = re.search(r"\((\d+)\)", printed)
            return int(match[1]) if match else None
    return _ALEMBIC_WIDTH
