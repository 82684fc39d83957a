"""What was migrated passes; what was then spoilt is blocked, that alone, naming expected and found."""

import pytest

from fix_postgres import Connection
from fix_verify import Case, Migrate, assert_blocked_alone

TABLE = "CREATE TABLE t (id int PRIMARY KEY, a text, b int NOT NULL DEFAULT 1)"
PARENT = "CREATE TABLE parents (id int PRIMARY KEY, code text UNIQUE)"


CASES = {
    "a column that is gone": Case(
        ("ALTER TABLE t ADD COLUMN is_used boolean DEFAULT false",),
        "ALTER TABLE t DROP COLUMN is_used",
        "column-there public.t.is_used",
        "boolean, nullable, default false",
        "no such column",
        (TABLE,),
    ),
    "another type": Case(
        ("ALTER TABLE t ADD COLUMN price numeric(10,2)",),
        "ALTER TABLE t ALTER price TYPE numeric(12,2)",
        "column-there public.t.price",
        "numeric(10,2)",
        "numeric(12,2)",
        (TABLE,),
    ),
    "another length": Case(
        ("ALTER TABLE t ADD COLUMN code varchar(20)",),
        "ALTER TABLE t ALTER code TYPE varchar",
        "column-there public.t.code",
        "character varying(20)",
        "found character varying, nullable",
        (TABLE,),
    ),
    "without its time zone": Case(
        ("ALTER TABLE t ADD COLUMN seen_at timestamptz(3) NOT NULL DEFAULT now()",),
        "ALTER TABLE t ALTER seen_at TYPE timestamp(3)",
        "column-there public.t.seen_at",
        "timestamp(3) with time zone, not null, default now()",
        "timestamp(3) without time zone",
        (TABLE,),
    ),
    "no array": Case(
        ("ALTER TABLE t ADD COLUMN tags text[] NOT NULL DEFAULT '{}'",),
        "ALTER TABLE t ALTER tags DROP DEFAULT, ALTER tags TYPE text USING tags[1]",
        "column-there public.t.tags",
        "text[], not null, default '{}'",
        "text, not null, no default",
        (TABLE,),
    ),
    "another enum": Case(
        ("CREATE TYPE mood AS ENUM ('sad', 'it''s ok')", "ALTER TABLE t ADD COLUMN mood mood DEFAULT 'sad'"),
        "ALTER TABLE t ALTER mood SET DEFAULT 'it''s ok'",
        "column-there public.t.mood",
        "mood, nullable, default 'sad'",
        "default 'it''s ok'::mood",
        (TABLE,),
    ),
    "another dimension": Case(
        ("ALTER TABLE t ADD COLUMN embedding vector(1536)",),
        "ALTER TABLE t ALTER embedding TYPE vector(768)",
        "column-there public.t.embedding",
        "vector(1536), nullable",
        "vector(768)",
        ("CREATE EXTENSION vector", TABLE),
    ),
    "a domain's base instead of the domain": Case(
        ("CREATE DOMAIN email AS citext CHECK (VALUE ~ '@')", "ALTER TABLE t ADD COLUMN mail email"),
        "ALTER TABLE t ALTER mail TYPE citext",
        "column-there public.t.mail",
        "email, nullable",
        "citext, nullable",
        ("CREATE EXTENSION citext", TABLE),
    ),
    "nullable": Case(
        ("ALTER TABLE t ALTER a SET NOT NULL",),
        "ALTER TABLE t ALTER a DROP NOT NULL",
        "column-there public.t.a",
        "text, not null",
        "text, nullable",
        (TABLE,),
    ),
    "another default": Case(
        ("ALTER TABLE t ALTER b SET DEFAULT 0",),
        "ALTER TABLE t ALTER b SET DEFAULT 2",
        "column-there public.t.b",
        "default 0",
        "default 2",
        (TABLE,),
    ),
    "a default that is left": Case(
        ("ALTER TABLE t ALTER b DROP DEFAULT",),
        "ALTER TABLE t ALTER b SET DEFAULT 1",
        "column-there public.t.b",
        "no default",
        "default 1",
        (TABLE,),
    ),
    "no identity": Case(
        ("ALTER TABLE t ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY",),
        "ALTER TABLE t ALTER n DROP IDENTITY",
        "column-there public.t.n",
        "bigint, not null, identity always",
        "bigint, not null, no default",
        (TABLE,),
    ),
    "not generated": Case(
        ("ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS (b * 2) STORED",),
        "ALTER TABLE t ALTER c DROP EXPRESSION",
        "column-there public.t.c",
        "generated always as (b * 2) stored",
        "integer, nullable, no default",
        (TABLE,),
    ),
    "a serial without its sequence": Case(
        ("CREATE TABLE s (id bigserial PRIMARY KEY)",),
        "DROP SEQUENCE s_id_seq CASCADE",
        "column-there public.s.id",
        "bigint, not null, a default that calls nextval",
        "bigint, not null, no default",
    ),
    "a column that is still there": Case(
        ("ALTER TABLE t DROP COLUMN a",),
        "ALTER TABLE t ADD COLUMN a text",
        "column-gone public.t.a",
        "gone",
        "column a text",
        (TABLE,),
    ),
    "a column under its old name": Case(
        ("ALTER TABLE t RENAME a TO note",),
        "ALTER TABLE t ADD COLUMN a text",
        "column-gone public.t.a",
        "gone",
        "column a text",
        (TABLE,),
    ),
    "another method": Case(
        ("CREATE INDEX ix ON t USING hash (a)",),
        "DROP INDEX ix; CREATE INDEX ix ON t USING btree (a)",
        "index-there public.ix",
        "valid hash index on public.t (a)",
        "CREATE INDEX ix ON public.t USING btree (a)",
        (TABLE,),
    ),
    "other columns": Case(
        ("CREATE INDEX ix ON t (a, lower(a), b DESC) INCLUDE (id) WHERE b > 3",),
        "DROP INDEX ix; CREATE INDEX ix ON t (a, b, lower(a)) INCLUDE (id) WHERE b > 3",
        "index-there public.ix",
        "btree index on public.t (a, (expression), b) include (id) where b > 3",
        "(a, b, lower(a))",
        (TABLE,),
    ),
    "not unique": Case(
        ("CREATE UNIQUE INDEX ix ON t (a)",),
        "DROP INDEX ix; CREATE INDEX ix ON t (a)",
        "index-there public.ix",
        "valid unique btree index",
        "CREATE INDEX ix",
        (TABLE,),
    ),
    "not partial": Case(
        ("CREATE INDEX ix ON t (a) WHERE a IS NOT NULL",),
        "DROP INDEX ix; CREATE INDEX ix ON t (a)",
        "index-there public.ix",
        "where a IS NOT NULL",
        "USING btree (a)",
        (TABLE,),
    ),
    "no hnsw index": Case(
        ("CREATE INDEX CONCURRENTLY ix ON t USING hnsw (e vector_cosine_ops)",),
        "DROP INDEX ix",
        "index-there public.ix",
        "valid hnsw index on public.t (e)",
        "no such index",
        ("CREATE EXTENSION vector", "CREATE TABLE t (e vector(3))"),
    ),
    "on another table": Case(
        ("CREATE INDEX ix ON t (b)",),
        "DROP INDEX ix; CREATE TABLE other (b int); CREATE INDEX ix ON other (b)",
        "index-there public.ix",
        "on public.t (b)",
        "ON public.other",
        (TABLE,),
    ),
    "an index that is still there": Case(
        ("DROP INDEX ix",),
        "CREATE INDEX ix ON t (b)",
        "index-gone public.ix",
        "gone",
        "CREATE INDEX ix ON public.t",
        (TABLE, "CREATE INDEX ix ON t (b)"),
    ),
    "a check that was not validated": Case(
        ("ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0)",),
        "ALTER TABLE t DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (b > 0) NOT VALID",
        "constraint-there public.t.positive",
        "check (b > 0), validated",
        "CHECK ((b > 0)) NOT VALID (not validated)",
        (TABLE,),
    ),
    "a validation that is lost": Case(
        ("ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0) NOT VALID", "ALTER TABLE t VALIDATE CONSTRAINT positive"),
        "ALTER TABLE t DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (b > 0) NOT VALID",
        "constraint-there public.t.positive",
        "check (b > 0), validated",
        "(not validated)",
        (TABLE,),
    ),
    "a NOT VALID that is gone": Case(
        ("ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0) NOT VALID",),
        "ALTER TABLE t DROP CONSTRAINT positive",
        "constraint-there public.t.positive",
        "not validated, as written",
        "no such constraint",
        (TABLE,),
    ),
    "a foreign key to another table": Case(
        ("ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (b) REFERENCES parents (id)",),
        "CREATE TABLE others (id int PRIMARY KEY);"
        "ALTER TABLE t DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (b) REFERENCES others (id)",
        "constraint-there public.t.fk",
        "foreign key (b) references public.parents (id), validated",
        "FOREIGN KEY (b) REFERENCES others(id)",
        (PARENT, TABLE),
    ),
    "a unique constraint of another kind": Case(
        ("ALTER TABLE t ADD CONSTRAINT u UNIQUE (a, b)",),
        "ALTER TABLE t DROP CONSTRAINT u, ADD CONSTRAINT u CHECK (b > 0)",
        "constraint-there public.t.u",
        "unique (a, b), validated",
        "CHECK ((b > 0))",
        (TABLE,),
    ),
    "a constraint that is still there": Case(
        ("ALTER TABLE t DROP CONSTRAINT positive",),
        "ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 1)",
        "constraint-gone public.t.positive",
        "gone",
        "CHECK ((b > 1))",
        (TABLE, "ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0)"),
    ),
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
