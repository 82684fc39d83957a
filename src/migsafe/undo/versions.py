"""What the version table holds between the steps of a way back."""

from collections.abc import Mapping

from migsafe.model.plan import Plan

Heads = frozenset[str]


def heads_before(upgrade: Plan) -> Mapping[str, tuple[Heads, Heads]]:
    """For each revision of `upgrade` the heads before it and after it: a downgrade goes from the second to the first.

    A branch point stays in no row once a branch left it, a merge takes several rows away (as Alembic's
    HeadMaintainer does). What depends_on takes away besides is not in a plan; it is put to the last step.
    """
    heads = frozenset(upgrade.current)
    found: dict[str, tuple[Heads, Heads]] = {}
    for step in upgrade.steps:
        following = (heads - frozenset(step.down_revisions)) | {step.revision}
        if step is upgrade.steps[-1] and upgrade.target:
            following = frozenset(upgrade.target)
        found[step.revision] = (heads, following)
        heads = following
    return found


def moves(table: str, before: Heads, after: Heads) -> tuple[str, ...]:
    """SQL that takes the version table (quoted already) from `before` to `after`; ids are escaped by doubling."""
    gone, new = sorted(before - after), sorted(after - before)
    updates = [
        f"UPDATE {table} SET version_num = {_text(to)} WHERE version_num = {_text(old)}"
        for old, to in zip(gone, new, strict=False)
    ]
    deletes = [f"DELETE FROM {table} WHERE version_num = {_text(old)}" for old in gone[len(new) :]]
    inserts = [f"INSERT INTO {table} (version_num) VALUES ({_text(to)})" for to in new[len(gone) :]]
    return (*updates, *deletes, *inserts)


def shown(heads: Heads) -> str:
    """Heads as a text that sorts the same everywhere: `a1 b2`, `base` for none."""
    return " ".join(sorted(heads)) or "base"


def _text(revision: str) -> str:
    return "'" + revision.replace("'", "''") + "'"
