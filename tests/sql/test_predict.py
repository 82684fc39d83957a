"""Effects beyond locks: what is created, destroyed, needed, supposed."""

import pytest

from migsafe.model.after import after
from migsafe.model.catalog import Catalog, Column, Constraint, Relation, Schema
from migsafe.model.effects import Effects, Object
from migsafe.model.locks import LockMode
from migsafe.sql.predict import predict
from migsafe.sql.schema import read

SHOP = """
CREATE TABLE customers (id bigint PRIMARY KEY, email varchar(20));
CREATE TABLE orders (id int PRIMARY KEY, customer_id bigint REFERENCES customers, note text, qty int);
CREATE TABLE audit (id bigserial PRIMARY KEY, what text);
CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.note := lower(NEW.note); INSERT INTO audit (what) VALUES (TG_OP); RETURN NEW; END';
CREATE TRIGGER tr AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION audited();
"""


def _shop(sql: str) -> Effects:
    return predict(sql, read(SHOP))


def _mode(effects: Effects, relation: str) -> LockMode | None:
    return next((lock.mode for lock in effects.locks if lock.relation == relation), None)


def test_what_the_grammar_rejects_is_unknown_with_its_message() -> None:
    effects = predict("ALTER TABEL t", Catalog())
    assert effects.unknown is not None
    assert 'syntax error at or near "TABEL"' in effects.unknown


@pytest.mark.parametrize(
    ("sql", "command"),
    [
        ("ALTER TABLE t ADD COLUMN a int", "ALTER TABLE"),
        ("CREATE UNIQUE INDEX i ON t (a)", "CREATE INDEX"),
        ("DROP MATERIALIZED VIEW v", "DROP MATERIALIZED VIEW"),
        ("ALTER INDEX i RENAME TO j", "ALTER INDEX"),
        ("SET LOCAL lock_timeout = '2s'", "SET"),
        ("COMMENT ON TABLE t IS 'x'", "COMMENT"),
    ],
)
def test_the_command_is_named_as_the_manual_does(sql: str, command: str) -> None:
    assert predict(sql, Catalog()).command == command


def test_settings_are_told_with_their_scope() -> None:
    (setting,) = predict("SET LOCAL lock_timeout = '2s'", Catalog()).settings
    assert (setting.name, setting.value, setting.local) == ("lock_timeout", "2s", True)
    assert predict("RESET lock_timeout", Catalog()).settings[0].value is None


def test_a_created_column_carries_what_verification_compares() -> None:
    effects = predict("ALTER TABLE t ADD COLUMN v VARCHAR(20) DEFAULT 'x' NOT NULL", Catalog())
    column = next(thing for thing in effects.creates if isinstance(thing, Column))
    assert column == Column("public.t", "v", "character varying(20)", not_null=True, default="'x'")


@pytest.mark.parametrize(
    ("default", "rewrites"),
    [
        ("now()", False),
        ("timezone('utc', now())", False),
        ("CURRENT_TIMESTAMP", False),
        ("'{}'::jsonb", False),
        ("random()", True),
        ("clock_timestamp()", True),
        ("ARRAY[gen_random_uuid()]", True),
        ("coalesce(1, random())", False),
        ("coalesce(NULL, random())", True),
    ],
)
def test_only_a_volatile_default_rewrites(default: str, rewrites: bool) -> None:
    effects = predict(f"ALTER TABLE t ADD COLUMN a text DEFAULT {default}", Catalog())
    assert bool(effects.rewrites) is rewrites
    assert not effects.conditions


@pytest.mark.parametrize(
    ("sql", "condition"),
    [
        ("ALTER TABLE t ALTER COLUMN a TYPE varchar(500)", "character varying(≤ 500)"),
        ("ALTER TABLE t ALTER COLUMN a SET NOT NULL", "validated CHECK (a IS NOT NULL)"),
        ("ALTER TABLE t DROP COLUMN a", "referenced table"),
        ("ALTER TABLE t DROP CONSTRAINT c", "referenced table"),
        ("ALTER TABLE t ADD COLUMN a int DEFAULT my_function()", "my_function"),
        ("ALTER TABLE t ADD COLUMN a some_type", "domain with a constraint"),
        ("DROP TABLE t", "references"),
        ("UPDATE t SET a = my_function(a)", "my_function"),
    ],
)
def test_what_the_catalog_does_not_know_is_said(sql: str, condition: str) -> None:
    assert any(condition in sentence for sentence in predict(sql, Catalog()).conditions)


def test_a_complete_catalog_leaves_no_conditions() -> None:
    for sql in ("ALTER TABLE orders ALTER COLUMN qty TYPE bigint", "ALTER TABLE orders DROP COLUMN note"):
        assert not _shop(sql).conditions


