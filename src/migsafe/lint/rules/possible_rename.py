"""A column or table dropped where the same revision makes one just like it: probably a rename, and the data is lost."""

from collections.abc import Iterator

from migsafe.lint.facts import TABLES, below, container, dropped, topmost
from migsafe.lint.operations import accepting, bare, drop_column, drop_table
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.twins import twin_of_column, twin_of_table
from migsafe.lint.wording import size
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A revision drops a live column or table and makes one of the same type or columns under another name.",
    effect="If it is a rename, which autogenerate writes as DROP and ADD, every value is lost.",
    safe="Keep the old one: add the new one, write both, fill old rows in batches, drop the old one later.",
    setup="CREATE TABLE users (id bigint PRIMARY KEY, name varchar(80));",
    bad="ALTER TABLE users ADD COLUMN full_name varchar(80);\nALTER TABLE users DROP COLUMN name;",
    good="ALTER TABLE users ADD COLUMN full_name varchar(80);",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects, catalog = statement.effects, situation.catalog
    if container(effects) is not None:
        return
    for column in dropped(effects, "column"):
        relation = column.of or ""
        if topmost(relation, {one.of or "" for one in dropped(effects, "column")}, situation) != relation:
            continue  # said of the parent
        made = twin_of_column(column, statement, situation)
        if made is not None and situation.live_column(relation, column.name):
            yield Fault(
                f"DROP COLUMN {column.name} of {relation}{size(catalog, relation)} deletes its data, and the same "
                f"revision adds {made.name}, also {made.type}: a rename, written as autogenerate writes it?",
                f"If it is a rename, leave {drop_column(catalog, relation, column.name)} for a later revision: let the "
                f"application write both, and copy {column.name} to {made.name} in batches. If it is none, keep it "
                f"{accepting(RULE.name)}.",
                loses=tuple(below(relation, situation)),
            )
    for table in dropped(effects, *TABLES):
        twin = twin_of_table(table, statement, situation)
        if twin is not None and situation.live(table.name):
            yield Fault(
                f"DROP TABLE {table.name}{size(catalog, table.name)} deletes its data, and the same revision creates "
                f"{twin.name} with the same columns: a rename, written as autogenerate writes it?",
                f'If it is a rename, write `op.rename_table("{bare(table.name)}", "{bare(twin.name)}")` and a view of '
                f"the old name instead of {drop_table(catalog, table.name)}. If it is none, keep it "
                f"{accepting(RULE.name)}.",
                loses=tuple(below(table.name, situation)),
            )
