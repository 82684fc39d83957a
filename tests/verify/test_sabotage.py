"""What was migrated passes; what was then spoilt is blocked, that alone, naming expected and found."""

import pytest

from fix_postgres import Connection
from fix_verify import Case, Migrate, assert_blocked_alone

TABLE = "CREATE TABLE t (id int PRIMARY KEY, a text, b int NOT NULL DEFAULT 1)"


CASES = {
    "a view where a table should be": Case(
        ("CREATE TABLE u ()",),
        "DROP TABLE u; CREATE VIEW u AS SELECT 1 AS a",
        "relation-there public.u",
        "table",
        "found view",
    ),
    "no view": Case(
        ("CREATE VIEW v AS SELECT a FROM t",),
        "DROP VIEW v; CREATE MATERIALIZED VIEW v AS SELECT a FROM t",
        "relation-there public.v",
        "view",
        "materialized view",
        (TABLE,),
    ),
    "no materialized view": Case(
        ("CREATE MATERIALIZED VIEW v AS SELECT a FROM t",),
        "DROP MATERIALIZED VIEW v",
        "relation-there public.v",
        "materialized view",
        "nothing of that name",
        (TABLE,),
    ),
    "no sequence": Case(
        ("CREATE SEQUENCE numbers",),
        "DROP SEQUENCE numbers",
        "relation-there public.numbers",
        "sequence",
        "nothing of that name",
    ),
    "a table that is still there": Case(
        ("DROP TABLE t",), "CREATE TABLE t ()", "relation-gone public.t", "gone", "table public.t", (TABLE,)
    ),
    "a table under its old name": Case(
        ("ALTER TABLE t RENAME TO u",),
        "CREATE TABLE t ()",
        "relation-gone public.t",
        "gone",
        "table public.t",
        (TABLE,),
    ),
    "labels in another order": Case(
        ("CREATE TYPE mood AS ENUM ('a', 'c')", "ALTER TYPE mood ADD VALUE 'b' BEFORE 'c'"),
        "ALTER TYPE mood ADD VALUE 'd' BEFORE 'a'",
        "type-there public.mood",
        "enum (a, b, c)",
        "enum (d, a, b, c)",
    ),
    "another domain": Case(
        ("CREATE DOMAIN email AS varchar(80)",),
        "DROP DOMAIN email; CREATE DOMAIN email AS text",
        "type-there public.email",
        "domain over character varying(80)",
        "domain over text",
    ),
    "no type": Case(
        ("CREATE TYPE pair AS ()",), "DROP TYPE pair", "type-there public.pair", "composite", "no such type"
    ),
    "an attribute of another type": Case(
        ("CREATE TYPE pair AS (a int, b int)",),
        "ALTER TYPE pair ALTER ATTRIBUTE b TYPE bigint",
        "column-there public.pair.b",
        "integer",
        "bigint",
    ),
    "a domain without its constraint": Case(
        ("CREATE DOMAIN email AS text", "ALTER DOMAIN email ADD CONSTRAINT sign CHECK (VALUE ~ '@') NOT VALID"),
        "ALTER DOMAIN email DROP CONSTRAINT sign",
        "type-there public.email",
        "constraints sign, not validated: sign",
        "domain over text",
    ),
    "a domain's constraint that is not validated": Case(
        (
            "CREATE DOMAIN email AS text",
            "ALTER DOMAIN email ADD CONSTRAINT sign CHECK (VALUE ~ '@') NOT VALID",
            "ALTER DOMAIN email RENAME CONSTRAINT sign TO at_sign",
            "ALTER DOMAIN email VALIDATE CONSTRAINT at_sign",
        ),
        "ALTER DOMAIN email DROP CONSTRAINT at_sign;"
        "ALTER DOMAIN email ADD CONSTRAINT at_sign CHECK (VALUE ~ '@') NOT VALID",
        "type-there public.email",
        "constraints at_sign",
        "not validated: at_sign",
    ),
    "no trigger": Case(
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        ),
        "DROP TRIGGER tr ON t",
        "trigger-there public.t.tr",
        "before insert for each row, calling public.f",
        "nothing of that name",
        (TABLE,),
    ),
    "a function that is still there": Case(
        ("DROP FUNCTION f(int, text)",),
        "CREATE FUNCTION f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function-gone public.f(integer, text)",
        "gone",
        "f(integer,text)",
        (
            "CREATE FUNCTION f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ),
    ),
    "no policy": Case(
        ("CREATE POLICY mine ON t USING (b = 1)",),
        "DROP POLICY mine ON t",
        "policy-there public.t.mine",
        "permissive, to public, using (b = 1)",
        "nothing of that name",
        (TABLE,),
    ),
    "no rule": Case(
        ("CREATE RULE nothing AS ON DELETE TO t DO INSTEAD NOTHING",),
        "DROP RULE nothing ON t",
        "rule-there public.t.nothing",
        "on delete do instead",
        "nothing of that name",
        (TABLE,),
    ),
    "no statistics": Case(
        ("CREATE STATISTICS st ON a, b FROM t",),
        "DROP STATISTICS st",
        "statistics-there public.st",
        "on a, b of public.t",
        "nothing of that name",
        (TABLE,),
    ),
    "a schema that is still there": Case(
        ("DROP SCHEMA app CASCADE",),
        "CREATE SCHEMA app",
        "schema-gone app",
        "gone",
        "schema app",
        ("CREATE SCHEMA app", "CREATE TABLE app.t (a int)"),
    ),
    "a partition that is on its own": Case(
        ("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2)",),
        "ALTER TABLE p DETACH PARTITION p1",
        "relation-there public.p1",
        "table below public.p",
        "table",
        ("CREATE TABLE p (a int) PARTITION BY RANGE (a)",),
    ),
    "a partition that is still attached": Case(
        ("ALTER TABLE p DETACH PARTITION p1",),
        "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (1) TO (2)",
        "relation-there public.p1",
        "expected table",
        "table below public.p",
        ("CREATE TABLE p (a int) PARTITION BY RANGE (a)", "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2)"),
    ),
    "an extension that was there already": Case(
        ("CREATE EXTENSION IF NOT EXISTS citext",),
        "DROP EXTENSION citext",
        "extension-there citext",
        "installed",
        "not installed",
        ("CREATE EXTENSION citext",),
    ),
    "a type that is still there": Case(
        ("DROP TYPE mood",),
        "CREATE TYPE mood AS ENUM ()",
        "type-gone public.mood",
        "gone",
        "type public.mood",
        ("CREATE TYPE mood AS ENUM ('a')",),
    ),
    "no extension": Case(
        ("CREATE EXTENSION citext",),
        "DROP EXTENSION citext",
        "extension-there citext",
        "installed",
        "not installed",
    ),
    "an older extension": Case(
        ("CREATE EXTENSION citext VERSION '1.6'",),
        "UPDATE pg_extension SET extversion = '1.5.10' WHERE extname = 'citext'",
        "extension-there citext",
        "version 1.6 or later",
        "version 1.5.10",
    ),
    "another head": Case(
        (), "UPDATE alembic_version SET version_num = 'ae0'", "version-table alembic_version", "holds ae1", "found ae0"
    ),
    "one head too many": Case(
        (), "INSERT INTO alembic_version VALUES ('ae0')", "version-table alembic_version", "holds ae1", "ae0, ae1"
    ),
    "no version table": Case(
        (), "DROP TABLE alembic_version", "version-table alembic_version", "holds ae1", "no such table"
    ),
    "names that need quotes": Case(
        (
            'CREATE TABLE "My App"."it\'s a ""table""" ("Id" int PRIMARY KEY, "a b" "text")',
            'CREATE INDEX "Ix \\ 1" ON "My App"."it\'s a ""table""" ("a b", lower("a b"))',
        ),
        'ALTER TABLE "My App"."it\'s a ""table""" ALTER "a b" TYPE varchar',
        'column-there My App.it\'s a "table".a b',
        "text, nullable",
        "character varying",
        ('CREATE SCHEMA "My App"',),
    ),
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=[pytest.mark.pgvector] if "CREATE EXTENSION vector" in case.setup else [])
        for name, case in CASES.items()
    ],
)
def test_what_was_migrated_passes_and_what_is_spoilt_is_blocked_alone(
    case: Case, migrate: Migrate, connection: Connection
) -> None:
    assert_blocked_alone(case, migrate, connection)
