"""batch_alter_table() that copies the table instead of altering it, as SQLite needs."""

from collections.abc import Iterator

from migsafe.lint.facts import dropped, recreated
from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import size
from migsafe.model.catalog import Catalog
from migsafe.model.lookup import lookup
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="batch_alter_table(recreate=…) copies a live table, drops it and renames the copy.",
    effect="Rows written meanwhile are lost or wait; triggers, policies, grants and views do not come along.",
    safe='Write `op.batch_alter_table(…)` without recreate (or recreate="auto"): PostgreSQL alters in place.',
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, note text);",
    bad=(
        "BEGIN;\nCREATE TABLE _alembic_tmp_orders (id bigint NOT NULL, note text, PRIMARY KEY (id));\n"
        "INSERT INTO _alembic_tmp_orders (id, note) SELECT id, note FROM orders;\n"
        "DROP TABLE orders;\nALTER TABLE _alembic_tmp_orders RENAME TO orders;\nCOMMIT;"
    ),
    good="ALTER TABLE orders ALTER COLUMN note SET DEFAULT '';",
    pack="alembic",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for table in dropped(statement.effects, "table"):
        if recreated(table.name, situation) and situation.live(table.name):
            lost = _left_behind(table.name, situation.catalog)
            yield Fault(
                f"batch_alter_table() copies {table.name}{size(situation.catalog, table.name)} row by row, drops it "
                f"and renames the copy: what is written meanwhile may be lost, and {lost} do not come along.",
                f'Write `op.batch_alter_table("{bare(table.name)}")` without recreate="always": PostgreSQL alters in '
                f"place.",
            )


def _left_behind(table: str, catalog: Catalog) -> str:
    named = [f"trigger {name}" for name in catalog.triggers.get(table, ())]
    named += [f"policy {name}" for name in catalog.policies.get(table, ())]
    named += [f"view {name}" for name in lookup(catalog).views.get(table, ())]
    named += [f"foreign key {name} of {of}" for of, name in lookup(catalog).keys.get(table, ()) if of != table]
    return ", ".join([*named, "grants and comments"] if named else ["triggers, policies, grants and comments"])
