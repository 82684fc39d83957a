"""The version table's contents while steps are applied, by Alembic's own rule."""

from collections.abc import Iterable
from typing import cast

from alembic.runtime.migration import HeadMaintainer, MigrationContext, RevisionStep


class _Maintainer(HeadMaintainer):
    """HeadMaintainer without a database: merges, branches and depends_on are decided by Alembic itself."""

    def __init__(self, heads: Iterable[str]) -> None:
        super().__init__(cast("MigrationContext", None), heads)

    def _insert_version(self, version: str) -> None:
        self.heads.add(version)

    def _delete_version(self, version: str) -> None:
        self.heads.remove(version)

    def _update_version(self, from_: str, to_: str) -> None:
        self.heads.remove(from_)
        self.heads.add(to_)


def heads_after(heads: tuple[str, ...], steps: Iterable[RevisionStep]) -> tuple[tuple[str, ...], ...]:
    """For each step the heads, sorted, that the version table holds when it is done."""
    maintainer = _Maintainer(heads)
    states = []
    for step in steps:
        maintainer.update_to_step(step)
        states.append(tuple(sorted(maintainer.heads)))
    return tuple(states)