@pytest.mark.parametrize(
    "type_", ["vector(3)", "public.halfvec(4)", "citext", "hstore", "geometry", "geography", "ltree", "json", "jsonb"]
)
def test_types_that_everybody_knows_are_no_domains(type_: str) -> None:
    effects = predict(f"ALTER TABLE t ADD COLUMN a {type_}", Catalog())
    assert (effects.rewrites, effects.conditions) == ((), ())
    assert next(thing.type for thing in effects.creates if isinstance(thing, Column)) == type_.removeprefix("public.")


def test_what_one_statement_said_of_an_unknown_table_is_not_all_of_it() -> None:
    later = after(Catalog(), predict("ALTER TABLE t ALTER COLUMN a TYPE text", Catalog()))
    assert "validated CHECK" in predict("ALTER TABLE t ALTER COLUMN a SET NOT NULL", later).conditions[0]
    assert "referenced table" in predict("ALTER TABLE t DROP COLUMN a", later).conditions[0]
    made = after(Catalog(), predict("CREATE TABLE t (a int)", Catalog()))
    assert not predict("ALTER TABLE t ALTER COLUMN a SET NOT NULL", made).conditions
    assert not predict("ALTER TABLE t DROP COLUMN a", made).conditions


def test_a_table_that_may_be_there_already_is_not_known_to_be_empty() -> None:
    effects = predict("CREATE TABLE IF NOT EXISTS t (a int)", Catalog())
    assert "is there already" in effects.conditions[0]
    assert effects.perhaps == ("public.t",)
    assert next(thing.rows for thing in effects.creates if isinstance(thing, Relation)) is None


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text",
        "ALTER TABLE orders DROP COLUMN IF EXISTS nothing",
        "ALTER TABLE orders DROP CONSTRAINT IF EXISTS nothing",
        "CREATE TABLE IF NOT EXISTS orders (a int)",
        "CREATE INDEX IF NOT EXISTS orders_pkey ON orders (qty)",
        "DROP TABLE IF EXISTS nothing",
        "ALTER TABLE IF EXISTS nothing ADD COLUMN a int",
    ],
)
def test_nothing_to_do_is_known(sql: str) -> None:
    effects = _shop(sql)
    assert effects.nothing_to_do
    assert not effects.changes_schema
    assert (effects.unknown, effects.conditions, effects.destroys) == (None, (), ())


def test_one_of_two_subcommands_is_something_to_do() -> None:
    both = "ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text, ADD COLUMN IF NOT EXISTS more text"
    assert not _shop(both).nothing_to_do
    assert not _shop("DROP TABLE IF EXISTS nothing, orders").nothing_to_do


@pytest.mark.parametrize(
    ("sql", "whole"),
    [
        ("UPDATE orders SET qty = 1 WHERE true", True),
        ("UPDATE orders SET qty = 1 WHERE 1 = 1 AND NOT false", True),
        ("DELETE FROM orders WHERE 't'::bool OR qty > 1", True),
        ("UPDATE orders SET qty = 1 WHERE qty = qty", False),
        ("DELETE FROM orders WHERE false", False),
        ("MERGE INTO orders o USING audit ON true WHEN MATCHED THEN UPDATE SET qty = 1", True),
        ("MERGE INTO orders o USING audit ON true WHEN MATCHED AND o.qty > 1 THEN DELETE", False),
        ("MERGE INTO orders o USING audit ON false WHEN NOT MATCHED BY SOURCE THEN DELETE", True),
        ("MERGE INTO orders o USING audit a ON a.id = o.id WHEN MATCHED THEN DELETE", False),
    ],
)
def test_a_condition_that_is_always_true_narrows_nothing(sql: str, whole: bool) -> None:
    assert next(write.whole for write in _shop(sql).writes if write.relation == "public.orders") is whole


def test_dropping_a_not_null_that_is_not_there_looks_at_no_index() -> None:
    assert [lock.relation for lock in _shop("ALTER TABLE orders ALTER COLUMN note DROP NOT NULL").locks] == [
        "public.orders"
    ]


def test_names_are_those_of_a_table_that_is_not_there_yet() -> None:
    create = "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL, CONSTRAINT pkc PRIMARY KEY (version_num))"
    constraints = {thing.name for thing in predict(create, read(create)).creates if isinstance(thing, Constraint)}
    assert constraints == {"alembic_version_version_num_not_null", "pkc"}


def test_a_schema_is_created_renamed_and_dropped_by_its_name() -> None:
    assert Schema("sales") in predict("CREATE SCHEMA sales", Catalog()).creates
    catalog = read("CREATE SCHEMA sales; CREATE TABLE sales.t (id int PRIMARY KEY); ALTER SCHEMA sales RENAME TO shop;")
    assert catalog.schemas == ("shop",)
    assert set(catalog.relations) == {"shop.t"}
    assert set(catalog.indexes) == {"shop.t_pkey"}
    assert predict("CREATE SCHEMA IF NOT EXISTS shop", catalog).nothing_to_do
    assert not after(catalog, predict("DROP SCHEMA shop CASCADE", catalog)).schemas


