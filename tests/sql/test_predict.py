"""Effects beyond locks: what is created, destroyed, needed, supposed."""

import pytest

from migsafe.model.catalog import Catalog, Column
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
