"""Destructive statements, each over tables of its own: what is there, what destroys it, what is written afterwards.

What is written afterwards is valid in the old schema and in the new one: done to a twin that was never migrated, it
gives what must be there when the migration was undone.
"""

from typing import NamedTuple

from fix_postgres import VERSION


class Case(NamedTuple):
    name: str
    setup: tuple[str, ...]
    destroys: tuple[str, ...]
    later: tuple[str, ...] = ()


def filled(table: str, columns: str, values: str) -> str:
    """As many rows as a test wants: `{rows}` is put in by the test."""
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM generate_series(1, {{rows}}) AS n"


MOOD = "CASE n % 3 WHEN 0 THEN 'good' WHEN 1 THEN 'bad' END"
LATER = (
    "INSERT INTO {t} (id, a) VALUES (900001, 'new')",
    "UPDATE {t} SET a = 'later' WHERE id IN (3, 4, 5)",
    "DELETE FROM {t} WHERE id = 7",
)


def later(table: str) -> tuple[str, ...]:
    return tuple(each.format(t=table) for each in LATER)


COLUMNS = (
    Case(
        "a column with default, NOT NULL, CHECK, index and comment",
        (
            "CREATE TABLE c1 (id int PRIMARY KEY, a text, b text NOT NULL DEFAULT 'x' CHECK (b <> ''))",
            filled("c1", "id, a, b", "n, 'a' || n, 'b' || n"),
            "CREATE INDEX c1_b ON c1 (b, id)",
            "COMMENT ON COLUMN c1.b IS 'what''s b'",
        ),
        ("ALTER TABLE c1 DROP COLUMN b",),
        later("c1"),
    ),
    Case(
        "arrays, jsonb and enums with NULLs",
        (
            "CREATE TYPE mood AS ENUM ('good', 'bad')",
            "CREATE TABLE c2 (id bigint PRIMARY KEY, a text, b int[], c jsonb, d mood, e bytea, f timestamptz)",
            filled(
                "c2",
                "id, a, b, c, d, e, f",
                f"n, 'a', CASE WHEN n % 5 > 0 THEN ARRAY[n, NULL] END, jsonb_build_object('k', n, 't', E'a\\tb\\\\n'),"
                f" ({MOOD})::mood, decode(md5(n::text), 'hex'), '2024-05-05 10:00+2'::timestamptz + n * '1h'::interval",
            ),
        ),
        ("ALTER TABLE c2 DROP COLUMN b, DROP COLUMN c, DROP COLUMN d, DROP COLUMN e, DROP COLUMN f",),
        later("c2"),
    ),
    Case(
        "a column with a view, a generated column and a foreign key behind it, CASCADE",
        (
            "CREATE TABLE c3 (id int PRIMARY KEY, a text, b int UNIQUE, g int GENERATED ALWAYS AS (b * 2) STORED)",
            filled("c3", "id, a, b", "n, 'a', n + 10"),
            "CREATE TABLE c3_child (id int PRIMARY KEY, b int REFERENCES c3 (b))",
            filled("c3_child", "id, b", "n, n + 10"),
            "DELETE FROM c3_child WHERE id < 20",
            "CREATE VIEW c3_view AS SELECT id, b, g FROM c3 WHERE b > 12",
        ),
        ("ALTER TABLE c3 DROP COLUMN b CASCADE",),
        ("UPDATE c3 SET a = 'later' WHERE id = 3", "DELETE FROM c3 WHERE id = 7"),
    ),
    Case(
        "a column of a table with a composite key",
        (
            "CREATE TABLE c4 (k text, n int, id int, a text, b date, PRIMARY KEY (k, n))",
            filled("c4", "k, n, id, a, b", "'k' || n % 7, n, n, 'a', '2024-01-01'::date + n"),
        ),
        ("ALTER TABLE c4 DROP COLUMN b",),
        ("UPDATE c4 SET a = 'later' WHERE id IN (3, 4)", "DELETE FROM c4 WHERE id = 7"),
    ),
    Case(
        "a column of the primary key itself",
        (
            "CREATE TABLE c5 (id int, part int, a text, PRIMARY KEY (id, part))",
            filled("c5", "id, part, a", "n / 2, n, 'a' || n"),
        ),
        ("ALTER TABLE c5 DROP COLUMN part",),
    ),
    Case(
        "a column of a table without a key, with equal rows",
        (
            "CREATE TABLE c6 (a int, b text)",
            filled("c6", "a, b", "n % 10, nullif('b' || n % 4, 'b3')"),
        ),
        ("ALTER TABLE c6 DROP COLUMN b",),
        ("INSERT INTO c6 (a) VALUES (77)",),
    ),
    Case(
        "awkward names",
        (
            'CREATE SCHEMA "Sales dept"',
            'CREATE TABLE "Sales dept"."order lines" ("Id" int PRIMARY KEY, a text, "b ""q"" c" text)',
            filled('"Sales dept"."order lines"', '"Id", a, "b ""q"" c"', "n, 'a', E'tab\\t''q'' \\\\ ' || n"),
        ),
        ('ALTER TABLE "Sales dept"."order lines" DROP COLUMN "b ""q"" c"',),
        ("""UPDATE "Sales dept"."order lines" SET a = 'later' WHERE "Id" = 3""",),
    ),
    Case(
        "a column of a partitioned table with a key",
        (
            "CREATE TABLE c8 (id int, at date, a text, b numeric(10, 2), PRIMARY KEY (id, at)) PARTITION BY RANGE (at)",
            "CREATE TABLE c8_old PARTITION OF c8 FOR VALUES FROM (MINVALUE) TO ('2024-03-01')",
            "CREATE TABLE c8_new PARTITION OF c8 DEFAULT",
            filled("c8", "id, at, a, b", "n, '2024-01-01'::date + n, 'a', n / 7.0"),
        ),
        ("ALTER TABLE c8 DROP COLUMN b",),
        ("UPDATE c8 SET a = 'later' WHERE id = 3", "DELETE FROM c8 WHERE id = 7"),
    ),
    Case(
        "a column of a partitioned table without a key",
        (
            "CREATE TABLE c9 (id int, a text, b text) PARTITION BY HASH (id)",
            "CREATE TABLE c9_0 PARTITION OF c9 FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
            "CREATE TABLE c9_1 PARTITION OF c9 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
            filled("c9", "id, a, b", "n, 'a', 'b' || n"),
        ),
        ("ALTER TABLE c9 DROP COLUMN b",),
        ("INSERT INTO c9 (id, a) VALUES (900001, 'new')",),
    ),
    Case(
        "a serial column and an identity column",
        (
            "CREATE TABLE c10 (id int PRIMARY KEY, a text, b serial, c int GENERATED BY DEFAULT AS IDENTITY)",
            filled("c10", "id, a", "n, 'a'"),
        ),
        ("ALTER TABLE c10 DROP COLUMN b, DROP COLUMN c",),
        ("UPDATE c10 SET a = 'later' WHERE id = 3",),
    ),
    Case(
        "a generated column",
        (
            "CREATE TABLE c11 (id int PRIMARY KEY, a text, b text GENERATED ALWAYS AS (upper(a)) STORED)",
            filled("c11", "id, a", "n, 'a' || n"),
        ),
        ("ALTER TABLE c11 DROP COLUMN b",),
        later("c11"),
    ),
    Case(
        "a column that was renamed in the same run, of a table that was too",
        (
            "CREATE TABLE c12 (id int PRIMARY KEY, a text, b text)",
            filled("c12", "id, a, b", "n, 'a', 'b' || n"),
        ),
        (
            "ALTER TABLE c12 RENAME COLUMN b TO bb",
            "ALTER TABLE c12 RENAME TO c12_new",
            "ALTER TABLE c12_new DROP COLUMN bb",
            "ALTER TABLE c12_new RENAME TO c12",
        ),
        later("c12"),
    ),
)

