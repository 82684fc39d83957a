"""Inverses of whole revisions: derived before they run, taken back after."""

import pytest

from fix_inverse import inverses, recorded, take_back
from fix_postgres import VERSION, Connect, Connection
from migsafe.model.after import after
from migsafe.model.catalog import Catalog
from migsafe.model.definitions import Known, Recorded
from migsafe.model.inverse import worst
from migsafe.sql.predict import predict
from migsafe.undo.same import differences

SHOP = """
    CREATE TYPE mood AS ENUM ('good', 'bad');
    CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(40) NOT NULL, mood mood
        NOT NULL DEFAULT 'good', note text DEFAULT 'none', full_name text GENERATED ALWAYS AS (name || '!') STORED,
        tags text[], extra jsonb);
    CREATE TABLE orders (id serial PRIMARY KEY, buyer bigint NOT NULL, amount numeric(10,2) CHECK (amount > 0),
        code text COLLATE "C" UNIQUE, placed_at timestamptz DEFAULT now(),
        CONSTRAINT buyer_fk FOREIGN KEY (buyer) REFERENCES people ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
    CREATE INDEX orders_by_day ON orders (date_trunc('day', placed_at AT TIME ZONE 'UTC') DESC) WHERE amount > 10;
    CREATE INDEX people_notes ON people (note text_pattern_ops) INCLUDE (name) WITH (fillfactor = 70);
    ALTER TABLE people CLUSTER ON people_notes;
    ALTER TABLE people ALTER COLUMN note SET STORAGE EXTERNAL, ALTER COLUMN note SET STATISTICS 500;
    ALTER TABLE people SET (fillfactor = 80), ENABLE ROW LEVEL SECURITY;
    CREATE STATISTICS people_stats (dependencies) ON name, note FROM people;
    COMMENT ON TABLE people IS 'who buys';
    COMMENT ON COLUMN people.note IS 'it''s a note';
    COMMENT ON CONSTRAINT buyer_fk ON orders IS 'the buyer';
    COMMENT ON INDEX people_notes IS 'by note';
    GRANT SELECT, UPDATE (note) ON people TO PUBLIC;
    CREATE POLICY readers ON people FOR SELECT USING (name <> 'secret');
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'new'; RETURN NEW; END $$;
    CREATE TRIGGER stamped BEFORE INSERT ON people FOR EACH ROW WHEN (NEW.note IS NULL) EXECUTE FUNCTION stamp();
    ALTER TABLE people DISABLE TRIGGER stamped;
    CREATE VIEW buyers AS SELECT p.name, count(*) AS orders FROM people p JOIN orders o ON o.buyer = p.id GROUP BY p.id;
    COMMENT ON VIEW buyers IS 'names';
    CREATE MATERIALIZED VIEW totals AS SELECT buyer, sum(amount) AS total FROM orders GROUP BY buyer;
    CREATE UNIQUE INDEX totals_key ON totals (buyer);
    CREATE TABLE readings (at date NOT NULL, value int, PRIMARY KEY (at, value)) PARTITION BY RANGE (at);
    CREATE TABLE readings_24 PARTITION OF readings FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE INDEX readings_value ON readings (value);
"""

