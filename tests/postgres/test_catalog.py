"""A live database, read into a Catalog."""

from collections.abc import Callable

import psycopg
import pytest

from fix_postgres import VERSION, Connect, Role
from migsafe.errors import LockNotAvailable
from migsafe.model.catalog import (
    Catalog,
    Column,
    Constraint,
    Extension,
    Index,
    Policy,
    Relation,
    Statistics,
    Trigger,
    Type,
    Use,
)
from migsafe.postgres.catalog import read

SHOP = """
CREATE SCHEMA sales;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE sales.pair AS (a int, b varchar(3));
CREATE DOMAIN email AS varchar(80) DEFAULT 'x' CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
CREATE DOMAIN plain AS text;
ALTER DOMAIN plain ADD CONSTRAINT late CHECK (VALUE <> '') NOT VALID;
CREATE FUNCTION sales.draw(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN random() * $1; END';
CREATE FUNCTION sales.is_good(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 <> ''''';
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail email, "Name" text COLLATE "C" NOT NULL);
CREATE TABLE sales.orders (
    id bigserial PRIMARY KEY, customer_id int REFERENCES customers ON DELETE CASCADE, state mood DEFAULT 'sad',
    amount numeric(10,2) CHECK (amount > 0), note text CHECK (sales.is_good(note)),
    double numeric GENERATED ALWAYS AS (amount * 2) STORED
);
ALTER TABLE sales.orders ADD CONSTRAINT later CHECK (id > 0) NOT VALID;
CREATE INDEX by_note ON sales.orders (lower(note), amount) INCLUDE (state) WHERE amount > 10;
CREATE STATISTICS sales.both ON customer_id, amount FROM sales.orders;
CREATE VIEW names AS SELECT "Name", sales.draw(1) FROM customers;
CREATE MATERIALIZED VIEW sales.totals AS SELECT customer_id, sum(amount) AS sum FROM sales.orders GROUP BY 1;
CREATE TRIGGER stamped BEFORE INSERT OR UPDATE OF note ON sales.orders FOR EACH ROW
    WHEN (NEW.amount > 1) EXECUTE FUNCTION stamp();
CREATE TABLE log (message text);
CREATE RULE keep AS ON DELETE TO customers DO ALSO INSERT INTO log VALUES (OLD."Name");
CREATE POLICY own ON customers USING (EXISTS (SELECT FROM log WHERE message = mail));
CREATE TABLE events (day date NOT NULL, kind text) PARTITION BY RANGE (day);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX events_kind ON events (kind);
CREATE PUBLICATION feed FOR TABLE log;
CREATE UNLOGGED TABLE scratch (x int);
CREATE EXTENSION cube;
"""

_CREATE_MANY = """
DO $$ BEGIN FOR i IN 1..500 LOOP
    EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, a text DEFAULT ''x'', b int CHECK (b > 0))', i);
END LOOP; END $$
"""


@pytest.fixture
def catalog(connect: Connect) -> Catalog:
    connection = connect()
    connection.execute(SHOP)
    return read(connection)


def test_it_is_complete_and_knows_the_session(catalog: Catalog) -> None:
    assert catalog.complete
    assert catalog.server_version == VERSION
    assert catalog.search_path == ("public",)
    assert catalog.schemas == ("public", "sales")
    assert catalog.timezone == "UTC"


def test_relations_have_kind_and_place(catalog: Catalog) -> None:
    kinds = {name: relation.kind for name, relation in catalog.relations.items()}
    assert kinds == {
        "public.customers": "table",
        "public.customers_id_seq": "sequence",
        "public.events": "partitioned table",
        "public.events_2024": "table",
        "public.events_rest": "table",
        "public.log": "table",
        "public.names": "view",
        "public.scratch": "table",
        "sales.orders": "table",
        "sales.orders_id_seq": "sequence",
        "sales.pair": "composite type",
        "sales.totals": "materialized view",
    }
    assert catalog.relations["public.customers"].owner == "postgres"
    assert catalog.relations["public.scratch"].persistence == "unlogged"
    assert catalog.relations["sales.orders_id_seq"].owned_by == ("sales.orders", "id")


def test_partitions_know_their_parent(catalog: Catalog) -> None:
    events = catalog.relations["public.events"]
    assert (events.partition_by, events.partition_key) == ("range", ("day",))
    rest = catalog.relations["public.events_rest"]
    assert (rest.parents, rest.is_default_partition, rest.bound) == (("public.events",), True, "DEFAULT")
    assert not catalog.relations["public.events_2024"].is_default_partition
    assert catalog.indexes["public.events_2024_kind_idx"].parent == "public.events_kind"