TYPES = (
    Case(
        "a shorter varchar",
        (
            "CREATE TABLE t1 (id int PRIMARY KEY, a text, b varchar(40) DEFAULT 'none')",
            filled("t1", "id, a, b", "n, 'a', 'some longer text ' || n"),
        ),
        ("ALTER TABLE t1 ALTER COLUMN b TYPE varchar(4) USING left(b, 4)",),
        later("t1"),
    ),
    Case(
        "numeric to integer",
        (
            "CREATE TABLE t2 (id int PRIMARY KEY, a text, b numeric NOT NULL DEFAULT 1.5)",
            filled("t2", "id, a, b", "n, 'a', n / 3.0"),
        ),
        ("ALTER TABLE t2 ALTER COLUMN b DROP DEFAULT", "ALTER TABLE t2 ALTER COLUMN b TYPE int"),
        ("UPDATE t2 SET a = 'later' WHERE id = 3", "DELETE FROM t2 WHERE id = 7"),
    ),
    Case(
        "text to integer by an expression",
        (
            "CREATE TABLE t3 (id int PRIMARY KEY, a text, b text)",
            filled("t3", "id, a, b", "n, 'a', repeat('x', n % 9)"),
        ),
        ("ALTER TABLE t3 ALTER COLUMN b TYPE int USING length(b)",),
        later("t3"),
    ),
    Case(
        "a narrower key that others refer to",
        (
            "CREATE TABLE t4 (id int PRIMARY KEY, a text, b bigint UNIQUE)",
            filled("t4", "id, a, b", "n, 'a', n + 5"),
            "CREATE TABLE t4_child (id int PRIMARY KEY, b bigint REFERENCES t4 (b))",
            filled("t4_child", "id, b", "n, n + 5"),
        ),
        ("ALTER TABLE t4 ALTER COLUMN b TYPE int",),
        ("UPDATE t4 SET a = 'later' WHERE id = 3",),
    ),
    Case(
        "dropped and added with another type",
        (
            "CREATE TABLE t5 (id int PRIMARY KEY, a text, b text)",
            filled("t5", "id, a, b", "n, 'a', nullif('b' || n, 'b4')"),
            "CREATE INDEX t5_b ON t5 (b)",
        ),
        (
            "DROP INDEX t5_b",
            "ALTER TABLE t5 DROP COLUMN b",
            "ALTER TABLE t5 ADD COLUMN b int",
            "CREATE INDEX t5_b ON t5 (b)",
        ),
        later("t5"),
    ),
    Case(
        "a timestamp without its time",
        (
            "CREATE TABLE t6 (id int PRIMARY KEY, a text, b timestamptz)",
            filled("t6", "id, a, b", "n, 'a', '2024-01-01 12:00+00'::timestamptz + n * '1 h'::interval"),
        ),
        ("ALTER TABLE t6 ALTER COLUMN b TYPE date",),
        later("t6"),
    ),
)

