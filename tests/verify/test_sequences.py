"""Migrations of several statements, as teams write them: a correct schema never fails verification."""

import contextlib

import psycopg
import pytest

from fix_postgres import VERSION, Connection
from fix_verify import assert_verified
from migsafe.postgres.catalog import read

SEQUENCES = {
    "a schema is renamed": (
        "CREATE SCHEMA app",
        "CREATE TABLE app.t (a int CHECK (a > 1), b numeric(10,2) GENERATED ALWAYS AS (a * 2.5) STORED)",
        "ALTER TABLE app.t ADD COLUMN c numeric(10,2) DEFAULT round(1.234 * 2, 2)",
        "COMMENT ON TABLE app.t IS 'x'",
        "CREATE INDEX ix ON app.t (a) WHERE a > 1",
        "ALTER SCHEMA app RENAME TO app2",
    ),
    "batch mode": (
        "CREATE TABLE t (id serial PRIMARY KEY, a varchar(20) DEFAULT lower('ABC'), CHECK (a = 'x' OR a LIKE 'y%'))",
        "ALTER TABLE t ALTER a TYPE text",
        "ALTER TABLE t ALTER a TYPE varchar(10)",
        "CREATE TABLE _alembic_tmp_t (id int)",
        "DROP TABLE t",
        "ALTER TABLE _alembic_tmp_t RENAME TO t",
    ),
    "queries of views": (
        "CREATE TABLE t (id int, a text)",
        "CREATE VIEW v AS SELECT *, row_number() OVER (ORDER BY id) FROM t",
        "CREATE VIEW w (x, y) AS SELECT v.id, (SELECT count(*) FROM t) FROM v WHERE a IN ('a', 'b') UNION SELECT 1, 2",
        "CREATE RECURSIVE VIEW r (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 100",
        "ALTER TABLE t RENAME a TO b",
        "CREATE MATERIALIZED VIEW m AS TABLE t WITH NO DATA",
        "CREATE VIEW s AS SELECT t.*, count(*) OVER () FROM t",
        "ALTER TABLE t ADD COLUMN c int",
    ),
    "functions of every kind": (
        "CREATE FUNCTION f(a int DEFAULT 1, OUT b text, VARIADIC c text[] DEFAULT '{}') LANGUAGE plpgsql STABLE"
        " AS $$ BEGIN b := 'x'; END $$",
        "CREATE FUNCTION g() RETURNS TABLE (x int) LANGUAGE sql AS $$ SELECT 1 $$",
        "CREATE PROCEDURE p(INOUT a int) LANGUAGE plpgsql AS $$ BEGIN a := 1; END $$",
        "COMMENT ON FUNCTION g() IS 'x'",
        "GRANT EXECUTE ON FUNCTION g() TO PUBLIC",
        "CREATE FUNCTION h(t text) RETURNS varchar LANGUAGE sql IMMUTABLE AS 'SELECT t'",
        "CREATE TABLE t (a text DEFAULT h('x'), CHECK (h(a) <> ''))",
        "CREATE INDEX ON t (h(a))",
        "ALTER FUNCTION h(text) RENAME TO hh",
    ),
    "policies, and a column that is renamed": (
        "CREATE TABLE t (id int, o text)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY p ON t USING (o = current_user AND id IN (SELECT id FROM t))",
        "ALTER POLICY p ON t TO PUBLIC USING (o = 'x')",
        "ALTER TABLE t RENAME o TO owner_",
        "CREATE POLICY q ON t FOR INSERT WITH CHECK (id > 0)",
    ),
    "partitions with parameters and comments": (
        "CREATE TABLE p (a int, b text DEFAULT 'q', CONSTRAINT c CHECK (a > 0)) PARTITION BY LIST (lower(b))",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN ('a', 'b') WITH (fillfactor = 50)",
        "CREATE TABLE p2 PARTITION OF p DEFAULT",
        "CREATE INDEX ON p (lower(b), a DESC)",
        "ALTER TABLE p ADD COLUMN z int GENERATED ALWAYS AS (a * 2) STORED",
        "COMMENT ON COLUMN p.z IS 'zz'",
    ),
    "bounds of every kind": (
        "CREATE TABLE i (a int, b bigint) PARTITION BY RANGE (a, b)",
        "CREATE TABLE i1 PARTITION OF i FOR VALUES FROM (MINVALUE, MINVALUE) TO (1, -5)",
        "CREATE TABLE i2 PARTITION OF i FOR VALUES FROM (1, -5) TO (10, MAXVALUE)",
        "CREATE TABLE s (a text) PARTITION BY LIST (a)",
        "CREATE TABLE s1 PARTITION OF s FOR VALUES IN ('a', 'it''s', 'minvalue', NULL)",
        "CREATE TABLE h (a int) PARTITION BY HASH (a)",
        "CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER 1)",
        "CREATE TABLE d (a date) PARTITION BY RANGE (a)",
        "CREATE TABLE d1 PARTITION OF d FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
        "CREATE TABLE d2 PARTITION OF d FOR VALUES FROM ('1 march 2026') TO ('2026-04-01'::date)",
        "CREATE TABLE z (a timestamptz, u uuid) PARTITION BY RANGE (a)",
        "CREATE TABLE z1 PARTITION OF z FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
        "CREATE TABLE n (a numeric) PARTITION BY LIST (a)",
        "CREATE TABLE n1 PARTITION OF n FOR VALUES IN (1, 2.50)",
        "CREATE TABLE e (a int) PARTITION BY RANGE ((a + 1))",
        "CREATE TABLE e1 PARTITION OF e FOR VALUES FROM (1) TO (2)",
    ),
    "exclusion, domains, storage": (
        "CREATE EXTENSION btree_gist",
        "CREATE TABLE t (r tsrange, id int, EXCLUDE USING gist (r WITH &&, id WITH =) WHERE (id > 3) DEFERRABLE)",
        "CREATE UNIQUE INDEX u ON t (id) INCLUDE (r)",
        "ALTER TABLE t ALTER r SET STATISTICS 100, ALTER r SET STORAGE plain, SET (autovacuum_enabled = off)",
        "CREATE DOMAIN d AS int CHECK (VALUE > 0) NOT NULL",
        "ALTER TABLE t ADD COLUMN x d DEFAULT 3",
        "COMMENT ON DOMAIN d IS 'y'",
        "ALTER DOMAIN d OWNER TO CURRENT_USER",
    ),
    "identity is changed": (
        "CREATE TABLE t (a int GENERATED BY DEFAULT AS IDENTITY)",
        "ALTER TABLE t ALTER a SET GENERATED ALWAYS",
    ),
    "an expression is dropped": (
        "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
        "ALTER TABLE t ALTER b DROP EXPRESSION",
        "ALTER TABLE t ALTER b SET DEFAULT 4",
    ),
    "one statement changes a column three times": (
        "CREATE TABLE t (a int)",
        "ALTER TABLE t ALTER a SET DEFAULT 1, ALTER a SET NOT NULL, ALTER a TYPE bigint",
        "ALTER TABLE t ADD COLUMN b int, ALTER COLUMN b SET DEFAULT 3",
    ),
    "keys follow a rename": (
        "CREATE TABLE t (a serial PRIMARY KEY, b text UNIQUE, c int REFERENCES t, CHECK (c > 0))",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE u RENAME b TO bb",
        "ALTER TABLE u DROP CONSTRAINT t_pkey CASCADE",
        "ALTER TABLE u ADD PRIMARY KEY (bb)",
    ),
    "what a CASCADE takes along is gone": (
        "CREATE TABLE t (a int PRIMARY KEY)",
        "CREATE TABLE c (id int PRIMARY KEY, t_a int REFERENCES t (a) ON DELETE CASCADE)",
        "ALTER TABLE t RENAME a TO aa",
        "ALTER TABLE t RENAME TO tt",
        "DROP TABLE tt CASCADE",
    ),
    "a NOT NULL that is not validated at first": (
        "CREATE TABLE t (a int)",
        "ALTER TABLE t ADD CONSTRAINT nn NOT NULL a NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT nn",
    ),
    "constraints that take over an index": (
        "CREATE TABLE t (a int NOT NULL, b int)",
        "CREATE UNIQUE INDEX ia ON t (a)",
        "CREATE UNIQUE INDEX ib ON t (b)",
        "ALTER TABLE t ADD CONSTRAINT uq UNIQUE USING INDEX ib",
        "ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY USING INDEX ia",
    ),
    "indexes that PostgreSQL names": (
        "CREATE TABLE t (a int, b text)",
        "CREATE INDEX ON t (a)",
        "CREATE INDEX ON t (a)",
        "CREATE INDEX ON t (lower(b), b)",
        "ALTER TABLE t DROP COLUMN a",
    ),
    "an enum is renamed, and a label of it": (
        "CREATE TYPE m AS ENUM ('a', 'b')",
        "CREATE TABLE t (x m DEFAULT 'a', y m[])",
        "ALTER TYPE m RENAME TO mm",
        "ALTER TYPE mm RENAME VALUE 'a' TO 'c'",
        "ALTER TYPE mm ADD VALUE 'd'",
    ),
    "types in a schema that is not on the path": (
        "CREATE SCHEMA app",
        "CREATE TYPE app.m AS ENUM ('a')",
        "CREATE DOMAIN app.d AS app.m",
        "CREATE TABLE app.t (x app.m DEFAULT 'a', y app.d, z app.m[])",
        "CREATE INDEX ON app.t (x)",
    ),
    "a partitioned table": (
        "CREATE TABLE p (a int, b int NOT NULL, PRIMARY KEY (a, b)) PARTITION BY HASH (a)",
        "CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        "CREATE INDEX ON p (b)",
        "ALTER TABLE p ADD COLUMN c text DEFAULT 'x'",
        "ALTER TABLE p ADD CONSTRAINT ck CHECK (b > 0)",
        "ALTER TABLE p0 RENAME TO q0",
        "ALTER TABLE p ADD UNIQUE (a, b)",
    ),
    "views of both kinds": (
        "CREATE TABLE t AS SELECT 1 AS a, 'x'::text AS b, now() AS c",
        "CREATE MATERIALIZED VIEW mv AS SELECT a, b FROM t",
        "CREATE UNIQUE INDEX ON mv (a)",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY mv",
        "CREATE VIEW v AS SELECT * FROM mv",
        "CREATE OR REPLACE VIEW v AS SELECT a, b, 1 AS z FROM mv",
    ),
    "a copy of a table": (
        "CREATE TABLE t (a int PRIMARY KEY DEFAULT 3, b text NOT NULL, CHECK (a > 0))",
        "CREATE INDEX ON t (b)",
        "CREATE TABLE l (LIKE t INCLUDING ALL)",
    ),
    "embeddings": (
        "CREATE EXTENSION vector",
        "CREATE TABLE t (e vector(3), f vector(3))",
        "CREATE INDEX ON t USING hnsw (e vector_l2_ops) WITH (m = 8)",
        "CREATE INDEX i ON t USING ivfflat (f vector_cosine_ops)",
        "DROP INDEX i",
        "ALTER TABLE t ALTER e TYPE vector(4)",
    ),
    "a sequence with an owner": (
        "CREATE SEQUENCE s",
        "CREATE TABLE t (a int DEFAULT nextval('s'))",
        "ALTER SEQUENCE s OWNED BY t.a",
        "ALTER SEQUENCE s RENAME TO s2",
        "DROP TABLE t",
    ),
    "a column that is dropped and added in one statement": (
        "CREATE TABLE t (a int, b int)",
        "ALTER TABLE t DROP COLUMN a, ADD a text NOT NULL DEFAULT 'q', ADD CONSTRAINT x CHECK (b > 0) NOT VALID",
        "ALTER TABLE t VALIDATE CONSTRAINT x, ALTER b SET NOT NULL",
    ),
    "a type that changes twice": (
        "CREATE TABLE t (a varchar)",
        "ALTER TABLE t ALTER a TYPE varchar(20), ALTER a SET DEFAULT 'x'",
        "ALTER TABLE t ALTER a DROP DEFAULT",
        "ALTER TABLE t ALTER a TYPE int USING a::int",
    ),
    "a table of the session": (
        "CREATE TEMPORARY TABLE tt (id int)",
        "ALTER TABLE tt ADD COLUMN x int",
        "CREATE INDEX ON tt (x)",
        "DROP TABLE tt",
    ),
    "logged and unlogged": (
        "CREATE UNLOGGED TABLE t (a int)",
        "ALTER TABLE t SET LOGGED",
        "ALTER TABLE t SET UNLOGGED",
    ),
    "inheritance": (
        "CREATE TABLE parent (a int NOT NULL, CHECK (a > 0))",
        "CREATE TABLE child (b int) INHERITS (parent)",
        "ALTER TABLE parent ADD COLUMN c int",
        "ALTER TABLE child NO INHERIT parent",
        "ALTER TABLE parent RENAME a TO aa",
    ),
    "functions of one name": (
        "CREATE FUNCTION f(a int DEFAULT 1, VARIADIC b text[] DEFAULT '{}') RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER FUNCTION f(int, text[]) RENAME TO g",
        "DROP FUNCTION g(int, text[])",
        "CREATE PROCEDURE pr(INOUT x int) LANGUAGE sql AS 'SELECT 1'",
        "DROP PROCEDURE pr",
    ),
    "a trigger that is renamed and dropped": (
        "CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
        "CREATE TABLE t (a int)",
        "CREATE TRIGGER tr AFTER UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION tf()",
        "ALTER TRIGGER tr ON t RENAME TO tr2",
        "DROP TRIGGER tr2 ON t",
        "DROP FUNCTION tf",
    ),
    "names that need quotes": (
        'CREATE TABLE "order" ("user" int, "Sélect" text, "a.b" int)',
        'CREATE INDEX "I.x" ON "order" ("a.b")',
        'ALTER TABLE "order" ADD CONSTRAINT "Ck %" CHECK ("user" > 0)',
        'ALTER TABLE "order" RENAME "user" TO "%s {x}"',
    ),
    "constraints of every kind": (
        "CREATE TABLE t (r int4range, EXCLUDE USING gist (r WITH &&))",
        "CREATE TABLE u (a int, CONSTRAINT uq UNIQUE (a) DEFERRABLE INITIALLY DEFERRED)",
        "CREATE TABLE w (a int CHECK (a > 0), b int CONSTRAINT bb CHECK (b > 1), CONSTRAINT tt CHECK (a > b))",
        "ALTER TABLE w ADD CHECK (b < 9), ADD CHECK (a < 9)",
    ),
    "NULLs that are not distinct": ("CREATE TABLE t (a int, CONSTRAINT uq UNIQUE NULLS NOT DISTINCT (a))",),
    "digits before the point only": ("CREATE TABLE t (a numeric(5,-2))",),
    "types of every kind": (
        'CREATE TABLE t (a bit, b bit varying(5), c char, d "char", e name, f time(2), g timestamptz(0), j float(3),'
        " h interval day to second(3), i interval year, k dec(5), l numeric(5,2), m national character varying(4),"
        ' n int[3][3], o oid, p money, q text COLLATE "C", r timetz, s float, u xml, v tsvector, w int8range)',
    ),
    "a composite type": (
        "CREATE TYPE comp AS (a int, b text)",
        "CREATE TABLE t (c comp)",
        "ALTER TYPE comp ADD ATTRIBUTE d numeric(4,1)",
    ),
    "a table that is dropped and made again": (
        "CREATE TABLE t (a int PRIMARY KEY)",
        "DROP TABLE t",
        "CREATE TABLE t (b text)",
        "ALTER TABLE t RENAME TO z",
        "CREATE VIEW t AS SELECT * FROM z",
    ),
    "a name that changes hands": (
        "CREATE TABLE a (x int)",
        "ALTER TABLE a RENAME TO b",
        "CREATE TABLE a (y int)",
        "ALTER TABLE b RENAME x TO xx",
        "DROP TABLE a",
    ),
    "policies and statistics": (
        "CREATE TABLE t (a int, b int)",
        "CREATE POLICY p ON t USING (true)",
        "ALTER POLICY p ON t RENAME TO q",
        "DROP POLICY q ON t",
        "CREATE STATISTICS s ON a, b FROM t",
        "ALTER STATISTICS s RENAME TO s2",
        "DROP STATISTICS s2",
    ),
    "names of 63 bytes": (
        f"CREATE TABLE {'t' * 60} ({'c' * 60} int UNIQUE REFERENCES {'t' * 60} ({'c' * 60}), id serial)",
        f"CREATE INDEX ON {'t' * 60} (id, {'c' * 60})",
    ),
    "a domain": (
        "CREATE DOMAIN d AS int DEFAULT 5 CHECK (value > 0)",
        "CREATE TABLE t (a d)",
        "ALTER DOMAIN d RENAME TO dd",
        "ALTER DOMAIN dd DROP CONSTRAINT d_check",
    ),
    "a schema that is dropped with what is in it": (
        "CREATE SCHEMA s2",
        "CREATE TABLE t (a serial PRIMARY KEY, s2 int)",
        "CREATE INDEX ib ON t (s2)",
        "ALTER TABLE t SET SCHEMA s2",
        "ALTER INDEX s2.ib RENAME TO ic",
        "DROP SCHEMA s2 CASCADE",
    ),
}