def test_columns_have_type_default_and_origin(catalog: Catalog) -> None:
    customers, orders = catalog.columns["public.customers"], catalog.columns["sales.orders"]
    assert customers["id"].identity == "a"
    assert customers["Name"] == Column("public.customers", "Name", "text", True, None, collation="C")
    assert customers["mail"].type == "email"
    assert orders["id"].default == "nextval('sales.orders_id_seq'::regclass)"
    assert orders["state"].default == "'sad'::mood"
    assert orders["amount"].type == "numeric(10,2)"
    assert orders["double"].generated == "stored"


def test_indexes_have_keys_and_what_expressions_mention(catalog: Catalog) -> None:
    found = catalog.indexes["sales.by_note"]
    assert found == Index(
        "sales.by_note",
        "sales.orders",
        columns=(None, "amount"),
        predicate="(amount > (10)::numeric)",
        mentions=("amount", "note"),
        included=("state",),
        definition="CREATE INDEX by_note ON sales.orders USING btree (lower(note), amount) INCLUDE (state)"
        " WHERE (amount > (10)::numeric)",
    )
    assert catalog.indexes["public.customers_pkey"].primary


def test_constraints_have_columns_expression_and_state(catalog: Catalog) -> None:
    orders = catalog.constraints["sales.orders"]
    assert orders["orders_customer_id_fkey"] == Constraint(
        "sales.orders",
        "orders_customer_id_fkey",
        "foreign key",
        ("customer_id",),
        references="public.customers",
        referenced_columns=("id",),
        on_delete="c",
    )
    assert orders["orders_amount_check"].expression == "(amount > (0)::numeric)"
    assert orders["orders_note_check"].calls == ("sales.is_good",)
    assert not orders["later"].validated
    assert orders["orders_pkey"].index == "sales.orders_pkey"
    # A NOT NULL is a constraint, with a name, since 18.
    kinds = [constraint.kind for constraint in orders.values()]
    assert kinds.count("not null") == (1 if VERSION >= 18 else 0)
    assert ("orders_id_not_null" in orders) == (VERSION >= 18)


def test_a_foreign_key_to_a_partitioned_table_is_one_constraint(connect: Connect) -> None:
    connection = connect()
    connection.execute("CREATE TABLE p (id int PRIMARY KEY) PARTITION BY HASH (id)")
    connection.execute("CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0)")
    connection.execute("CREATE TABLE c (p_id int REFERENCES p)")
    assert list(read(connection).constraints["public.c"]) == ["c_p_id_fkey"]


def test_types_have_labels_base_and_constraints(catalog: Catalog) -> None:
    assert catalog.types["public.mood"] == Type("public.mood", "enum", labels=("sad", "glad"))
    pair = (("a", "integer"), ("b", "character varying(3)"))
    assert catalog.types["sales.pair"] == Type("sales.pair", "composite", attributes=pair)
    email = catalog.types["public.email"]
    assert (email.base, email.constrained, email.constraints) == ("character varying(80)", True, ("has_at",))
    assert catalog.types["public.plain"].unvalidated == ("late",)
    assert catalog.types["public.cube"].extension == "cube"
    assert "public._mood" not in catalog.types


def test_extensions_and_functions_are_known(catalog: Catalog) -> None:
    cube = catalog.extensions["cube"]
    assert cube == Extension("cube", cube.version, "public")
    assert catalog.volatility["sales.draw"] == "v"
    assert catalog.volatility["sales.is_good"] == "i"
    draw = catalog.functions["sales.draw(integer)"]
    assert (draw.language, draw.returns, draw.body) == ("plpgsql", "integer", "BEGIN RETURN random() * $1; END")
    assert catalog.functions["public.cube_distance(cube, cube)"].extension == "cube"


def test_what_reads_a_relation_is_known(catalog: Catalog) -> None:
    names = catalog.relations["public.names"]
    assert names.uses == (Use("public.customers", ("Name",)),)
    assert names.calls == ("sales.draw",)
    assert names.definition is not None
    assert catalog.relations["sales.totals"].uses == (Use("sales.orders", ("amount", "customer_id")),)
    own = catalog.policies["public.customers"]["own"]
    assert own == Policy(
        "public.customers", "own", (Use("public.customers", ("mail",)), Use("public.log", ("message",)))
    )
    keep = catalog.rules["public.customers"]["keep"]
    assert (keep.event, keep.writes, keep.instead) == ("delete", ("public.log",), False)