def test_row_triggers_of_a_partitioned_table_are_those_of_its_partitions() -> None:
    setup = (
        "CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);"
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER tr AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2); CREATE TABLE p3 (id int);"
        "ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3); ALTER TRIGGER tr ON p RENAME TO tr2;"
    )
    catalog = read(setup)
    assert [table for table in ("p", "p1", "p2", "p3") if "tr2" in catalog.triggers[f"public.{table}"]] == [
        "p",
        "p1",
        "p2",
        "p3",
    ]
    catalog = after(catalog, predict("ALTER TABLE p DETACH PARTITION p3", catalog))
    assert not catalog.triggers["public.p3"]
    assert not any(after(catalog, predict("DROP TRIGGER tr2 ON p", catalog)).triggers.values())


def test_event_triggers_do_what_their_functions_do() -> None:
    setup = SHOP + (
        "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO audit (what) "
        "VALUES (tg_tag); END'; CREATE EVENT TRIGGER w ON ddl_command_end WHEN TAG IN ('alter table') "
        "EXECUTE FUNCTION watch();"
    )
    catalog = read(setup)
    altered = predict("ALTER TABLE orders ADD COLUMN b int", catalog)
    assert _mode(altered, "public.audit") is LockMode.ROW_EXCLUSIVE
    assert any("event trigger w" in condition for condition in altered.conditions)
    assert _mode(predict("DROP TABLE orders", catalog), "public.audit") is None
    catalog = after(catalog, predict("ALTER EVENT TRIGGER w DISABLE", catalog))
    assert _mode(predict("ALTER TABLE orders ADD COLUMN b int", catalog), "public.audit") is None


def test_calling_what_is_not_known_is_unknown() -> None:
    assert predict("SELECT my_migration()", Catalog()).unknown


def test_dropping_a_column_of_a_foreign_key_locks_the_referenced_table() -> None:
    effects = _shop("ALTER TABLE orders DROP COLUMN customer_id")
    assert _mode(effects, "public.customers") is LockMode.ACCESS_EXCLUSIVE
    assert Object("constraint", "orders_customer_id_fkey", "public.orders") in effects.drops
    assert effects.destroys == (Object("column", "customer_id", "public.orders"),)


def test_narrowing_destroys_and_widening_does_not() -> None:
    assert _shop("ALTER TABLE customers ALTER COLUMN email TYPE varchar(5)").destroys
    assert not _shop("ALTER TABLE customers ALTER COLUMN email TYPE text").destroys
    catalog = read("CREATE EXTENSION vector; CREATE TABLE d (e vector(8));")
    assert predict("ALTER TABLE d ALTER COLUMN e TYPE vector(16)", catalog).destroys


def test_cascade_names_everything_that_goes() -> None:
    catalog = read(SHOP + "CREATE VIEW v AS SELECT id FROM customers; CREATE VIEW w AS SELECT id FROM v;")
    drops = {item.label for item in predict("DROP TABLE customers CASCADE", catalog).drops}
    assert drops == {"public.customers", "public.orders.orders_customer_id_fkey", "public.v", "public.w"}


def test_triggers_lock_what_their_functions_write() -> None:
    effects = _shop("UPDATE orders SET note = 'x'")
    assert _mode(effects, "public.audit") is LockMode.ROW_EXCLUSIVE
    assert not effects.unknown


def test_a_block_does_what_its_statements_do() -> None:
    effects = _shop(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM customers) THEN EXECUTE format('DROP TABLE %I', 'orders'); END IF; END $$"
    )
    assert _mode(effects, "public.customers") is LockMode.ACCESS_EXCLUSIVE
    assert Object("table", "public.orders") in effects.destroys


def test_a_computed_statement_in_a_block_is_unknown() -> None:
    effects = predict("DO $$ BEGIN EXECUTE 'DROP TABLE ' || current_setting('x'); END $$", Catalog())
    assert effects.unknown


def test_concurrent_builds_say_whom_they_wait_for() -> None:
    effects = _shop("CREATE INDEX CONCURRENTLY i ON orders (qty)")
    assert not effects.in_transaction
    assert effects.concurrently
    assert effects.waits_for == ("writers of public.orders", "older snapshots")


def test_deletes_and_truncates_destroy_rows() -> None:
    assert _shop("DELETE FROM audit").writes[0].whole
    assert _shop("TRUNCATE audit").truncates == ("public.audit",)
    assert Object("rows", "public.audit") in _shop("TRUNCATE audit").destroys


def test_no_statement_is_silently_nothing() -> None:
    effects = predict("DROP OWNED BY somebody", Catalog())
    assert effects.unknown


@pytest.mark.parametrize("repeat", [500, 5_000, 12_000])
def test_deep_expressions_end_no_process(repeat: int) -> None:
    for sql in (f"ALTER TABLE t ADD CHECK ({'not ' * repeat} a)", f"SELECT {'+'.join(['a'] * repeat)}"):
        effects = predict(sql, Catalog())
        assert effects.command or effects.unknown