REVISIONS = {
    "a view": ("exact", ["DROP VIEW buyers"]),
    "a materialized view, whose rows are computed anew": ("lossy", ["DROP MATERIALIZED VIEW totals"]),
    "a column that much hangs on": ("lossy", ["ALTER TABLE people DROP COLUMN note CASCADE"]),
    "a table that others reference": ("lossy", ["DROP TABLE people CASCADE"]),
    "a tree of partitions": ("lossy", ["DROP TABLE readings"]),
    "one partition": ("lossy", ["DROP TABLE readings_24"]),
    "a function that a trigger calls, replaced after a revision made it": (
        "exact",
        [
            "create function aside() returns trigger language plpgsql as 'BEGIN RETURN NEW; END'",
            "CREATE TRIGGER aside BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION aside()",
            "CREATE OR REPLACE FUNCTION aside() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        ],
    ),
    "operators for as long as a type changes (alembic-postgresql-enum)": (
        "exact",
        [
            "ALTER TYPE mood RENAME TO mood_old",
            "CREATE TYPE mood AS ENUM ('good', 'bad', 'so so')",
            "CREATE FUNCTION same(a mood, b mood_old) RETURNS boolean AS 'SELECT a::text = b::text' LANGUAGE sql",
            "CREATE OPERATOR public.= (leftarg = mood, rightarg = mood_old, procedure = same)",
            "ALTER TABLE people ALTER mood DROP DEFAULT",
            "ALTER TABLE people ALTER mood TYPE mood USING mood::text::mood",
            "ALTER TABLE people ALTER mood SET DEFAULT 'good'",
            "DROP OPERATOR IF EXISTS public.= (mood, mood_old)",
            "DROP FUNCTION same(mood, mood_old)",
            "DROP TYPE mood_old",
        ],
    ),
    "what a revision made, then renamed, then dropped": (
        "lossy",
        [
            "CREATE TABLE boxes (a text, b text)",
            "CREATE FUNCTION twice(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT $1 || $1 $$",
            "CREATE INDEX boxes_a ON boxes (twice(a), b)",
            "ALTER TABLE boxes RENAME TO crates",
            "ALTER TABLE crates RENAME COLUMN b TO c",
            "DROP INDEX boxes_a",
            "ALTER FUNCTION twice(text) RENAME TO doubled",
            "DROP FUNCTION doubled(text)",
            "DROP TABLE crates",
        ],
    ),
    "a column of another table is renamed that has the same name": (
        "exact",
        [
            "ALTER TABLE readings ADD COLUMN amount int",
            "ALTER TABLE readings RENAME COLUMN amount TO amount_of",
            "ALTER TABLE orders DROP CONSTRAINT orders_amount_check",
        ],
    ),
    "a partition detached": ("exact", ["ALTER TABLE readings DETACH PARTITION readings_24"]),
    "renames, then drops under the new names": (
        "exact",
        [
            "ALTER TABLE orders RENAME TO purchases",
            "ALTER TABLE purchases RENAME COLUMN amount TO total",
            "DROP INDEX orders_by_day",
            "ALTER TABLE purchases DROP CONSTRAINT buyer_fk",
            "ALTER TABLE purchases DROP CONSTRAINT orders_amount_check",
        ],
    ),
    "an enum made anew": (
        "exact",
        [
            "ALTER TABLE people ALTER COLUMN mood DROP DEFAULT",
            "ALTER TYPE mood RENAME TO mood_old",
            "CREATE TYPE mood AS ENUM ('good', 'bad', 'ugly')",
            "ALTER TABLE people ALTER COLUMN mood TYPE mood USING mood::text::mood",
            "DROP TYPE mood_old",
            "ALTER TABLE people ALTER COLUMN mood SET DEFAULT 'good'",
        ],
    ),
    "a label added": ("exact", ["ALTER TYPE mood ADD VALUE 'ugly'"]),
    "made and gone again": (
        "exact",
        [
            "CREATE TABLE aside (id int PRIMARY KEY, v text DEFAULT 'x' CHECK (v <> ''))",
            "CREATE INDEX aside_v ON aside (lower(v))",
            "CREATE FUNCTION aside_f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER TABLE aside ADD COLUMN w int",
            "UPDATE aside SET w = 1",
            "DROP INDEX aside_v",
            "DROP FUNCTION aside_f()",
            "COMMENT ON TABLE aside IS 'soon gone'",
        ],
    ),
    "a backfill of a new column": (
        "exact",
        [
            "ALTER TABLE orders ADD COLUMN currency text",
            "UPDATE orders SET currency = 'EUR'",
            "ALTER TABLE orders ADD CONSTRAINT currency_there CHECK (currency IS NOT NULL) NOT VALID",
            "ALTER TABLE orders VALIDATE CONSTRAINT currency_there",
            "ALTER TABLE orders ALTER COLUMN currency SET NOT NULL",
            "ALTER TABLE orders DROP CONSTRAINT currency_there",
        ],
    ),
    "functions, triggers, policies and views over others": (
        "exact",
        [
            "CREATE OR REPLACE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "DROP TRIGGER stamped ON people",
            "DROP FUNCTION stamp()",
            "DROP POLICY readers ON people",
            "CREATE OR REPLACE VIEW buyers AS SELECT p.name, 0::bigint AS orders FROM people p",
        ],
    ),
    "functions and policies altered": (
        "exact",
        ["ALTER FUNCTION stamp() SECURITY DEFINER", "ALTER POLICY readers ON people USING (true)"],
    ),
    "settings": (
        "exact",
        [
            "ALTER TABLE people SET (fillfactor = 50, autovacuum_enabled = false)",
            "ALTER TABLE people RESET (fillfactor)",
            "COMMENT ON TABLE people IS NULL",
            "COMMENT ON COLUMN people.note IS 'other'",
            "GRANT INSERT ON people TO PUBLIC",
            "REVOKE SELECT ON people FROM PUBLIC",
            "ALTER TABLE people ALTER COLUMN note SET STORAGE PLAIN, ALTER COLUMN note SET STATISTICS -1",
            "ALTER TABLE people SET WITHOUT CLUSTER, DISABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            "ALTER TABLE people ENABLE ALWAYS TRIGGER stamped",
            "ALTER TABLE orders REPLICA IDENTITY FULL",
            "ALTER SEQUENCE orders_id_seq INCREMENT BY 5 CACHE 10",
        ],
    ),
    "types there and back": (
        "exact",
        [
            "ALTER TABLE orders ALTER COLUMN id TYPE bigint",
            "ALTER TABLE people ALTER COLUMN extra TYPE json",
            "ALTER TABLE people ALTER COLUMN tags SET DEFAULT '{}', ALTER COLUMN extra SET DEFAULT '{}'",
        ],
    ),
    "keys given up and taken up": (
        "exact",
        [
            "ALTER TABLE orders DROP CONSTRAINT orders_code_key",
            "CREATE UNIQUE INDEX orders_code_idx ON orders (code)",
            "ALTER TABLE orders ADD CONSTRAINT orders_code_key UNIQUE USING INDEX orders_code_idx",
            "ALTER TABLE orders ALTER CONSTRAINT buyer_fk NOT DEFERRABLE",
        ],
    ),
    "an extension and a schema": (
        "exact",
        [
            "CREATE EXTENSION pg_trgm",
            "CREATE SCHEMA more",
            "CREATE TABLE more.t (id int)",
            "ALTER TABLE orders SET SCHEMA more",
        ],
    ),
}


@pytest.mark.parametrize("story", REVISIONS)
def test_a_revision_is_taken_back(story: str, connect: Connect) -> None:
    kind, statements = REVISIONS[story]
    connection = connect()
    connection.execute(SHOP.encode())
    before = recorded(connection)
    found = inverses(statements, before)
    assert worst(tuple(each.kind for each in found)) == kind, [each.because for each in found if each.because]
    for statement in statements:
        connection.execute(statement.encode())
    take_back(connection, found)
    assert not differences(before, recorded(connection), in_order=kind == "exact")


@pytest.fixture
def shop(connect: Connect) -> Connection:
    connection = connect()
    connection.execute(SHOP.encode())
    return connection


def test_the_way_back_is_as_gentle_as_the_way_there(shop: Connection) -> None:
    before = recorded(shop)
    (made,) = inverses(["CREATE INDEX CONCURRENTLY i ON orders (code)"], before)
    (gone,) = inverses(["DROP INDEX CONCURRENTLY orders_by_day"], before)
    assert [(each.sql, each.apart) for each in made.commands] == [("DROP INDEX CONCURRENTLY public.i", True)]
    assert gone.commands[0].sql.startswith("CREATE INDEX CONCURRENTLY orders_by_day ON public.orders")
    assert gone.commands[0].apart
    (key,) = inverses(["ALTER TABLE orders DROP CONSTRAINT buyer_fk"], before)
    assert [each.apart for each in key.commands][:2] == [False, False]
    assert key.commands[0].sql.endswith("NOT VALID")
    assert key.commands[-1].sql == "ALTER TABLE public.orders VALIDATE CONSTRAINT buyer_fk"
    assert key.commands[-1].apart


def test_what_is_lost_and_what_goes_with_it_are_said_apart(shop: Connection) -> None:
    before = recorded(shop)
    (added,) = inverses(["ALTER TABLE orders ADD COLUMN currency text DEFAULT 'EUR'"], before)
    assert added.kind == "exact"
    assert [each.what for each in added.discards] == ["column:public.orders.currency"]
    (dropped,) = inverses(["ALTER TABLE orders DROP COLUMN amount CASCADE"], before)
    assert dropped.kind == "lossy"
    assert "the values of column public.orders.amount" in dropped.loses
    assert any("comes back as the last one" in each for each in dropped.loses)
    (rows,) = inverses(["DELETE FROM orders WHERE amount > 3"], before)
    assert (rows.kind, rows.commands) == ("lossy", ())
    assert rows.because == "rows of public.orders that DELETE changed or removed"


def test_rows_of_the_new_shape_are_counted_by_the_query_that_comes_with_the_inverse(shop: Connection) -> None:
    shop.execute("INSERT INTO people (name) VALUES ('a')")
    (added,) = inverses(["ALTER TABLE people ADD COLUMN age int DEFAULT 7"], recorded(shop))
    shop.execute("ALTER TABLE people ADD COLUMN age int DEFAULT 7")
    assert added.discards[0].count is not None
    assert shop.execute(added.discards[0].count.encode()).fetchone() == (0,)
    shop.execute("UPDATE people SET age = 8")
    assert shop.execute(added.discards[0].count.encode()).fetchone() == (1,)
    (nullable,) = inverses(["ALTER TABLE people ALTER COLUMN name DROP NOT NULL"], recorded(shop))
    assert [each.blocks for each in nullable.discards][:1] == [True]


IMPOSSIBLE = {
    "DO $$ BEGIN ALTER TABLE orders ADD COLUMN x int; END $$": "a DO block decides when it runs what it does",
    "CREATE COLLATION mine (locale = 'C')": "a statement of this kind is not followed",
    "ALTER TABLE people ALTER COLUMN full_name DROP EXPRESSION": "cannot be made generated again",
    "DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'orders'; END $$": "a DO block",
    "ALTER TABLE people ALTER COLUMN name TYPE text": "view",
}


@pytest.mark.parametrize("statement", IMPOSSIBLE)
def test_what_cannot_be_taken_back_says_why(statement: str, shop: Connection) -> None:
    (found,) = inverses([statement], recorded(shop))
    assert (found.kind, found.commands) == ("impossible", ())
    assert IMPOSSIBLE[statement] in found.because


def test_a_definition_that_nobody_recorded_is_not_made_up(shop: Connection) -> None:
    known = recorded(shop)
    blind = Recorded(known.catalog, Known())
    assert inverses(["DROP TRIGGER stamped ON people"], blind)[0].kind == "impossible"
    assert inverses(["DROP POLICY readers ON people"], blind)[0].kind == "impossible"
    assert inverses(["COMMENT ON TABLE people IS 'x'"], blind)[0].kind == "impossible"
    dropped = inverses(["DROP TABLE orders CASCADE"], blind)[0]
    assert any("nobody has recorded" in each or "not recorded" in each for each in dropped.loses)
    assert inverses(["ALTER TABLE t ADD COLUMN c int"], Recorded(Catalog(), Known()))[0].kind != "exact" or VERSION


@pytest.mark.parametrize(
    ("later", "kind"),
    [
        ("SELECT 1", "lossy"),
        ("ALTER TABLE people RENAME TO persons", "impossible"),
        ("ALTER TABLE people RENAME note TO remark", "impossible"),
    ],
)
def test_an_index_is_not_made_of_a_text_that_is_older_than_a_rename(later: str, kind: str, shop: Connection) -> None:
    catalog = recorded(shop).catalog
    for statement in ("CREATE INDEX late ON people (note DESC)", later):
        catalog = after(catalog, predict(statement, catalog, VERSION))
    assert inverses(["DROP INDEX late"], Recorded(catalog, Known()))[0].kind == kind


def test_nothing_to_do_needs_no_undoing(shop: Connection) -> None:
    before = recorded(shop)
    for statement in (
        "CREATE TABLE IF NOT EXISTS orders (id int)",
        "DROP INDEX IF EXISTS nope",
        "SELECT 1",
        "SET lock_timeout = 0",
    ):
        (found,) = inverses([statement], before)
        assert (found.kind, found.commands) == ("exact", ())
