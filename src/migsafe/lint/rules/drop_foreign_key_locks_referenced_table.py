"""A foreign key dropped: the table that it references is locked as strongly as its own."""

from collections.abc import Iterator

from migsafe.lint.facts import dropped, follow
from migsafe.lint.operations import drop_constraint
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed, taking
from migsafe.model.catalog import Constraint
from migsafe.model.effects import Effects
from migsafe.model.locks import LockMode
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="Dropping a foreign key locks a live table that the statement does not name.",
    effect="The referenced table, too, can be neither read nor written until the revision commits.",
    safe="Drop the key in a revision of its own, so that nothing else keeps the referenced table locked.",
    setup=(
        "CREATE TABLE users (id bigint PRIMARY KEY);\n"
        "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint CONSTRAINT fk_orders_user REFERENCES users (id));"
    ),
    bad="ALTER TABLE orders DROP CONSTRAINT fk_orders_user;",
    good="ALTER TABLE orders ALTER COLUMN user_id SET DEFAULT 1;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    locked = {lock.relation for lock in effects.locks if lock.mode is LockMode.ACCESS_EXCLUSIVE}
    keys = [key for key in _keys(effects, situation) if key.references in locked]
    keys = [key for key in keys if situation.live(key.references or "") and not _leaves(key, statement, situation)]
    if keys:
        drops = " and ".join(drop_constraint(situation.catalog, key) for key in keys[:3])
        yield Fault(
            taking(f"DROP CONSTRAINT {listed(key.name for key in keys)}", effects, situation),
            f"Keep {drops} in a revision of its own.",
        )


def _leaves(key: Constraint, statement: Statement, situation: Situation) -> bool:
    """Whether the revision drops the referenced table afterwards, of which drop-table speaks."""
    later = (one for one in follow(statement, situation) if one.revision == statement.revision)
    return any(gone.of is None and gone.name == key.references for one in later for gone in one.effects.drops)


def _keys(effects: Effects, situation: Situation) -> list[Constraint]:
    """The foreign keys that are dropped by themselves: of those that go with a column or table its rule speaks."""
    if any(gone.kind != "constraint" for gone in effects.drops):
        return []
    known = [
        situation.catalog.constraints.get(gone.of or "", {}).get(gone.name) for gone in dropped(effects, "constraint")
    ]
    return [key for key in known if key and key.kind == "foreign key" and key.references and not key.inherited]
