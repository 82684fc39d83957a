import msgspec

from example_reports import ADD_COLUMN, PLAN
from migsafe.formats import sql
from migsafe.model.plan import Plan, Step


def preview_of(statement: str, **step: object) -> str:
    one = msgspec.structs.replace(ADD_COLUMN, sql=statement)
    whole = msgspec.structs.replace(Step("a1", (), "a1.py", statements=(one,)), **step)
    return sql.preview(Plan(current=(), target=("a1",), steps=(whole,)))


def test_each_statement_stands_below_where_it_was_written_and_what_it_locks() -> None:
    assert (
        "-- revision b2 migrations/versions/b2_index.py:4 op.create_index\n"
        "-- SHARE on public.orders while it builds the index: writes wait\n"
        "CREATE INDEX ix_orders_customer ON orders (customer);\n"
    ) in sql.preview(PLAN)


def test_transactions_are_shown_and_what_stands_outside_of_them() -> None:
    code = [line for line in sql.preview(PLAN).splitlines() if line and not line.startswith("--")]
    assert [line.split()[0] for line in code] == [
        *("BEGIN;", "ALTER", "COMMIT;"),
        *("BEGIN;", "CREATE", "ALTER", "COMMIT;"),
        *("CREATE", "BEGIN;", "SELECT", "UPDATE", "COMMIT;"),
    ]


def test_what_could_not_be_read_is_said_where_it_is_missing() -> None:
    assert sql.preview(PLAN).endswith(
        "-- NOT READ from here on: line 17 reads rows, and no scratch server is installed\n"
    )


def test_the_layout_is_the_callers() -> None:
    assert "\nalter table orders add column note text;\n" in sql.preview(PLAN, str.lower)


def test_a_statement_that_ends_in_a_comment_still_ends() -> None:
    assert "\nSELECT 1 -- one\n;\n" in preview_of("SELECT 1 -- one")
    assert "\nSELECT 1;\n" in preview_of("SELECT 1;")


def test_a_comment_never_ends_early() -> None:
    assert "\n-- first DROP TABLE orders;\n" in preview_of("SELECT 1", doc="first\nDROP TABLE orders;")