TABLES = (
    Case(
        "a table with everything around it, CASCADE",
        (
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
            "CREATE TABLE d1 (id serial PRIMARY KEY, a text UNIQUE, up int REFERENCES d1)",
            filled("d1", "a, up", "'a' || n, CASE WHEN n > 5 THEN n - 3 END"),
            "CREATE TABLE d1_child (id int PRIMARY KEY, a text, d1 int REFERENCES d1 ON DELETE SET NULL)",
            filled("d1_child", "id, a, d1", "n, 'a', n"),
            "CREATE TRIGGER touched BEFORE UPDATE ON d1 FOR EACH ROW EXECUTE FUNCTION touch()",
            "CREATE INDEX d1_up ON d1 (up) WHERE up > 3",
            "CREATE VIEW d1_view AS SELECT id, a FROM d1",
            "COMMENT ON TABLE d1 IS 'd1'",
            "ALTER TABLE d1 ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY own ON d1 USING (a IS NOT NULL)",
        ),
        ("DROP TABLE d1 CASCADE",),
        ("UPDATE d1_child SET a = 'later' WHERE id = 3",),
    ),
    Case(
        "a partitioned table",
        (
            "CREATE TABLE d2 (id int, at date, b jsonb, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)",
            "CREATE TABLE d2_old PARTITION OF d2 FOR VALUES FROM (MINVALUE) TO ('2024-03-01')",
            "CREATE TABLE d2_new PARTITION OF d2 DEFAULT",
            filled("d2", "id, at, b", "n, '2024-01-01'::date + n, '{\"a\": [1, null]}'"),
            "CREATE INDEX d2_at ON d2 (at)",
        ),
        ("DROP TABLE d2",),
    ),
    Case(
        "a table without a key",
        ("CREATE TABLE d3 (a int, b text)", filled("d3", "a, b", "n % 10, 'b' || n % 4")),
        ("DROP TABLE d3",),
    ),
    Case(
        "a schema",
        (
            "CREATE SCHEMA d4",
            "CREATE TYPE d4.colour AS ENUM ('red', 'blue')",
            "CREATE TABLE d4.one (id int PRIMARY KEY, c d4.colour)",
            filled("d4.one", "id, c", "n, 'red'"),
            "CREATE TABLE d4.two (id int PRIMARY KEY, one int REFERENCES d4.one, c d4.colour[])",
            filled("d4.two", "id, one, c", "n, n, ARRAY['blue', 'red']::d4.colour[]"),
            "CREATE FUNCTION d4.f(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x + 1'",
        ),
        ("DROP SCHEMA d4 CASCADE",),
    ),
    Case(
        "a type, CASCADE",
        (
            "CREATE TYPE d5_type AS ENUM ('s', 'm', 'l')",
            "CREATE TABLE d5 (id int PRIMARY KEY, a text, b d5_type, c d5_type[])",
            filled("d5", "id, a, b, c", "n, 'a', 'm', ARRAY['s', 'l']::d5_type[]"),
        ),
        ("DROP TYPE d5_type CASCADE",),
        later("d5"),
    ),
    Case(
        "an extension, CASCADE",
        (
            "CREATE EXTENSION cube",
            "CREATE TABLE d6 (id int PRIMARY KEY, a text, b cube)",
            filled("d6", "id, a, b", "n, 'a', cube(ARRAY[n, 2.5])"),
        ),
        ("DROP EXTENSION cube CASCADE",),
        later("d6"),
    ),
    Case(
        "a sequence, a view and a materialized view",
        (
            "CREATE SEQUENCE d7_seq",
            "SELECT setval('d7_seq', 777)",
            "CREATE TABLE d7 (id int PRIMARY KEY, a text)",
            filled("d7", "id, a", "n, 'a'"),
            "CREATE MATERIALIZED VIEW d7_m AS SELECT a, count(*) FROM d7 GROUP BY a",
            "CREATE VIEW d7_v AS SELECT * FROM d7",
        ),
        ("DROP SEQUENCE d7_seq", "DROP VIEW d7_v", "DROP MATERIALIZED VIEW d7_m", "DELETE FROM d7 WHERE id < 4"),
        ("INSERT INTO d7 VALUES (900001, 'new')",),
    ),
)

