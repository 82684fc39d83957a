"""A column of a type that nobody has created."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Catalog, Column, Type
from migsafe.model.statement import Statement
from migsafe.sql.types import EXTENSION_TYPES, is_known, parts

RULE = rule(
    __name__,
    severity="error",
    summary="A column is of a type that does not exist by then, as op.add_column() of a new sa.Enum makes it.",
    effect="The statement fails with SQLSTATE 42704 and the revision with it: add_column() does not CREATE TYPE.",
    safe="Write `sa.Enum(…, name=…).create(op.get_bind())` before op.add_column(), and .drop() in downgrade().",
    setup="CREATE TABLE people (id bigint PRIMARY KEY);",
    refused="42704",
    bad="ALTER TABLE people ADD COLUMN mood mood;",
    good="CREATE TYPE mood AS ENUM ('sad', 'happy');\nALTER TABLE people ADD COLUMN mood mood;",
    pack="alembic",
)

# Extensions without types of their own.
_TYPELESS = ("plpgsql", "uuid-ossp", "pgcrypto", "unaccent", "btree_gin", "btree_gist", "pg_stat_statements")


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    catalog = situation.catalog
    made = {each.name.rpartition(".")[2] for each in created(statement.effects, Type)}
    for column in created(statement.effects, Column) if catalog.complete else ():
        name = parts(column.type or "text").base.replace('"', "")
        if is_known(column.type or "text", catalog) or name.rpartition(".")[2] in made or _is_row(name, catalog):
            continue
        strange = [each for each in catalog.extensions if each not in (*EXTENSION_TYPES, *_TYPELESS)]
        yield Fault(
            f"Column {column.name} of {column.relation} is of type {column.type}, which does not exist by then: it "
            f"fails with SQLSTATE 42704. op.add_column() does not create the type of an sa.Enum.",
            f'Write `sa.Enum(…, name="{name}").create(op.get_bind(), checkfirst=True)` before it.',
            unsure=(f"all is well if extension {strange[0]} has the type",) if strange else (),
        )


def _is_row(name: str, catalog: Catalog) -> bool:
    """Every table is a type too."""
    return any(known in catalog.relations for known in (name, *(f"{schema}.{name}" for schema in catalog.search_path)))
