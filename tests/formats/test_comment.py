"""The comment on a pull request: everything a reviewer needs, and never more than GitHub takes."""

import msgspec
import pytest

from example_reports import BLOCKING_INDEX, CREATE_INDEX, DROPPED_COLUMN, NO_DOWNGRADE, PATH, PLAN
from migsafe.formats.comment import LIMIT, NOTHING, marker, render, size
from migsafe.formats.frame import Files
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan, Step

SOURCE = 'def upgrade():\n\n\n    op.create_index("ix", "orders", ["customer"])\n'
FILES = Files({PATH: SOURCE, "migrations/versions/c3_later.py": "x = 1\n"}, "shop")
ACCEPTED = msgspec.structs.replace(BLOCKING_INDEX, ignored_because="the table is empty")


def comment(*findings: Finding, plan: Plan = PLAN) -> str:
    shown = render(plan, findings, FILES)
    assert len(shown) <= LIMIT
    assert shown.count("<details>") == shown.count("</details>")
    assert shown.count("```") % 2 == 0
    return shown


def large_plan(revisions: int, sql: str) -> Plan:
    steps = tuple(
        Step(f"r{number}", (), f"versions/{number}.py", "doc", (msgspec.structs.replace(CREATE_INDEX, sql=sql),))
        for number in range(revisions)
    )
    return Plan((), ("r9",), steps)


def test_it_begins_with_the_line_by_which_a_script_finds_it_again() -> None:
    assert comment(BLOCKING_INDEX).splitlines()[:2] == ["<!-- migsafe lint shop -->", "### migsafe lint: 1 error"]
    assert marker("") == "<!-- migsafe lint . -->"


def test_it_has_findings_with_fixes_and_the_plan_with_sql_and_locks() -> None:
    shown = comment(DROPPED_COLUMN, BLOCKING_INDEX, ACCEPTED)
    assert "`a0` → `c3`: 3 revisions, 6 statements, PostgreSQL 18." in shown
    assert shown.index("**error**") < shown.index("**warning**")
    assert f"**error** `create-index-not-concurrently` at `shop/{PATH}:4`: CREATE INDEX holds SHARE" in shown
    assert (
        '```text\nop.create_index("ix", "orders", ["customer"])\n^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n```'
    ) in shown
    assert "<details><summary>1 accepted</summary>" in shown
    assert "the table is empty" in shown
    assert "<details><summary>Plan: 3 revisions, 6 statements</summary>" in shown
    assert "  ```sql\n  CREATE INDEX ix_orders_customer ON orders (customer)\n  ```" in shown
    assert "SHARE on public.orders while it builds the index: writes wait" in shown
    assert "left out" not in shown


def test_code_in_a_fix_is_code_and_the_rest_is_text() -> None:
    fix = "Write `op.create_index(…, x=[1])` in <b>your</b> env_py for @team"
    shown = comment(msgspec.structs.replace(BLOCKING_INDEX, fix=fix))
    assert "Write `op.create_index(…, x=[1])` in \\<b\\>your\\</b\\> env\\_py for @<!-- -->team" in shown


@pytest.mark.parametrize("message", ["short", "x" * 5_000, "😀" * 3_000, "`" * 4_000])
def test_500_findings_stay_under_the_limit_and_the_rest_is_counted(message: str) -> None:
    findings = [msgspec.structs.replace(BLOCKING_INDEX, message=f"{number} {message}") for number in range(400)]
    findings += [msgspec.structs.replace(DROPPED_COLUMN, message=message)] * 100
    shown = comment(*findings)
    assert size(shown) <= LIMIT
    told = shown.count("**error**")
    assert 10 < told < 400
    assert f"**{400 - told} errors and 100 warnings left out here:** a comment may have 65,536 characters." in shown
    assert "### migsafe lint: 400 errors, 100 warnings\n" in shown
    assert "Plan: 3 revisions, 6 statements" in shown


def test_a_large_plan_loses_its_sql_first_and_then_its_end() -> None:
    shown = comment(BLOCKING_INDEX, plan=large_plan(100, "SELECT 1\n" * 200))
    assert "SQL left out here: `migsafe preview` prints it." in shown
    assert "**`r99`**" in shown
    assert "SELECT 1" not in shown
    shown = comment(BLOCKING_INDEX, plan=large_plan(2_000, "SELECT 1"))
    told = shown.count("(`shop/versions/")
    assert 100 < told < 2_000
    assert f"The last {2_000 - told:,} revisions left out here, too." in shown


def test_one_endless_statement_is_cut_and_says_so() -> None:
    assert "… (196,000 more characters)" in comment(plan=large_plan(1, "x" * 200_000))


def test_thousands_of_accepted_findings_leave_room_for_the_others() -> None:
    shown = comment(BLOCKING_INDEX, NO_DOWNGRADE, *[ACCEPTED] * 3_000)
    assert "<summary>3000 accepted</summary>" in shown
    assert "more, left out here" in shown
    assert "Plan: 3 revisions" in shown


def test_a_fence_in_the_sql_does_not_end_the_block() -> None:
    shown = render(large_plan(1, "SELECT '\n```\n</details>'"), (), FILES)
    assert "  ````sql\n  SELECT '\n  ```\n  </details>'\n  ````" in shown


def test_without_revisions_and_findings_there_is_nothing_to_say() -> None:
    assert comment(plan=Plan((), ())).splitlines()[1] == NOTHING
    assert NOTHING not in comment()
    assert NOTHING not in comment(BLOCKING_INDEX, plan=Plan((), ()))
