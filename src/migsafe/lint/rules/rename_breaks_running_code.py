"""A new name for what running code still calls by the old one."""

from collections.abc import Iterator

from migsafe.lint.facts import RELATIONS, named, topmost
from migsafe.lint.operations import add_column, bare, dotted, execute
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.effects import Rename
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A live table, column, view or type is renamed or moved to another schema.",
    effect="Code that was released before the migration names something that no longer exists, and fails.",
    safe="Keep the old name working: a view of that name in the same revision, or a second column written along.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad="ALTER TABLE orders RENAME TO purchases;",
    good=("BEGIN;\nALTER TABLE orders RENAME TO purchases;\nCREATE VIEW orders AS SELECT * FROM purchases;\nCOMMIT;"),
)

_CALLED_BY_NAME = (*RELATIONS, "column", "schema", "type", "domain", "function", "procedure")


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    renames = statement.effects.renames
    for rename in renames:
        alike = {other.old.of or "" for other in renames if other.old.name == rename.old.name}
        if rename.old.of and topmost(rename.old.of, alike, situation) != rename.old.of:
            continue  # said of the parent
        if rename.old.kind in _CALLED_BY_NAME and _live(rename, situation) and not _kept(rename, statement, situation):
            yield Fault(
                f"Renaming {rename.old.kind} {rename.old.label} to {rename.new.name} breaks code that still uses the "
                f"old name, from that moment until the last old process has gone.",
                _fix(rename, situation),
            )


def _live(rename: Rename, situation: Situation) -> bool:
    return rename.old.label not in situation.born and situation.live(rename.old.of or rename.old.name)


def _kept(rename: Rename, statement: Statement, situation: Situation) -> bool:
    """Whether the same transaction gives the old name to something else: a view for old code, or a swapped table."""
    together = [s for s in situation.step.statements if s.transaction == statement.transaction is not None]
    return any(rename.old.label in named(s.effects) for s in together if s.index > statement.index)


def _fix(rename: Rename, situation: Situation) -> str:
    old, new = rename.old, bare(rename.new.name)
    if old.kind in RELATIONS:
        names = dotted(situation.catalog, old.name), dotted(situation.catalog, rename.new.name)
        view = execute("CREATE VIEW {} AS SELECT * FROM {}".format(*names))
        return f"Write `{view}` right after it in the same revision, and drop the view when no code uses the old name."
    if old.kind == "column":
        add = add_column(situation.catalog, old.of or "", new)
        return f"Write {add}, let the application write both, fill old rows in batches, and drop {old.name} later."
    return f"Create {new} beside {bare(old.name)}, move the code over, and drop {bare(old.name)} in a later revision."
