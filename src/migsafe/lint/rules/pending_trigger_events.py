"""A table altered while deferred foreign key checks of the same transaction still wait for its end."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, Seen, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Constraint
from migsafe.model.effects import Effects, Write
from migsafe.model.lookup import lookup
from migsafe.model.plan import Step
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A table is altered in the transaction that wrote rows whose deferred foreign key is not checked yet.",
    effect="The statement fails with SQLSTATE 55006 (pending trigger events), and the revision with it.",
    safe='Write `op.execute("SET CONSTRAINTS ALL IMMEDIATE")` between them, or put them into two revisions.',
    setup=(
        "CREATE TABLE users (id bigint PRIMARY KEY);\nINSERT INTO users VALUES (1);\n"
        "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO orders VALUES (1, NULL);"
    ),
    refused="55006",
    bad="BEGIN;\nINSERT INTO orders VALUES (2, 1);\nALTER TABLE orders ADD COLUMN note text;\nCOMMIT;",
    good=(
        "BEGIN;\nINSERT INTO orders VALUES (2, 1);\nSET CONSTRAINTS ALL IMMEDIATE;\n"
        "ALTER TABLE orders ADD COLUMN note text;\nCOMMIT;"
    ),
)

_REFUSED = ("ALTER TABLE", "DROP TABLE", "TRUNCATE")


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    pending: dict[str, tuple[Write, Constraint]] = {}
    transaction: int | None = None
    deferred = False
    for statement, situation in seen:
        effects = statement.effects
        if statement.transaction is None or statement.transaction != transaction:
            pending, deferred, transaction = {}, False, statement.transaction
        for action in effects.actions:
            if action.kind == "set constraints":
                deferred = action.name == "deferred" and action.of is None
                pending = {} if action.name == "immediate" else pending
        for relation in _altered(effects) & set(pending):
            yield _fault(statement, relation, *pending[relation])
            pending = {}
        if transaction is not None:
            pending |= {w.relation: (w, key) for w in effects.writes for key in _queued(w, situation, deferred)}


def _altered(effects: Effects) -> set[str]:
    if effects.command not in _REFUSED:
        return set()
    return {lock.relation for lock in effects.locks if "table" in lock.kind and lock.mode.blocks_writes}


def _queued(write: Write, situation: Situation, deferred: bool) -> Iterator[Constraint]:
    """The foreign keys whose check of the written rows is put off until the commit."""
    catalog = situation.catalog
    if write.command in ("INSERT", "COPY", "UPDATE", "MERGE"):
        for key in catalog.constraints.get(write.relation, {}).values():
            if _waits(key, deferred) and _concerns(write, key.columns):
                yield key
    if write.command in ("DELETE", "UPDATE", "MERGE"):
        for of, name in lookup(catalog).keys.get(write.relation, ()):
            key = catalog.constraints[of][name]
            if _waits(key, deferred) and _concerns(write, key.referenced_columns):
                yield key


def _waits(key: Constraint, deferred: bool) -> bool:
    return key.kind == "foreign key" and key.enforced and key.deferrable and (key.deferred or deferred)


def _concerns(write: Write, columns: tuple[str, ...]) -> bool:
    return write.command != "UPDATE" or not columns or not set(columns).isdisjoint(write.columns)


def _fault(statement: Statement, relation: str, write: Write, key: Constraint) -> Fault:
    sure = write.command == "INSERT" and write.few
    return Fault(
        f"{statement.effects.command} of {relation} fails with SQLSTATE 55006: the rows that {write.command} wrote "
        f"before it, in the same transaction, still wait for the check of {key.name}, which is deferred.",
        'Write `op.execute("SET CONSTRAINTS ALL IMMEDIATE")` before it, or move it into the next revision.',
        unsure=() if sure else (f"nothing waits if {write.command} met no row",),
        at=statement,
    )
