"""A foreign key whose own columns no index leads with."""

from collections.abc import Iterator

from migsafe.lint.facts import created, indexes_to_come
from migsafe.lint.operations import AUTOCOMMIT, bare, create_index
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed
from migsafe.model.catalog import Constraint, Index
from migsafe.model.lookup import lookup
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    summary="A foreign key is added to columns that no index begins with.",
    effect="DELETE of a referenced row, and UPDATE of its key, reads the whole referencing table.",
    safe="Create an index on the columns of the key, on a live table with postgresql_concurrently=True.",
    setup="CREATE TABLE users (id bigint PRIMARY KEY); CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint);",
    bad=(
        "ALTER TABLE orders ADD CONSTRAINT fk_orders_user FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT fk_orders_user;"
    ),
    good=(
        "CREATE INDEX CONCURRENTLY ix_orders_user_id ON orders (user_id);\n"
        "ALTER TABLE orders ADD CONSTRAINT fk_orders_user FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT fk_orders_user;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    keys = [key for key in created(statement.effects, Constraint) if key.kind == "foreign key" and not key.inherited]
    # Whoever adds an unindexed key to a table again has one that nobody has missed an index for.
    keys = [key for key in keys if key.columns and not _is_old(key, situation)]
    for relation in dict.fromkeys(key.relation for key in keys):
        indexes = list(_indexes(relation, statement, situation))
        bare_keys = [key for key in keys if key.relation == relation and not any(_leads(i, key) for i in indexes)]
        if bare_keys:
            yield _fault(relation, bare_keys, situation)


def _fault(relation: str, keys: list[Constraint], situation: Situation) -> Fault:
    columns, tables = listed(", ".join(key.columns) for key in keys), listed(key.references or "" for key in keys)
    first = keys[0].columns
    index = Index(f"ix_{bare(relation)}_{'_'.join(first)}"[:63], relation, columns=first)
    where = f" inside {AUTOCOMMIT}" if situation.live(relation) else ", or index=True on the column"
    return Fault(
        f"No index of {relation} begins with {columns}: DELETE from {tables} reads all of {relation} for every row it "
        f"deletes.",
        f"Write {create_index(situation.catalog, index)}{where}, unless rows of {tables} are never deleted.",
    )


def _indexes(relation: str, statement: Statement, situation: Situation) -> Iterator[Index]:
    """The indexes that are there, that the statement makes, and that the plan makes afterwards."""
    for name in lookup(situation.catalog).indexes.get(relation, ()):
        yield situation.catalog.indexes[name]
    yield from indexes_to_come(relation, statement, situation)


def _leads(index: Index, key: Constraint) -> bool:
    return set(index.columns[: len(key.columns)]) == set(key.columns)


def _is_old(key: Constraint, situation: Situation) -> bool:
    """Whether the table of a statement of the plan had this key before: dropped and added again, with CASCADE maybe."""
    if not situation.live(key.relation):
        return False
    dropped = (drop for one in situation.plan for drop in one.effects.drops if drop.kind == "constraint")
    return any((drop.of, drop.name) == (key.relation, key.name) for drop in dropped)