ROWS = (
    Case(
        "DELETE with rows of other tables behind ON DELETE CASCADE",
        (
            "CREATE TABLE r1 (id int PRIMARY KEY, a text)",
            filled("r1", "id, a", "n, 'a'"),
            "CREATE TABLE r1_child (id int PRIMARY KEY, r1 int REFERENCES r1 ON DELETE CASCADE)",
            "CREATE INDEX ON r1_child (r1)",
            filled("r1_child", "id, r1", "n, n"),
            "CREATE TABLE r1_leaf (id int PRIMARY KEY, child int REFERENCES r1_child ON DELETE CASCADE, b text)",
            "CREATE INDEX ON r1_leaf (child)",
            filled("r1_leaf", "id, child, b", "n, n, 'b' || n"),
        ),
        ("DELETE FROM r1 AS x WHERE x.id % 2 = 0 AND a = 'a'",),
        ("INSERT INTO r1 VALUES (900001, 'new')", "UPDATE r1 SET a = 'later' WHERE id = 3"),
    ),
    Case(
        "DELETE of all with ON DELETE SET NULL",
        (
            "CREATE TABLE r2 (id int PRIMARY KEY, a text)",
            filled("r2", "id, a", "n, 'a'"),
            "CREATE TABLE r2_child (id int PRIMARY KEY, a text, r2 int REFERENCES r2 ON DELETE SET NULL)",
            "CREATE INDEX ON r2_child (r2)",
            filled("r2_child", "id, a, r2", "n, 'a', nullif(n, 3)"),
        ),
        ("DELETE FROM r2",),
        ("UPDATE r2_child SET a = 'later' WHERE id = 5", "INSERT INTO r2 VALUES (900001, 'new')"),
    ),
    Case(
        "DELETE in a tree that cascades to itself",
        (
            "CREATE TABLE r3 (id int PRIMARY KEY, up int REFERENCES r3 ON DELETE CASCADE)",
            "CREATE INDEX ON r3 (up)",
            # Not a chain: each link is a trigger in a trigger, and the server's stack ends after some thousand.
            filled("r3", "id, up", "n, CASE WHEN n > 1 THEN n / 2 END"),
        ),
        ("DELETE FROM r3 WHERE id = 5",),
        ("INSERT INTO r3 VALUES (900001, 1)",),
    ),
    Case(
        "DELETE by a join, of partitions",
        (
            "CREATE TABLE r4 (id int, a text, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
            "CREATE TABLE r4_0 PARTITION OF r4 FOR VALUES FROM (MINVALUE) TO (50)",
            "CREATE TABLE r4_1 PARTITION OF r4 DEFAULT",
            filled("r4", "id, a", "n, 'a' || n"),
            "CREATE TABLE r4_gone (id int)",
            filled("r4_gone", "id", "n * 3"),
        ),
        ("DELETE FROM r4 USING r4_gone AS g WHERE g.id = r4.id",),
        ("INSERT INTO r4 VALUES (900001, 'new')",),
    ),
    Case(
        "DELETE without a key",
        ("CREATE TABLE r5 (a int, b jsonb)", filled("r5", "a, b", "n % 10, '{}'")),
        ("DELETE FROM r5 WHERE a > 3",),
        ("INSERT INTO r5 VALUES (77, '[]')",),
    ),
    Case(
        "TRUNCATE … CASCADE",
        (
            "CREATE TABLE r6 (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text)",
            filled("r6", "a", "'a' || n"),
            "CREATE TABLE r6_child (id int PRIMARY KEY, r6 int REFERENCES r6, b text GENERATED ALWAYS AS ('x') STORED)",
            filled("r6_child", "id, r6", "n, n"),
        ),
        ("TRUNCATE r6 CASCADE",),
    ),
    Case(
        "TRUNCATE of a partitioned table",
        (
            "CREATE TABLE r7 (id int, a text) PARTITION BY LIST (id)",
            "CREATE TABLE r7_1 PARTITION OF r7 FOR VALUES IN (1, 2, 3)",
            "CREATE TABLE r7_rest PARTITION OF r7 DEFAULT",
            filled("r7", "id, a", "n, 'a'"),
        ),
        ("TRUNCATE r7",),
    ),
    Case(
        "MERGE that updates and deletes",
        (
            "CREATE TABLE r8 (id int PRIMARY KEY, a text, b int)",
            filled("r8", "id, a, b", "n, 'a', n"),
        ),
        (
            "MERGE INTO r8 USING (SELECT n FROM generate_series(1, 30) n) AS s ON s.n = r8.id"
            " WHEN MATCHED AND b > 20 THEN DELETE WHEN MATCHED THEN UPDATE SET b = -1",
        ),
        ("INSERT INTO r8 VALUES (900001, 'new', 0)", "UPDATE r8 SET b = 12345 WHERE id = 40"),
    ),
    Case(
        "DELETE in a WITH",
        ("CREATE TABLE r9 (id int PRIMARY KEY, a text)", filled("r9", "id, a", "n, 'a'")),
        ("WITH gone AS (DELETE FROM r9 WHERE id % 2 = 0 RETURNING id) SELECT count(*) FROM gone",),
        ("INSERT INTO r9 VALUES (900001, 'new')",),
    ),
    Case(
        "DELETE of what an UPDATE before it has marked",
        ("CREATE TABLE r10 (id int PRIMARY KEY, a text)", filled("r10", "id, a", "n, 'a'")),
        ("UPDATE r10 SET a = 'old' WHERE id % 3 = 0", "DELETE FROM r10 WHERE a = 'old'"),
        ("INSERT INTO r10 VALUES (900001, 'new')",),
    ),
)