# What the servers before that version refuse.
SINCE = {
    "a NOT NULL that is not validated at first": 18,
    "NULLs that are not distinct": 15,
    "digits before the point only": 15,
}
KNOWN = [
    pytest.param(statements, id=name, marks=[pytest.mark.pgvector] if name == "embeddings" else [])
    for name, statements in SEQUENCES.items()
    if SINCE.get(name, 0) <= VERSION
]


@pytest.mark.parametrize("name", SINCE)
def test_servers_before_the_version_refuse_what_it_brought(name: str, connection: Connection) -> None:
    refused = pytest.raises((psycopg.errors.SyntaxError, psycopg.errors.InvalidParameterValue))
    with contextlib.nullcontext() if SINCE[name] <= VERSION else refused:
        for statement in SEQUENCES[name]:
            connection.execute(statement.encode())


@pytest.mark.pgvector
def test_embeddings_of_half_the_size_are_verified_where_pgvector_has_them(connection: Connection) -> None:
    statements = (
        "CREATE TABLE t (h halfvec(3), s sparsevec(3))",
        "CREATE INDEX ON t USING hnsw (h halfvec_l2_ops)",
        "CREATE INDEX i ON t USING ivfflat (h halfvec_cosine_ops)",
        "DROP INDEX i",
    )
    connection.execute("CREATE EXTENSION vector; CREATE TABLE alembic_version AS SELECT 'ae1' AS version_num")
    if read(connection).extensions["vector"].version == "0.6.2":
        with pytest.raises(psycopg.errors.UndefinedObject):
            connection.execute(statements[0].encode())
        return
    assert_verified(statements, connection)


@pytest.mark.parametrize("statements", KNOWN)
def test_a_correct_schema_never_fails(statements: tuple[str, ...], connection: Connection) -> None:
    connection.execute("CREATE TABLE alembic_version AS SELECT 'ae1' AS version_num")
    assert_verified(statements, connection)