def test_triggers_statistics_and_publications_are_known(catalog: Catalog) -> None:
    assert catalog.triggers["sales.orders"]["stamped"] == Trigger(
        "sales.orders",
        "stamped",
        "public.stamp",
        timing="before",
        events=("insert", "update"),
        for_each_row=True,
        columns=("amount", "note"),
    )
    both = Statistics("sales.both", "sales.orders", ("amount", "customer_id"))
    assert catalog.statistics["sales.both"] == both
    assert catalog.publications == {"feed": ("public.log",)}


def test_rows_are_unknown_until_the_table_is_analysed_but_bytes_are_not(connect: Connect) -> None:
    connection = connect()
    connection.execute("CREATE TABLE t AS SELECT g, repeat('x', 100) AS y FROM generate_series(1, 1000) g")
    size = connection.execute("SELECT pg_relation_size('t')").fetchall()[0][0]
    known = read(connection).relations["public.t"]
    assert (known.rows, known.bytes) == (None, size)
    connection.execute("ANALYZE t")
    known = read(connection).relations["public.t"]
    assert (known.rows, known.bytes) == (1000, size)


def test_a_table_that_was_filled_after_it_was_analysed_is_not_taken_for_empty(connect: Connect) -> None:
    connection = connect()
    connection.execute("CREATE TABLE fresh (x int)")
    connection.execute("CREATE TABLE filled (x int); ANALYZE filled; INSERT INTO filled SELECT generate_series(1, 9)")
    connection.execute("CREATE TABLE grown AS SELECT g FROM generate_series(1, 5000) g; ANALYZE grown")
    connection.execute("INSERT INTO grown SELECT generate_series(1, 50000)")
    found = read(connection).relations
    assert (found["public.fresh"].rows, found["public.fresh"].bytes) == (0, 0)
    assert found["public.filled"].rows is None
    assert (found["public.grown"].rows or 0) > 20_000


def test_what_somebody_has_locked_is_not_waited_for_to_measure_it(connect: Connect) -> None:
    connection, holder = connect(), connect(autocommit=False)
    connection.execute("CREATE TABLE t AS SELECT g FROM generate_series(1, 100) g; ANALYZE t; INSERT INTO t VALUES (1)")
    holder.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    assert read(connection, lock_timeout=0.1).relations["public.t"].rows == 100


def test_an_invalid_index_is_not_valid(connect: Connect) -> None:
    connection = connect()
    connection.execute("CREATE TABLE t AS SELECT 1 AS x FROM generate_series(1, 2)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON t (x)")
    assert not read(connection).indexes["public.broken"].valid


def test_any_role_sees_the_whole_schema(catalog: Catalog, role: Role, connect: Connect) -> None:
    seen = read(connect(role("app")))
    assert seen.relations == catalog.relations
    assert seen.columns.keys() == catalog.columns.keys()


def test_names_along_another_search_path(catalog: Catalog, connect: Connect) -> None:
    connection = connect()
    connection.execute("SET search_path = sales, missing, public")
    found = read(connection)
    assert found.search_path == ("sales", "public")
    assert found.relations.keys() == catalog.relations.keys()


def test_it_reads_inside_an_open_transaction_and_leaves_no_setting(connect: Connect) -> None:
    connection = connect(autocommit=False)
    connection.execute("CREATE TABLE t (x int)")
    assert "public.t" in read(connection).relations
    connection.rollback()
    assert read(connection).relations == {}
    connection.rollback()
    assert connection.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_a_locked_table_is_a_clear_refusal(connect: Connect) -> None:
    connection, other = connect(), connect(autocommit=False)
    connection.execute("CREATE TABLE t (x int CHECK (x > 0))")
    other.execute("LOCK TABLE t")
    with pytest.raises(LockNotAvailable, match="ACCESS EXCLUSIVE"):
        read(connection, lock_timeout=0.1)


def test_many_tables_take_no_more_queries_than_few(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect()
    connection.execute(_CREATE_MANY)
    asked: list[object] = []
    execute: Callable[..., psycopg.Cursor[object]] = psycopg.Cursor.execute

    def counted(cursor: psycopg.Cursor[object], *arguments: object, **keywords: object) -> psycopg.Cursor[object]:
        asked.append(arguments)
        return execute(cursor, *arguments, **keywords)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    found = read(connection)
    assert len(found.relations) == 500
    assert found.relations["public.t1"] == Relation("public.t1", owner="postgres", rows=0, bytes=0)
    assert len(asked) < 30
