"""ALTER COLUMN … TYPE that PostgreSQL refuses for what depends on the column, or for its default."""

from collections.abc import Iterator

from migsafe.lint.dependents import default_cannot_follow, refusing
from migsafe.lint.facts import final_columns
from migsafe.lint.operations import alter_column, bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed
from migsafe.model.catalog import Column
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="The type of a column changes, but a view, policy or trigger uses it, or its default cannot follow.",
    effect="The statement fails with SQLSTATE 0A000, or 42804 for the default, and the revision with it.",
    safe="Drop what depends on the column before, in the same revision, and create it again after.",
    setup=(
        "CREATE TABLE orders (id bigint PRIMARY KEY, note varchar(80));\nCREATE VIEW notes AS SELECT note FROM orders;"
    ),
    refused="0A000",
    bad="ALTER TABLE orders ALTER COLUMN note TYPE text;",
    good=(
        "BEGIN;\nDROP VIEW notes;\nALTER TABLE orders ALTER COLUMN note TYPE text;\n"
        "CREATE VIEW notes AS SELECT note FROM orders;\nCOMMIT;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for new, old in final_columns(statement.effects):
        if (
            old is None
            or old.type is None
            or new.type is None
            or (new.type, new.collation) == (old.type, old.collation)
        ):
            continue
        what = f"ALTER COLUMN {new.name} of {new.relation} from {old.type} to {new.type}"
        names = refusing(new.relation, new.name, situation.catalog)
        if names:
            yield Fault(
                f"{what} fails with SQLSTATE 0A000: {listed(names)} {'uses' if len(names) == 1 else 'use'} the column.",
                f"Drop {listed(names)} right before it in the same revision, and create {_them(names)} again right "
                f"after it.",
            )
        elif default_cannot_follow(new, old, situation.catalog):
            yield Fault(
                f"{what} fails with SQLSTATE 42804: its default {old.default} cannot be cast to {new.type} "
                f"automatically.",
                _without_default(new, situation),
            )


def _them(names: tuple[str, ...]) -> str:
    return "it" if len(names) == 1 else "them"


def _without_default(column: Column, situation: Situation) -> str:
    drop = alter_column(situation.catalog, column.relation, column.name, "server_default=None")
    return (
        f"Write {drop} before it, and set a default of type {column.type} again after it, all in the same revision of "
        f"{bare(column.relation)}."
    )
