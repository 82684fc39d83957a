"""The walk over a plan: what is live, what a transaction holds, what settings and excuses change."""

import pytest

from migsafe.errors import UsageError
from migsafe.lint import all_rules, excuse, lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.catalog import Catalog, Relation
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan, Step
from migsafe.model.report import Excuse
from migsafe.settings import LintSettings

SETUP = """
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, note text, user_id bigint);
CREATE INDEX ix_orders_user_id ON orders (user_id);
"""


def found(script: str, catalog: Catalog | None = None, settings: LintSettings | None = None) -> tuple[Finding, ...]:
    before = catalog_of(SETUP) if catalog is None else catalog
    return lint(plan_of(script, before)[0], before, settings or LintSettings())


def named(script: str, catalog: Catalog | None = None) -> list[str]:
    return [finding.rule for finding in found(script, catalog)]


def sized(relation: str, rows: float, size: int) -> Catalog:
    catalog = catalog_of(SETUP)
    known = {**catalog.relations, relation: Relation(relation, rows=rows, bytes=size)}
    return Catalog(known, catalog.columns, catalog.constraints, catalog.indexes, complete=True)


def test_every_rule_is_named_after_its_file() -> None:
    assert "create-index-not-concurrently" in [rule.name for rule in all_rules()]
    assert [rule.name for rule in all_rules()] == sorted(rule.name for rule in all_rules())


def test_a_message_names_lock_relation_size_and_who_waits() -> None:
    [finding] = found("CREATE INDEX ix_orders_note ON orders (note)", sized("public.orders", 200_000, 32_505_856))
    assert finding.message == (
        "CREATE INDEX ix_orders_note holds SHARE on public.orders (about 200,000 rows, 31 MB) while it reads every "
        "row: writes to public.orders wait."
    )
    assert finding.fix == (
        'Write `op.create_index("ix_orders_note", "orders", ["note"], postgresql_concurrently=True)` inside '
        "`with op.get_context().autocommit_block():`."
    )


def test_a_message_names_both_tables_that_a_foreign_key_locks() -> None:
    [finding] = found("ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id)")
    assert "SHARE ROW EXCLUSIVE on public.orders and public.users" in finding.message
    assert finding.message.endswith("writes to public.orders and public.users wait.")
    assert 'op.create_foreign_key("fk", "orders", "users", ["user_id"], ["id"], postgresql_not_valid=True)' in (
        finding.fix
    )


def test_a_finding_has_the_place_of_its_statement() -> None:
    [finding] = found("SELECT 1;\n\nDROP TABLE orders;")
    assert (finding.statement, finding.line) == (1, 3)


def test_a_table_made_by_an_earlier_revision_of_the_plan_is_not_live() -> None:
    before = catalog_of(SETUP)
    first, catalog = plan_of("CREATE TABLE fresh (id bigint)", before)
    second, _ = plan_of("CREATE INDEX i ON fresh (id); DROP TABLE fresh", catalog)
    assert lint(Plan((), ("b",), first.steps + second.steps), before) == ()


def test_a_table_dropped_and_made_again_is_reported_for_the_drop_alone() -> None:
    assert named("DROP TABLE orders; CREATE TABLE orders (id bigint); CREATE INDEX i ON orders (id)") == ["drop-table"]


def test_a_live_table_that_is_renamed_stays_live() -> None:
    assert named("ALTER TABLE orders RENAME TO o; CREATE INDEX i ON o (note)") == [
        "rename-breaks-running-code",
        "create-index-not-concurrently",
    ]


def test_tables_that_swap_names_in_one_transaction_break_nothing() -> None:
    swap = "ALTER TABLE orders RENAME TO orders_old; ALTER TABLE orders_new RENAME TO orders"
    assert named(f"CREATE TABLE orders_new (id bigint); BEGIN; {swap}; COMMIT") == []
    assert named(f"CREATE TABLE orders_new (id bigint); {swap}") == ["rename-breaks-running-code"]


