"""Hazards of revisions as Alembic runs them."""

from pathlib import Path

import msgspec
import pytest

from fix_lint import Lint, Project, lint, project
from migsafe.lint import lint as lint_plan
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.catalog import Catalog
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan, Step

__all__ = ["lint", "project"]

SETUP = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE users (id bigint PRIMARY KEY, name text, mood mood);
CREATE TABLE orders (id bigint PRIMARY KEY, note text);
"""


def steps(*scripts: str) -> tuple[tuple[Step, ...], Catalog]:
    before = catalog = catalog_of(SETUP)
    made: list[Step] = []
    for number, script in enumerate(scripts):
        plan, catalog = plan_of(f"BEGIN; {script}; COMMIT", catalog)
        first = sum(len(step.statements) for step in made)
        statements = tuple(msgspec.structs.replace(s, index=s.index + first) for s in plan.statements)
        made.append(Step(f"r{number}", (), f"r{number}.py", statements=statements))
    return tuple(made), before


def in_one_transaction(*scripts: str, together: bool = True) -> list[Finding]:
    made, before = steps(*scripts)
    found = lint_plan(Plan((), ("r",), made, one_transaction=together), before)
    return [finding for finding in found if finding.rule == "transaction-shared-by-revisions"]


def of_step(script: str, **facts: object) -> set[str]:
    (step,), before = steps(script)
    return {each.rule for each in lint_plan(Plan((), ("r",), (msgspec.structs.replace(step, **facts),)), before)}


CHECK = "ALTER TABLE orders ADD CONSTRAINT c CHECK (id > 0) NOT VALID"


@pytest.mark.parametrize(
    ("scripts", "said"),
    [
        ((CHECK, "ALTER TABLE orders VALIDATE CONSTRAINT c"), "reads and writes of public.orders wait"),
        (("ALTER TYPE mood ADD VALUE 'calm'", "UPDATE users SET mood = 'calm' WHERE id = 1"), "55P04"),
        (("ALTER TABLE orders ADD COLUMN k text", "UPDATE users SET name = '' WHERE id > 3"), "works through"),
    ],
)
def test_what_needs_the_commit_of_an_earlier_revision_is_told_of_one_transaction(
    scripts: tuple[str, ...], said: str
) -> None:
    [finding] = in_one_transaction(*scripts)
    assert (finding.severity, finding.revision or "r1", said in finding.message) == ("warning", "r1", True)
    assert in_one_transaction(*scripts, together=False) == []


def test_revisions_that_need_nothing_of_each_other_may_share_a_transaction() -> None:
    assert in_one_transaction("ALTER TABLE orders ADD COLUMN k text", "ALTER TABLE users ADD COLUMN k text") == []
    assert in_one_transaction("CREATE TABLE n (i int)", "CREATE INDEX i ON n (i); UPDATE n SET i = 1") == []


def test_a_way_back_that_does_nothing_is_told_where_the_schema_changes() -> None:
    assert "downgrade-does-nothing" in of_step("ALTER TABLE orders ADD COLUMN k text", downgrade="empty")
    for script in ("UPDATE orders SET note = '' WHERE id = 1", "ALTER TYPE mood ADD VALUE 'calm'", "SELECT 1"):
        assert "downgrade-does-nothing" not in of_step(script, downgrade="empty")
    helper = "CREATE TABLE n (i int); INSERT INTO n SELECT id FROM orders; DROP TABLE n"
    assert "downgrade-does-nothing" not in of_step(helper, downgrade="empty")
    assert "downgrade-does-nothing" not in of_step("ALTER TABLE orders ADD COLUMN k text", downgrade="there")


def test_a_way_back_that_raises_or_is_missing_is_an_info() -> None:
    for kind in ("raises", "missing"):
        assert "downgrade-raises" in of_step("SELECT 1", downgrade=kind)
    assert "downgrade-raises" not in of_step("SELECT 1", downgrade="empty")


def test_a_way_back_is_told_at_its_own_line_and_ignored_there(project: Project, lint: Lint) -> None:
    path = project.revision("b2", "a1", 'op.add_column("orders", sa.Column("k", sa.Text))', "raise ValueError")
    [finding] = lint("a1:b2").findings
    assert (finding["rule"], finding["line"]) == ("downgrade-raises", 14)
    head = "def downgrade() -> None:"
    path.write_text(path.read_text().replace(head, f"{head}  # migsafe: ignore[downgrade-raises] the rows are gone"))
    [finding] = lint("a1:b2").findings
    assert finding["ignored_because"] == "the rows are gone"


def test_a_revision_id_must_fit_into_the_version_table() -> None:
    long = "r" * 33
    assert "revision-id-too-long" in of_step("SELECT 1", revision=long)
    assert "revision-id-too-long" not in of_step("SELECT 1", revision=long[1:])
    (step,), _ = steps("SELECT 1")
    wider = catalog_of("CREATE TABLE alembic_version (version_num varchar(64) PRIMARY KEY)")
    plan = Plan((), ("r",), (msgspec.structs.replace(step, revision=long),))
    assert lint_plan(plan, wider) == ()


@pytest.mark.parametrize("command", ["COMMIT", "ROLLBACK", "BEGIN", "START TRANSACTION"])
def test_transaction_control_as_sql_is_told(command: str, project: Project, lint: Lint) -> None:
    project.revision("b2", "a1", f'op.execute("{command}")')
    assert ("transaction-control-in-revision", "b2.py:11") in lint("a1:b2").places


def test_a_savepoint_is_no_transaction_control(project: Project, lint: Lint) -> None:
    project.revision("b2", "a1", 'op.execute("SAVEPOINT s")\nop.execute("RELEASE SAVEPOINT s")')
    assert lint("a1:b2").places == []


def test_an_autocommit_block_after_other_work_is_told_at_its_line(project: Project, lint: Lint) -> None:
    block = (
        'with op.get_context().autocommit_block():\n    op.create_index("i", "orders", ["note"],'
        " postgresql_concurrently=True)"
    )
    back = 'op.drop_index("i")'
    project.revision("b2", "a1", f'op.add_column("orders", sa.Column("k", sa.Text))\n{block}', back)
    assert lint("a1:b2").places == [("autocommit-block-not-alone", "b2.py:13")]
    project.revision("b2", "a1", f"op.execute(\"SET LOCAL lock_timeout = '1s'\")\n{block}", back)
    assert lint("a1:b2").places == []


def test_a_table_recreated_by_a_batch_is_told_once_with_what_is_left_behind() -> None:
    setup = SETUP + "CREATE VIEW notes AS SELECT note FROM orders;"
    script = (
        "CREATE TABLE _alembic_tmp_orders (id bigint, note text); "
        "INSERT INTO _alembic_tmp_orders SELECT id, note FROM orders; DROP TABLE orders CASCADE; "
        "ALTER TABLE _alembic_tmp_orders RENAME TO orders"
    )
    catalog = catalog_of(setup)
    found = lint_plan(plan_of(f"BEGIN; {script}; COMMIT", catalog)[0], catalog)
    [finding] = [each for each in found if each.severity == "error"]
    assert finding.rule == "batch-recreates-table"
    assert "view public.notes" in finding.message


def test_a_batch_with_recreate_is_told_at_its_line(project: Project, lint: Lint) -> None:
    body = (
        'table = sa.Table("orders", sa.MetaData(), sa.Column("id", sa.BigInteger), sa.Column("note", sa.Text))\n'
        'with op.batch_alter_table("orders", copy_from=table, recreate="always") as batch:\n'
        '    batch.alter_column("note", nullable=False)'
    )
    project.revision("b2", "a1", body, 'op.alter_column("orders", "note", nullable=True)')
    assert "batch-recreates-table" in [rule for rule, _ in lint("a1:b2").places]


def test_a_new_enum_behind_add_column_does_not_exist() -> None:
    missing = "add-column-of-missing-type"
    assert missing in of_step("ALTER TABLE orders ADD COLUMN s status")
    for type_ in (
        "mood",
        "mood[]",
        "timestamptz",
        "varchar(20)",
        "numeric(3,1)[]",
        "users",
        "double precision",
        "bit(3)",
    ):
        assert missing not in of_step(f"ALTER TABLE orders ADD COLUMN s {type_}")
    catalog = Catalog()
    assert missing not in [
        each.rule for each in lint_plan(plan_of("ALTER TABLE orders ADD COLUMN s status", catalog)[0], catalog)
    ]


def test_revisions_tell_what_their_files_are(project: Project, lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.folder / "shop_of_the_test").mkdir()
    (project.folder / "shop_of_the_test" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(project.folder))
    add = 'op.add_column("orders", sa.Column("k", sa.Text))'
    project.revision("b2", "a1", add, top="import shop_of_the_test")
    project.revision("c3", "b2", "pass", "raise NotImplementedError")
    found = {(each["rule"], Path(each["path"]).name) for each in lint("a1:c3").findings}
    assert found == {
        ("imports-application-code", "b2.py"),
        ("downgrade-does-nothing", "b2.py"),
        ("downgrade-raises", "c3.py"),
    }
