"""A vector column of another dimension: the stored embeddings cannot be kept."""

from collections.abc import Iterator

from migsafe.lint.facts import below, changes_dimension, dimension, retyped, topmost
from migsafe.lint.operations import add_column
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import counted, holding
from migsafe.model.catalog import Column
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="The dimension of a vector column of a live table changes.",
    effect="No stored embedding fits the new type: the statement fails on the first one, or deletes them all.",
    safe="Add a second column of the new dimension, embed again in batches, move reads, drop the old column later.",
    setup=(
        "CREATE EXTENSION vector;\nCREATE TABLE messages (id bigint PRIMARY KEY, embedding vector(3));\n"
        "INSERT INTO messages VALUES (1, '[1,2,3]');"
    ),
    bad="ALTER TABLE messages ALTER COLUMN embedding TYPE vector(2) USING NULL::vector(2);",
    good="ALTER TABLE messages ADD COLUMN embedding_2 vector(2);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    changed = [(new, old) for new, old in retyped(effects) if old is not None and changes_dimension(new, old)]
    for new, old in changed:
        parent = topmost(new.relation, {other.relation for other, _ in changed}, situation)
        if parent == new.relation and situation.live(new.relation):
            what = f"ALTER COLUMN {new.name} from {old.type} to {new.type}"
            rows = counted(situation.catalog, new.relation)
            lost = f"its embeddings of {rows}" if rows else "its embeddings"
            work = f"writes {new.relation} anew without {lost} (or fails on the first one it meets)"
            yield Fault(
                holding(what, work, effects, situation),
                _fix(new, situation),
                loses=tuple(below(new.relation, situation)),
            )


def _fix(column: Column, situation: Situation) -> str:
    name = column.name
    kind = f"Vector({dimension(column.type)}), nullable=True"
    return (
        f"Write {add_column(situation.catalog, column.relation, f'{name}_new', kind)}, "
        f"embed again in batches, move reads to {name}_new, and drop {name} in a later revision."
    )
