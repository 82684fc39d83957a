"""Every command of the grammar has effects, or says why it has none that could be told."""

import random
from functools import cache
from pathlib import Path

import pytest

from migsafe.errors import SqlError
from migsafe.model.after import after
from migsafe.model.catalog import Catalog
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner, parse, parse_all, walk
from migsafe.sql.predict import predict
from migsafe.sql.schema import read
from migsafe.sql.split import split

STATEMENTS = tuple(
    piece.sql for piece in split((Path(__file__).parent / "cases" / "grammar.sql").read_text(encoding="utf-8"))
)

# Nodes that stand inside of others, or that only PL/pgSQL makes.
INSIDE = {"RawStmt", "SetOperationStmt", "ReturnStmt", "PLAssignStmt", "ReplicaIdentityStmt"}
# Subcommands that the server makes for itself while it carries out others, and one that no grammar has any more.
OF_THE_SERVER = {
    "AT_AddColumnToView",
    "AT_CookedColumnDefault",
    "AT_SetAttNotNull",
    "AT_CheckNotNull",
    "AT_ReAddIndex",
    "AT_ReAddConstraint",
    "AT_ReAddDomainConstraint",
    "AT_AddIndex",
    "AT_AddIndexConstraint",
    "AT_ReAddComment",
    "AT_ReAddStatistics",
    "AT_ReplaceRelOptions",
}
SCHEMA = """
CREATE SCHEMA sales;
CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('ok', 'bad');
CREATE TYPE address AS (street text, zip text);
CREATE TYPE row_of_order AS (id int, qty int, note text);
CREATE DOMAIN positive AS int CONSTRAINT below CHECK (VALUE > 0);
CREATE TABLE customers (id bigint PRIMARY KEY, owner text, age positive);
CREATE SEQUENCE ids;
CREATE TABLE orders (id int DEFAULT nextval('ids'), qty int CONSTRAINT above CHECK (qty > 0), note text, span int4range,
    customer_id bigint REFERENCES customers, owner text, tags text[], at address, m mood);
CREATE UNIQUE INDEX orders_qty ON orders (qty);
CREATE TABLE child () INHERITS (orders);
CREATE TABLE log (id int);
CREATE TABLE archive (LIKE orders INCLUDING ALL);
CREATE TABLE events (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE INDEX events_day ON ONLY events (day);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 (id int NOT NULL, day date NOT NULL);
CREATE INDEX events_2024_day ON events_2024 (day);
CREATE VIEW big_orders AS SELECT * FROM orders WHERE qty > 10;
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(qty) FROM orders GROUP BY 1;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN NEW; END';
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE RETURN n * 2;
CREATE PROCEDURE tidy(keep int) LANGUAGE sql AS 'DELETE FROM orders WHERE id > keep';
CREATE TRIGGER stamper BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE RULE shout AS ON DELETE TO orders DO ALSO INSERT INTO log VALUES (OLD.id);
CREATE POLICY own_rows ON orders USING (owner = current_user);
CREATE PUBLICATION changes FOR TABLE orders;
CREATE STATISTICS orders_stats ON qty, note FROM orders;
"""


@cache
def _schema() -> Catalog:
    return read(SCHEMA)


def test_every_statement_of_the_grammar_is_among_them() -> None:
    wanted = {
        field.message_type.name
        for field in pb.Node.DESCRIPTOR.oneofs_by_name["node"].fields
        if field.message_type.name.endswith("Stmt")
    }
    assert wanted - INSIDE - {type(parse(statement)).__name__ for statement in STATEMENTS} == set()


def test_every_subcommand_of_alter_table_is_among_them() -> None:
    found = {
        pb.AlterTableType.Name(part.subtype)
        for statement in STATEMENTS
        for part in walk(parse(statement))
        if isinstance(part, pb.AlterTableCmd)
    }
    wanted = {value.name for value in pb.AlterTableType.DESCRIPTOR.values} - {"ALTER_TABLE_TYPE_UNDEFINED"}
    assert wanted - OF_THE_SERVER - found == set()


@pytest.mark.parametrize("version", [14, 18])
def test_each_has_effects_or_says_why_not(version: int) -> None:
    for catalog in (Catalog(server_version=version), _schema()):
        for statement in STATEMENTS:
            effects = predict(statement, catalog, version)
            assert effects.command, statement
            assert effects.unknown is None or effects.unknown.strip()
            assert all(condition.strip() for condition in effects.conditions)


def test_each_leaves_a_schema_that_the_next_one_finds() -> None:
    for catalog in (Catalog(), _schema()):
        for statement in STATEMENTS:
            catalog = after(catalog, predict(statement, catalog))
            assert predict("SELECT 1", catalog).command == "SELECT"


@pytest.mark.parametrize(
    "statement", [s for s in STATEMENTS if s.startswith(("DROP", "REASSIGN")) and s.split()[-1] == "CASCADE"]
)
def test_a_cascade_into_the_unknown_is_never_silent(statement: str) -> None:
    effects = predict(statement, Catalog())
    alone = ("DROP TRIGGER", "DROP RULE", "DROP MATERIALIZED VIEW", "DROP VIEW")
    assert effects.unknown or effects.conditions or statement.startswith(alone)


def test_no_text_raises_anything_but_its_own_error() -> None:
    chance = random.Random(18)
    for statement in STATEMENTS:
        tokens = statement.split(" ")
        for _ in range(3):
            words = chance.sample(tokens, len(tokens))
            cut = chance.randrange(len(statement))
            for text in (" ".join(words), statement[:cut] + chance.choice("()';,\0é$\"") + statement[cut:]):
                assert _message(text) != ""
                effects = predict(text, _schema())
                assert effects.unknown or effects.command


def _message(text: str) -> str | None:
    """What is said of a text that is rejected."""
    try:
        for raw in parse_all(text).stmts:
            inner(raw.stmt)
    except SqlError as error:
        return error.message
    return None
