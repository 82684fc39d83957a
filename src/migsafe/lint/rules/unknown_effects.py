"""A statement of which lint cannot tell what it does."""

from collections.abc import Iterator

from migsafe.lint.facts import container
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    summary="What a statement locks and changes could not be told, not wholly at least.",
    effect="No other rule can speak for this statement: silence about it proves nothing.",
    safe="Read the statement yourself, or write it as plain statements instead of building it at run time.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad=(
        "DO $$ DECLARE name text;\n"
        "BEGIN\n"
        "  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP\n"
        "    EXECUTE format('ALTER TABLE %I ADD COLUMN extra text', name);\n"
        "  END LOOP;\n"
        "END $$;"
    ),
    good="ALTER TABLE orders ADD COLUMN extra text;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    # Of a DROP whose contents are not known drop-cascades-to-data speaks.
    if statement.effects.unknown is not None and container(statement.effects) is None:
        what = statement.effects.command or "this statement"
        yield Fault(
            f"What {what} locks and changes is not known: {statement.effects.unknown}",
            "Read it yourself before it runs on a live database; lint cannot.",
        )
