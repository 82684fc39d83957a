import msgspec
import pytest

from example_reports import BLOCKING_INDEX, LONG_TRANSACTION, REPORTS, made
from migsafe.formats import markdown


@pytest.mark.parametrize("outcome", REPORTS)
def test_a_report_says_how_it_ended_and_has_lines_to_sign(outcome: str) -> None:
    shown = markdown.report(REPORTS[outcome])
    assert shown.startswith("# upgrade: ")
    assert shown.splitlines()[0].endswith(f": {outcome}")
    assert f"exit code {REPORTS[outcome].exit_code}." in shown
    assert "- [ ] Reviewed by ____________________ on ____________\n" in shown
    assert shown.count("```") % 2 == 0


def test_the_sections_are_in_the_order_of_the_run() -> None:
    titles = [line[3:] for line in markdown.report(REPORTS["unverified"]).splitlines() if line.startswith("## ")]
    assert titles == [
        "Plan",
        "Findings",
        "Preflight",
        "Backup",
        "Run",
        "Verification",
        "Way back",
        "What to type next",
        "Sign-off",
    ]


def test_the_plan_has_each_statement_as_sql_with_its_locks() -> None:
    shown = markdown.report(REPORTS["done"])
    assert "### `b2` index, and the old column goes" in shown
    assert "- line 4, `op.create_index`: SHARE on public.orders while it builds the index: writes wait" in shown
    assert "  ```sql\n  CREATE INDEX ix_orders_customer ON orders (customer)\n  ```" in shown
    assert "**Not read:** line 17 reads rows" in shown


def test_the_way_back_is_commands_with_paths_and_what_they_lose() -> None:
    shown = markdown.report(REPORTS["done"])
    assert "migsafe downgrade a0\n" in shown
    assert "psql -X -v ON_ERROR_STOP=1 -f .migsafe/runs/20260131T021307Z_a0_c3/downgrade.sql\n" in shown
    assert "sh .migsafe/runs/20260131T021307Z_a0_c3/restore.sh\n" in shown
    assert "- would lose public.orders.note (`a1`): downgrade() drops the column" in shown


def test_what_was_accepted_stands_above_the_signatures() -> None:
    shown = markdown.report(REPORTS["done"]).split("## Sign-off")[1]
    assert "- accepted for this run: skip `long-transactions`: the report job ends at three" in shown


def test_preflight_is_a_list_with_one_line_to_sign_a_group() -> None:
    shown = markdown.checks(REPORTS["refused"].before)
    assert shown.startswith("## Preflight\n\n1 passed, 0 warned, 1 blocked, 1 unknown.\n")
    groups = [line[4:] for line in shown.splitlines() if line.startswith("### ")]
    signed = [line for line in shown.splitlines() if line.startswith("- [ ] ")]
    assert groups == ["locks", "space", "server"]
    assert len(signed) == len(groups)
    assert all(line.endswith("signed: ____________________ date: ____________") for line in signed)
    assert "  Remedy: End it: SELECT pg\\_terminate\\_backend(71);" in shown


def test_a_message_of_a_server_cannot_break_the_markup() -> None:
    message = 'relation "a|b" <script>\nis *gone*'
    result = msgspec.structs.replace(LONG_TRANSACTION, message=message)
    finding = msgspec.structs.replace(BLOCKING_INDEX, message=message, rule="odd`rule")
    shown = markdown.report(made(before=(result,), findings=(finding,)))
    assert '- **blocked** `long-transactions`: `public.orders`: relation "a|b" \\<script\\> is \\*gone\\*\n' in shown
    assert "`` odd`rule ``" in shown
