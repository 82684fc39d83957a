"""Generated rows keep every constraint of the tables that they are for."""

import pytest

from fix_postgres import Connection
from migsafe.rehearse.compared import valueless
from migsafe.rehearse.contents import contents
from migsafe.rehearse.rows import fill

TYPES = (
    "smallint, integer, bigint, numeric, numeric(5,2), real, double precision, money, oid, text, varchar(1),"
    'varchar(40), char(3), name, "char", boolean, uuid, date, timestamp, timestamptz(3), time, timetz, interval,'
    "json, jsonb, bytea, inet, cidr, macaddr, macaddr8, bit(4), varbit(9), tsvector, tsquery, pg_lsn, point, line,"
    "lseg, box, path, polygon, circle, int4range, int8range, numrange, tsrange, tstzrange, daterange,"
    "int4multirange, text[], integer[], uuid[], jsonb[], timestamptz[], int4range[]"
)


def counted(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_every_type_has_values(connection: Connection) -> None:
    columns = ", ".join(f"c{n} {each} NOT NULL" for n, each in enumerate(TYPES.replace("(5,2)", "(5;2)").split(",")))
    connection.execute(f"CREATE TABLE every ({columns.replace(';', ',')})".encode())
    assert fill(connection) == {}
    assert counted(connection, "every") == 3


CONSTRAINED = {
    "enum": "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE t (m mood NOT NULL, many mood[])",
    "domain": "CREATE DOMAIN pos AS int CHECK (VALUE > 0); CREATE TABLE t (p pos NOT NULL)",
    "check in": "CREATE TABLE t (state text NOT NULL CHECK (state IN ('new', 'it''s done')))",
    "check range": "CREATE TABLE t (a int NOT NULL CHECK (a BETWEEN 1000 AND 1001), b int NOT NULL CHECK (b < 0))",
    "check two": "CREATE TABLE t (a int, b int, CHECK ((a IS NULL) <> (b IS NULL)))",
    "check mail": "CREATE TABLE t (mail text NOT NULL CHECK (mail LIKE '%@%.%'))",
    "key": "CREATE TABLE t (id serial PRIMARY KEY, parent int NOT NULL REFERENCES t)",
    "composite key": "CREATE TABLE p (a int, b text, PRIMARY KEY (a, b)); "
    "CREATE TABLE t (x int NOT NULL, y text NOT NULL, FOREIGN KEY (x, y) REFERENCES p (a, b))",
    "key to key": "CREATE TABLE a (id uuid PRIMARY KEY); CREATE TABLE b (id uuid PRIMARY KEY REFERENCES a); "
    "CREATE TABLE t (id uuid NOT NULL UNIQUE REFERENCES b)",
    "identity": "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, twice int "
    "GENERATED ALWAYS AS (id * 2) STORED)",
    "exclusion": "CREATE TABLE t (span int4range NOT NULL, EXCLUDE USING gist (span WITH &&))",
    "range partitions": "CREATE TABLE t (at date NOT NULL) PARTITION BY RANGE (at); "
    "CREATE TABLE t_20 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
    "list partitions": "CREATE TABLE t (country text NOT NULL, n int) PARTITION BY LIST (country); "
    "CREATE TABLE t_de PARTITION OF t FOR VALUES IN ('de', 'at')",
    "hash partitions": "CREATE TABLE t (id int NOT NULL) PARTITION BY HASH (id); "
    "CREATE TABLE t_0 PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
    "trigger": "CREATE TABLE t (a int); CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN RAISE EXCEPTION 'no'; END$$; CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION no()",
    "awkward names": 'CREATE SCHEMA "s.x"; CREATE TABLE "s.x"."T {}" ("a%b" int, "c""d" text NOT NULL); '
    'CREATE VIEW t AS SELECT * FROM "s.x"."T {}"',
}


@pytest.mark.parametrize("schema", CONSTRAINED.values(), ids=CONSTRAINED.keys())
def test_constraints_are_kept(connection: Connection, schema: str) -> None:
    connection.execute(schema.encode())
    assert fill(connection) == {}
    assert counted(connection, "t") >= 1
    orphans = "SELECT conrelid::regclass FROM pg_constraint WHERE contype IN ('c', 'f') AND NOT convalidated"
    for (name,) in connection.execute(
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I; ALTER TABLE %1$s ADD CONSTRAINT %2$I %s',"
        " conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint"
        " WHERE contype = 'f' AND conparentid = 0"
    ).fetchall():
        connection.execute(name.encode())
    assert connection.execute(orphans.encode()).fetchall() == []


def test_a_table_that_takes_no_row_is_named_with_the_reason(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE never (a int NOT NULL CHECK (a <> a)); CREATE TYPE pair AS (a int, b int);"
        "CREATE TABLE odd (p pair NOT NULL); CREATE TABLE fine (p pair)"
    )
    failed = fill(connection)
    assert sorted(failed) == ["public.never", "public.odd"]
    assert "violates check constraint" in failed["public.never"]
    assert failed["public.odd"] == "no value is known for the type of p"


def test_rows_refer_to_what_their_table_took_and_not_to_what_it_refused(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE a (name text PRIMARY KEY CHECK (name ~ '^[Aa]+$'), url text NOT NULL CHECK (url ~ '^https?://'),"
        "state text NOT NULL CHECK (state IN ('on', 'off')));"
        "CREATE TABLE kinds (id int PRIMARY KEY); INSERT INTO kinds VALUES (70);"
        "CREATE TABLE c (id int PRIMARY KEY, a text REFERENCES a, k int NOT NULL REFERENCES kinds)"
    )
    assert fill(connection) == {}
    assert counted(connection, "a") == 3
    assert counted(connection, "c") == 3
    assert counted(connection, "c JOIN a ON a.name = c.a") == 2
    assert counted(connection, "c WHERE k = 70") == 3


def test_rows_without_nulls(connection: Connection) -> None:
    connection.execute("CREATE TABLE t (a int, b text)")
    assert fill(connection, nulls=False) == {}
    assert counted(connection, "t WHERE a IS NOT NULL AND b IS NOT NULL") == 3


def test_what_is_there_already_stays_and_is_seen(connection: Connection) -> None:
    connection.execute("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (7, 'x')")
    assert fill(connection) == {}
    before = contents(connection)
    assert before.rows == {"public.t": 1}
    connection.execute("UPDATE t SET b = 'y'")
    after = contents(connection)
    assert {name for name in before.values if before.values[name] != after.values[name]} == {"public.t.b"}
    assert before.objects == after.objects


@pytest.mark.pgvector
def test_vectors_have_their_dimensions(connection: Connection) -> None:
    connection.execute(
        "CREATE EXTENSION vector; CREATE TABLE t (a vector(5) NOT NULL, b halfvec(2) NOT NULL, c vector NOT NULL,"
        "d sparsevec(9) NOT NULL)"
    )
    assert fill(connection) == {}
    assert counted(connection, "t") == 3


def test_no_row_refers_to_what_could_not_be_made(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE a (id int PRIMARY KEY CHECK (id <> id)); CREATE TABLE b (id int PRIMARY KEY REFERENCES a);"
        "CREATE TABLE c (id int PRIMARY KEY, a int REFERENCES a, b int REFERENCES b)"
    )
    failed = fill(connection)
    assert (sorted(failed), failed["public.b"]) == (["public.a", "public.b"], "no row could be made in public.a")
    assert counted(connection, "c") == 1


def test_a_column_that_goes_with_nothing_but_nulls_is_named(connection: Connection) -> None:
    connection.execute("CREATE TABLE t (a int, b text, c text); INSERT INTO t VALUES (NULL, NULL, 'x')")
    before = contents(connection)
    connection.execute("ALTER TABLE t DROP COLUMN a, DROP COLUMN c")
    assert valueless(before, contents(connection)) == ("public.t.a",)
