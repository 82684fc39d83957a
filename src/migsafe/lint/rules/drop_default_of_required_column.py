"""The default of a NOT NULL column dropped: whoever does not name the column cannot insert any more."""

from collections.abc import Iterator

from migsafe.lint.facts import final_columns, follow
from migsafe.lint.operations import alter_column
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Column
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="A NOT NULL column of a live table loses its server default or identity.",
    effect="Code that does not name the column in INSERT, as code from before it was added, fails with SQLSTATE 23502.",
    safe="Keep the server_default until every process names the column, and drop it in a later revision.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);",
    bad=(
        "ALTER TABLE orders ADD COLUMN status text NOT NULL DEFAULT 'new';\n"
        "ALTER TABLE orders ALTER COLUMN status DROP DEFAULT;"
    ),
    good="ALTER TABLE orders ADD COLUMN status text NOT NULL DEFAULT 'new';",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for new, old in final_columns(statement.effects):
        if not _loses(new, old) or not situation.live(new.relation) or _given_again(new, statement, situation):
            continue
        added = not situation.live_column(new.relation, new.name)
        who = "code from before it was added" if added else "code that leaves it out"
        keep = alter_column(situation.catalog, new.relation, new.name, "server_default=None")
        yield Fault(
            f"{new.name} of {new.relation} is NOT NULL and has no default any more: {who} cannot insert (SQLSTATE "
            f"23502).",
            f"Move {keep} into a revision that is deployed once all code names the column.",
        )


def _loses(new: Column, old: Column | None) -> bool:
    if old is None or not new.not_null or new.identity or new.generated or isinstance(new.default, str):
        return False
    return (isinstance(old.default, str) and not old.generated) or bool(old.identity)


def _given_again(column: Column, statement: Statement, situation: Situation) -> bool:
    """Whether the revision gives it another default later, or takes NOT NULL or the column away."""
    place = (column.relation, column.name)
    for later in (one for one in follow(statement, situation) if one.revision == statement.revision):
        if any((gone.of, gone.name) == place for gone in later.effects.drops if gone.kind == "column"):
            return True
        changed = [new for new, _ in final_columns(later.effects) if (new.relation, new.name) == place]
        if any(isinstance(new.default, str) or new.identity or not new.not_null for new in changed):
            return True
    return False