VALUES = (
    Case(
        "UPDATE of some rows",
        ("CREATE TABLE v1 (id int PRIMARY KEY, a text, b text)", filled("v1", "id, a, b", "n, 'a', 'b' || n")),
        ("UPDATE v1 SET b = upper(b) || random() WHERE id % 2 = 0",),
        later("v1"),
    ),
    Case(
        "UPDATE from another table, of arrays and jsonb",
        (
            "CREATE TABLE v2 (id int PRIMARY KEY, a text, b int[], c jsonb)",
            filled("v2", "id, a, b, c", "n, 'a', ARRAY[n], CASE WHEN n % 3 > 0 THEN jsonb_build_object('n', n) END"),
            "CREATE TABLE v2_new (id int, c jsonb)",
            filled("v2_new", "id, c", "n * 2, '[]'"),
        ),
        ("UPDATE v2 SET b = NULL, c = n.c FROM v2_new AS n WHERE n.id = v2.id",),
        later("v2"),
    ),
    Case(
        "UPDATE of a key with ON UPDATE CASCADE",
        (
            "CREATE TABLE v3 (id int PRIMARY KEY, a text)",
            filled("v3", "id, a", "n, 'a' || n"),
            "CREATE TABLE v3_child (id int PRIMARY KEY, v3 int REFERENCES v3 ON UPDATE CASCADE)",
            filled("v3_child", "id, v3", "n, n"),
        ),
        ("UPDATE v3 SET id = id + 1000000 WHERE id < 20",),
    ),
    Case(
        "UPDATE without a key",
        ("CREATE TABLE v4 (a int, b text, c int)", filled("v4", "a, b, c", "n, 'b' || n, n % 3")),
        ("UPDATE v4 SET b = 'x' WHERE a > 10",),
        ("DELETE FROM v4 WHERE a = 2",),
    ),
    Case(
        "INSERT … ON CONFLICT DO UPDATE",
        ("CREATE TABLE v5 (id int PRIMARY KEY, a text, b text)", filled("v5", "id, a, b", "n, 'a', 'b' || n")),
        ("INSERT INTO v5 SELECT n, 'a', 'b' FROM generate_series(1, 30) n ON CONFLICT (id) DO UPDATE SET b = 'u'",),
        later("v5"),
    ),
    Case(
        "two UPDATEs of one column, then it is dropped",
        ("CREATE TABLE v6 (id int PRIMARY KEY, a text, b text)", filled("v6", "id, a, b", "n, 'a', 'b' || n")),
        (
            "UPDATE v6 SET b = upper(b) WHERE id < 50",
            "UPDATE v6 SET b = b || '!' WHERE id > 20",
            "ALTER TABLE v6 DROP COLUMN b",
        ),
        later("v6"),
    ),
)

_SINCE = {"MERGE that updates and deletes": 15}
_EVERY = {"columns": COLUMNS, "types": TYPES, "tables": TABLES, "rows": ROWS, "values": VALUES}
GROUPS = {
    group: tuple(case for case in cases if _SINCE.get(case.name, 14) <= VERSION) for group, cases in _EVERY.items()
}