def test_an_update_under_a_lock_of_the_same_transaction_says_so() -> None:
    [finding] = found("BEGIN; ALTER TABLE orders ADD COLUMN k text; UPDATE orders SET k = 'x'; COMMIT")
    assert "already holds ACCESS EXCLUSIVE on it, reads and writes of the whole table wait" in finding.message
    [finding] = found("ALTER TABLE orders ADD COLUMN k text; UPDATE orders SET k = 'x'")
    assert "already holds" not in finding.message


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alembic_version SET version_num = 'b' WHERE version_num = 'a'",
        "INSERT INTO alembic_version (version_num) VALUES ('a')",
        "DELETE FROM alembic_version",
    ],
)
def test_bookkeeping_of_the_version_table_is_not_reported(statement: str) -> None:
    table = "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
    assert named(statement, catalog_of(table)) == []


def test_dropping_the_version_table_is_reported() -> None:
    assert named("DROP TABLE alembic_version", catalog_of("CREATE TABLE alembic_version (v text)")) == ["drop-table"]


def test_what_the_catalog_does_not_know_is_a_warning_that_says_so() -> None:
    [finding] = found("ALTER TABLE orders ALTER COLUMN note SET NOT NULL", Catalog())
    assert (finding.rule, finding.severity) == ("set-not-null-without-check", "warning")
    assert finding.message.count(".") >= 2


def test_a_drop_of_what_the_catalog_does_not_know_is_one_warning() -> None:
    [finding] = found("DROP EXTENSION vector CASCADE", Catalog())
    assert (finding.rule, finding.severity) == ("drop-cascades-to-data", "warning")


def test_names_that_need_it_are_quoted_in_a_fix() -> None:
    [finding] = found('ALTER TABLE app."Users" ADD CONSTRAINT "Adult" CHECK (age > 17)', Catalog())
    assert 'op.create_check_constraint("Adult", "Users", "age > 17", postgresql_not_valid=True, schema="app")' in (
        finding.fix
    )
    assert r'op.execute("ALTER TABLE app.\"Users\" VALIDATE CONSTRAINT \"Adult\"")' in finding.fix


def test_a_revision_that_cannot_be_read_is_never_passed_over() -> None:
    step = Step("abc", (), "versions/abc.py", read="unreadable", unreadable="'NoneType' has no attribute 'fetchall'")
    [finding] = lint(Plan((), ("abc",), (step,)), Catalog())
    assert (finding.rule, finding.severity, finding.path) == ("unreadable-revision", "warning", "versions/abc.py")
    assert "'NoneType' has no attribute 'fetchall'" in finding.message


def test_settings_disable_a_rule_or_change_its_severity() -> None:
    assert found("DROP TABLE orders", settings=LintSettings(disable=("drop-table",))) == ()
    [finding] = found("DROP TABLE orders", settings=LintSettings(severity={"drop-table": "info"}))
    assert finding.severity == "info"


@pytest.mark.parametrize(
    "settings", [LintSettings(disable=("drop-tabel",)), LintSettings(severity={"drop-tabel": "info"})]
)
def test_a_setting_that_names_no_rule_names_the_nearest(settings: LintSettings) -> None:
    with pytest.raises(UsageError) as error:
        found("SELECT 1", settings=settings)
    assert error.value.remedy == "Did you mean drop-table?"


def test_an_excuse_is_kept_with_the_finding() -> None:
    findings = found("DROP TABLE orders; DROP TABLE users")
    allow = (Excuse("allow", "drop-table", "empty since May"), Excuse("skip", "disk-space", "measured by hand"))
    assert [finding.ignored_because for finding in excuse(findings, allow)] == ["empty since May"] * 2
    assert excuse(findings, ()) == findings


def test_an_excuse_for_no_rule_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="--allow: there is no rule drop-tables") as error:
        excuse((), (Excuse("allow", "drop-tables", "because"),))
    assert error.value.remedy == "Did you mean drop-table?"
