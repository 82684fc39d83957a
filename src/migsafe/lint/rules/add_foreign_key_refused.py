"""A foreign key that PostgreSQL refuses."""

from collections.abc import Iterator

from migsafe.lint.facts import column_pairs, created, kind_of
from migsafe.lint.operations import add_column, bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Column, Constraint
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="A foreign key joins columns whose types cannot be compared, or is NOT VALID on a partitioned table.",
    effect="The statement fails, with SQLSTATE 42804 or before PostgreSQL 18 with 42809, and the revision with it.",
    safe="Give the column the type of the one it references; on a partitioned table, add the key to each partition.",
    setup="CREATE TABLE users (id bigint PRIMARY KEY); CREATE TABLE orders (id bigint PRIMARY KEY, user_id text);",
    refused="42804",
    bad="ALTER TABLE orders ADD CONSTRAINT fk_orders_user FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;",
    good="ALTER TABLE orders ADD COLUMN user_number bigint;",
)

_FAMILIES = (
    ("smallint", "integer", "bigint", "oid", "numeric", "real", "double precision"),
    ("text", "character varying", "character", "name", "citext"),
    ("date", "timestamp without time zone", "timestamp with time zone"),
    ("uuid",),
    ("boolean",),
    ("bytea",),
    ("jsonb",),
    ("inet", "cidr"),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects, version = statement.effects, situation.catalog.server_version
    for key in created(effects, Constraint):
        if key.kind != "foreign key" or key.inherited:
            continue
        partitioned = kind_of(key.relation, effects, situation) == "partitioned table"
        if version < 18 and partitioned and not key.validated:
            yield Fault(
                f"ADD FOREIGN KEY {key.name} NOT VALID fails with SQLSTATE 42809: {key.relation} is partitioned, and "
                f"the server is PostgreSQL {version}; 18 is the first that accepts it.",
                f"Add the key with NOT VALID to each partition of {bare(key.relation)}, validate each in the next "
                f"revision, then add it to {bare(key.relation)}, which finds them there.",
            )
        for mine, theirs in column_pairs(key, effects, situation):
            yield from _mismatch(key, mine, theirs, situation)


def _mismatch(key: Constraint, mine: Column, theirs: Column, situation: Situation) -> Iterator[Fault]:
    one, two = _family(mine), _family(theirs)
    if one is not None and two is not None and one != two:
        yield Fault(
            f"ADD FOREIGN KEY {key.name} fails with SQLSTATE 42804: {mine.relation}.{mine.name} is {mine.type}, "
            f"{theirs.relation}.{theirs.name} is {theirs.type}, and there is no = between them.",
            f"Write {add_column(situation.catalog, mine.relation, f'{mine.name}_new')} of type {theirs.type}, fill it "
            f"in batches, and let the key start from there.",
        )


def _family(column: Column) -> int | None:
    printed = (column.type or "").split("(")[0].strip()
    printed += " with time zone" if (column.type or "").endswith(") with time zone") else ""
    printed += " without time zone" if (column.type or "").endswith(") without time zone") else ""
    return next((place for place, family in enumerate(_FAMILIES) if printed in family), None)
