"""Every statement of every story has the path, the line, the operation and the transaction that it comes from."""

import pytest

from fix_stories import FIRST_LINE, EnterStory, write_chain
from migsafe.revisions.config import open_environment
from migsafe.revisions.read import read
from migsafe.revisions.render import RenderedStep

pytestmark = [pytest.mark.alembic_matrix, pytest.mark.filterwarnings("ignore:invalid escape sequence")]

# revision: line, operation, transaction, how the SQL begins
STORIES: dict[str, dict[str, list[tuple[int, str | None, int | None, str]]]] = {
    "generic": {
        "3f1c8a5d2b90_create_customers_and_orders": [
            (23, "op.create_table", 0, "CREATE TABLE customers ("),
            (29, "op.create_table", 0, "CREATE TABLE orders ("),
        ],
        "7be04d19c6a3_add_orders_note": [
            (23, "op.add_column", 0, "ALTER TABLE orders ADD COLUMN note TEXT"),
            (24, "op.add_column", 0, "ALTER TABLE orders ADD COLUMN is_paid BOOLEAN DEFAULT false NOT NULL"),
        ],
        "a92d5e7f0c14_index_orders_by_customer": [
            (23, "op.create_index", 0, "CREATE INDEX ix_orders_customer_id ON orders (customer_id)"),
            (24, "op.create_unique_constraint", 0, "ALTER TABLE customers ADD CONSTRAINT uq_customers_email UNIQUE"),
        ],
        "c05b3e86d7f1_orders_belong_to_customers": [
            (23, "op.create_foreign_key", 0, "ALTER TABLE orders ADD CONSTRAINT fk_orders_customer_id FOREIGN KEY"),
            (24, "op.create_check_constraint", 0, "ALTER TABLE orders ADD CONSTRAINT ck_orders_total CHECK"),
        ],
    },
    "percent": {
        "606060606060_create_discounts": [
            (23, "op.create_table", 0, "CREATE TABLE discounts ("),
            (
                30,
                "op.execute",
                0,
                "INSERT INTO discounts (id, label, code) VALUES (1, '100% off', 'A1'), (2, '5 %s'",
            ),
        ],
        "616161616161_codes_match_a_pattern": [
            (23, "op.create_check_constraint", 0, "ALTER TABLE discounts ADD CONSTRAINT ck_discounts_pattern CHECK"),
            (24, "op.add_column", 0, r"ALTER TABLE discounts ADD COLUMN path TEXT DEFAULT 'C:\tmp\new' NOT NULL"),
            (
                25,
                "op.execute",
                0,
                "INSERT INTO discounts (id, code, label) VALUES (3, 'C3', 'one tab; and -- no",
            ),
        ],
        "626262626262_several_statements": [(23, "op.execute", 0, "CREATE FUNCTION discount_label(id integer)")],
        "636363636363_do_block": [
            (23, "op.execute", 0, "DO $$ BEGIN IF NOT EXISTS"),
            (35, "op.execute", 0, "ALTER TABLE discounts ADD COLUMN kind discount_kind NOT NULL DEFAULT 'percent'::"),
        ],
    },
    "helpers": {
        "808080808080_create_regions_and_stores": [
            (23, "op.create_table", 0, "CREATE TABLE regions ("),
            (28, "op.create_table", 0, "CREATE TABLE stores ("),
        ],
        "818181818181_timestamps": [
            (28, "op.add_column", 0, "ALTER TABLE regions ADD COLUMN created_at"),
            (28, "op.add_column", 0, "ALTER TABLE regions ADD COLUMN updated_at"),
            (28, "op.add_column", 0, "ALTER TABLE stores ADD COLUMN created_at"),
            (28, "op.add_column", 0, "ALTER TABLE stores ADD COLUMN updated_at"),
            (29, "op.execute", 0, "ALTER TABLE regions ENABLE ROW LEVEL SECURITY"),
            (29, "op.execute", 0, "ALTER TABLE stores ENABLE ROW LEVEL SECURITY"),
        ],
        "828282828282_stores_in_a_batch": [
            (24, "op.add_column", 0, "ALTER TABLE stores ADD COLUMN opened_on DATE"),
            (25, "op.alter_column", 0, "ALTER TABLE stores ALTER COLUMN name TYPE TEXT"),
            (26, "op.create_foreign_key", 0, "ALTER TABLE stores ADD CONSTRAINT fk_stores_region_id"),
        ],
        "838383838383_fill_regions": [
            (25, "op.bulk_insert", 0, "INSERT INTO regions (id, name) VALUES (1, 'North')"),
            (25, "op.bulk_insert", 0, "INSERT INTO regions (id, name) VALUES (2, 'Côte d''Azur')"),
            (25, "op.bulk_insert", 0, "INSERT INTO regions (id, name) VALUES (3, '100% south')"),
        ],
    },
    "autocommit": {
        "707070707070_create_devices": [(23, "op.create_table", 0, "CREATE TABLE devices (")],
        "717171717171_serial_is_unique": [
            (23, "op.add_column", 0, "ALTER TABLE devices ADD COLUMN model TEXT"),
            (25, "op.create_index", None, "CREATE UNIQUE INDEX CONCURRENTLY uq_devices_serial ON devices (serial)"),
            (28, "op.execute", 1, "COMMENT ON COLUMN devices.serial IS 'as printed on the device'"),
        ],
        "727272727272_index_devices_by_model": [
            (24, "op.create_index", None, "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_devices_model"),
            (25, "op.execute", None, "CREATE INDEX CONCURRENTLY ix_devices_serial_lower ON devices (lower(serial))"),
        ],
    },
    "own_commit": {
        "3d4455667788_create_releases": [(23, "op.create_table", 0, "CREATE TABLE releases (")],
        "4e5566778899_index_releases_by_version": [
            (27, "op.create_index", None, "CREATE INDEX CONCURRENTLY ix_releases_version ON releases (version)"),
        ],
        "5f66778899aa_add_releases_yanked_reason": [
            (23, "op.add_column", 0, "ALTER TABLE releases ADD COLUMN yanked_reason TEXT DEFAULT '' NOT NULL"),
            (25, "op.execute", 1, "UPDATE releases SET yanked_reason = 'unknown' WHERE version LIKE '0.%'"),
        ],
    },
    "kwargs": {
        "a0a0a0a0a0a0_create_role": [(22, "op.create_table", 0, "CREATE TABLE role (")],
        "a1a1a1a1a1a1_fill_role": [
            (22, "op.bulk_insert", 0, "INSERT INTO role (name) VALUES ('admin')"),
            (22, "op.bulk_insert", 0, "INSERT INTO role (name) VALUES ('creator')"),
            (22, "op.bulk_insert", 0, "INSERT INTO role (name) VALUES ('member')"),
        ],
    },
    "async": {
        "1d7e90ab34c5_create_articles": [(23, "op.create_table", 0, "CREATE TABLE articles (")],
        "2e8fa1bc45d6_add_articles_slug": [
            (23, "op.add_column", 0, "ALTER TABLE articles ADD COLUMN slug TEXT"),
            (24, "op.execute", 0, "UPDATE articles SET slug = lower(replace(title, ' ', '-')) WHERE slug IS NULL"),
        ],
        "3f90b2cd56e7_index_articles_by_tag": [
            (24, "op.create_index", None, "CREATE INDEX CONCURRENTLY ix_articles_tags ON articles USING gin (tags)"),
        ],
    },
}


@pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
@pytest.mark.parametrize("story", STORIES)
def test_every_statement_has_its_place(story: str, offline: bool, enter_story: EnterStory) -> None:
    enter_story(story)
    reading = read(open_environment(), "head", start=() if offline else None)
    found = {step.path: told(step) for step in reading.steps}
    expected = {f"migrations/versions/{name}.py": statements for name, statements in STORIES[story].items()}
    assert list(found) == list(expected)
    assert {path: [each[:3] for each in told] for path, told in found.items()} == {
        path: [each[:3] for each in told] for path, told in expected.items()
    }
    for path, statements in expected.items():
        for (*_, sql), (*_, begins) in zip(found[path], statements, strict=True):
            assert sql.startswith(begins)


def told(step: RenderedStep) -> list[tuple[int | None, str | None, int | None, str]]:
    assert {piece.place.path for piece in step.pieces} <= {step.path}
    return [
        (each.place.line, each.place.operation, each.transaction, " ".join(each.sql.split())) for each in step.pieces
    ]


def test_the_way_back_undoes_the_last_revision_first(enter_story: EnterStory) -> None:
    enter_story("helpers")
    back = read(open_environment(), "828282828282", start=("808080808080",)).back
    assert [step.revision for step in back] == ["828282828282", "818181818181"]
    assert told(back[0]) == [
        (32, "op.drop_constraint", 0, "ALTER TABLE stores DROP CONSTRAINT fk_stores_region_id"),
        (33, "op.alter_column", 0, "ALTER TABLE stores ALTER COLUMN name TYPE VARCHAR(50)"),
        (34, "op.drop_column", 0, "ALTER TABLE stores DROP COLUMN opened_on"),
    ]
    assert [line for line, *_ in told(back[1])] == [35, 36, 36, 35, 36, 36]


