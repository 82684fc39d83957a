"""The way back without a backup: the revisions' own downgrade() as a script, and what it would lose."""

import os
from pathlib import Path

from migsafe.model.catalog import Catalog
from migsafe.model.inverse import WayBack
from migsafe.model.plan import Plan
from migsafe.model.report import Loss, Undo
from migsafe.undo.filled import filled
from migsafe.undo.losses import impossible, losses
from migsafe.undo.script import script
from migsafe.undo.versions import heads_before

__all__ = ["write_downgrade"]


def write_downgrade(
    directory: Path,
    downgrade: Plan,
    upgrade: Plan,
    catalog: Catalog,
    ways: tuple[WayBack, ...] = (),
    saved: frozenset[str] = frozenset(),
) -> Undo:
    """Write `directory/downgrade.sql` (0600) and say what it would lose.

    `downgrade` holds the steps of `upgrade` undone, the last first; each step's revision is the one it undoes.
    `catalog` is the schema after the upgrade: its search path is the script's. A step without a downgrade() has the one
    of `ways`. One whose downgrade() cannot be read, raises, or is empty although the upgrade changed the schema, and
    that has no derived one, is in `impossible`; the script stops there. `saved` are the things whose rows this run
    saves before it destroys them (see losses). Raises OSError when the file cannot be written.
    """
    lacking = impossible(downgrade, upgrade)
    downgrade, derived = filled(downgrade, lacking, ways, directory.name if saved else None)
    lost = (*losses(downgrade, upgrade, catalog, saved, directory.name), *derived)
    reasons = impossible(downgrade, upgrade)
    path = directory / "downgrade.sql"
    _write(path, script(downgrade, heads_before(upgrade), lost, reasons, catalog.search_path))
    return Undo(
        downgrade_sql=str(path),
        losses=lost,
        impossible=tuple(
            Loss(revision=revision, what=f"revision {revision}", because=reason) for revision, reason in reasons.items()
        ),
    )


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
