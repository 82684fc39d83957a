"""downgrade() written for a revision that has none: the derived inverse, in Alembic's words where it has them."""

from pathlib import Path

from migsafe.errors import RevisionError, UsageError
from migsafe.fixes import FileFix
from migsafe.model.inverse import WayBack
from migsafe.revisions.add_downgrade import with_downgrade
from migsafe.sql.as_operation import as_operation


def downgrade_for(way: WayBack) -> FileFix:
    """The file of a revision with the derived downgrade(). Reads it; writes nothing.

    Raises UsageError when the revision has a downgrade() that does something, RevisionError where none can be derived.
    """
    if not way.own_sql and not way.commands and way.own not in ("missing", "raises"):
        lost = dict.fromkeys(text for each in way.undone for text in each.inverse.loses)
        why = f"no SQL brings back {'; '.join(lost)}" if lost else "there is nothing to take back"
        raise UsageError(
            f"there is nothing to write for {way.revision}: {why}",
            "What a run of migsafe saved of it, `migsafe restore` puts back.",
        )
    if way.own not in ("missing", "empty", "raises"):
        raise UsageError(
            f"{way.revision} has a downgrade() already", f"See what it leaves: migsafe undo-plan {way.revision}"
        )
    if way.derived == "impossible":
        reasons = dict.fromkeys(
            f"{each.place}: {each.inverse.because}" for each in way.undone if each.inverse.kind == "impossible"
        )
        said = "; ".join(reasons) or "its upgrade() cannot be read"
        raise RevisionError(f"no downgrade() can be derived for {way.revision}: {said}", "Write it by hand.")
    path = Path(way.path).resolve()
    before = path.read_bytes()
    lost = dict.fromkeys(text for each in way.undone for text in each.inverse.loses)
    after = with_downgrade(before, way.commands, (f"Not brought back: {text}." for text in lost), as_operation)
    compile(after, str(path), "exec")
    return FileFix(path, before, after)