def test_a_revision_without_downgrade_has_no_way_back(enter_story: EnterStory) -> None:
    (path,) = write_chain(enter_story("generic"), "pass")
    path.write_text(path.read_text().partition("def downgrade")[0])
    (back,) = read(open_environment(), "head").back
    assert back.unreadable == "the file has no downgrade()"


def test_a_downgrade_is_read_in_its_own_right(enter_story: EnterStory) -> None:
    enter_story("generic")
    reading = read(open_environment(), "base", direction="downgrade", start=("a92d5e7f0c14",))
    assert [step.revision for step in reading.steps] == ["a92d5e7f0c14", "7be04d19c6a3", "3f1c8a5d2b90"]
    assert (reading.heads, reading.target, reading.back) == (("a92d5e7f0c14",), (), ())
    assert told(reading.steps[0])[0] == (
        29,
        "op.drop_constraint",
        0,
        "ALTER TABLE customers DROP CONSTRAINT uq_customers_email",
    )


def test_sql_that_does_not_come_from_op_has_a_line_and_no_operation(enter_story: EnterStory) -> None:
    write_chain(
        enter_story("generic"),
        'for number in (1, 2):\n    op.get_bind().execute(sa.text(f"SELECT {number}"))\n'
        'sa.Enum("a", "b", name="letters").create(op.get_bind())',
    )
    (step,) = read(open_environment(), "head").steps
    assert told(step) == [
        (FIRST_LINE + 1, None, 0, "SELECT 1"),
        (FIRST_LINE + 1, None, 0, "SELECT 2"),
        (FIRST_LINE + 2, None, 0, "CREATE TYPE letters AS ENUM ('a', 'b')"),
    ]


def test_types_of_a_new_table_are_its_operations(enter_story: EnterStory) -> None:
    write_chain(
        enter_story("generic"),
        'kind = sa.Column("kind", sa.Enum("a", name="kind"), comment="100%")\n'
        'op.create_table("t", kind, sa.Column("i", sa.Integer, index=True))',
    )
    (step,) = read(open_environment(), "head").steps
    assert told(step) == [
        (FIRST_LINE + 1, "op.create_table", 0, "CREATE TYPE kind AS ENUM ('a')"),
        (FIRST_LINE + 1, "op.create_table", 0, "CREATE TABLE t ( kind kind, i INTEGER )"),
        (FIRST_LINE + 1, "op.create_table", 0, "CREATE INDEX ix_t_i ON t (i)"),
        (FIRST_LINE + 1, "op.create_table", 0, "COMMENT ON COLUMN t.kind IS '100%'"),
    ]
