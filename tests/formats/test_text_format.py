import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from example_reports import (
    BLOCKING_INDEX,
    COLUMN_THERE,
    DISK,
    DONE,
    INDEX_INVALID,
    PATH,
    PLAN,
    PRIMARY,
    REPORTS,
    made,
)
from migsafe.formats import hazards, text
from migsafe.model.plan import Plan
from migsafe.model.report import EXIT_CODES, Excuse, Report


def shown_on(width: int, report: Report, *, terminal: bool) -> str:
    out = io.StringIO()
    text.report(report, Console(file=out, width=width, force_terminal=terminal, color_system=None, highlight=False))
    return out.getvalue()


COMMANDS = tuple(f"    {word} " for word in ("migsafe", "psql", "sh"))


def piped(report: Report) -> str:
    return shown_on(40, report, terminal=False)


def test_there_is_an_example_of_every_outcome() -> None:
    assert {report.outcome for report in REPORTS.values()} == set(EXIT_CODES)


@pytest.mark.parametrize("outcome", REPORTS)
def test_a_pipe_gets_whole_lines_without_colours_or_boxes(outcome: str) -> None:
    shown = piped(REPORTS[outcome])
    assert "\x1b" not in shown
    assert not set(shown) & set("─│┌┐└┘━┃╭╮")
    assert all(line == line.rstrip() for line in shown.splitlines())
    assert len(max(shown.splitlines(), key=len)) > 80 or outcome == "nothing-to-do"


@pytest.mark.parametrize("width", [60, 100])
@pytest.mark.parametrize("outcome", REPORTS)
def test_no_line_is_wider_than_the_terminal(outcome: str, width: int) -> None:
    lines = shown_on(width, REPORTS[outcome], terminal=True).splitlines()
    assert max(len(line) for line in lines if not line.startswith(COMMANDS)) <= width


def test_a_command_is_one_line_on_any_terminal() -> None:
    lines = shown_on(40, REPORTS["refused"], terminal=True).splitlines()
    assert lines[-1].endswith('--skip long-transactions --because "…"')


def test_a_plan_says_what_each_statement_locks_and_who_waits() -> None:
    shown = piped(REPORTS["dry-run"])
    assert "  a1  note on orders  migrations/versions/a1_note.py\n" in shown
    assert "   18  op.add_column  ALTER TABLE orders ADD COLUMN note TEXT\n" in shown
    assert "ACCESS EXCLUSIVE on public.orders (brief)" in shown
    assert "ON orders (note)  outside a transaction" in shown
    assert (
        "SHARE UPDATE EXCLUSIVE on public.orders while it builds the index concurrently: reads and writes go" in shown
    )
    assert "not fully known: it calls refresh_totals(), whose body is not read" in shown


def test_a_revision_that_could_not_be_read_is_never_passed_over() -> None:
    shown = piped(REPORTS["dry-run"])
    assert "not read: line 17 reads rows, and no scratch server is installed" in shown
    assert "note: a loop over rows cannot be seen on an empty server" in shown


def test_a_finding_shows_the_call_underlined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(PATH).parent.mkdir(parents=True)
    Path(PATH).write_text('def upgrade():\n\n\n    op.create_index("ix", "orders", ["customer"])  # fast\n')
    shown = piped(REPORTS["refused"])
    assert (
        '           4 | op.create_index("ix", "orders", ["customer"])  # fast\n'
        "             | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "           fix: Use op.create_index("
    ) in shown


def test_checks_stand_by_group_with_the_worst_first_and_its_remedy() -> None:
    shown = piped(REPORTS["refused"])
    assert "Preflight: 1 blocked, 1 unknown, 1 passed\n" in shown
    places = [shown.index(f"\n  {group}\n") for group in ("locks", "space", "server")]
    assert places == sorted(places)
    assert "→ End it: SELECT pg_terminate_backend(71);" in shown


def test_checks_that_passed_are_one_line_a_group_unless_each_is_asked_for() -> None:
    results = (PRIMARY, msgspec.structs.replace(PRIMARY, check="server-version"), DISK)
    brief, verbose = io.StringIO(), io.StringIO()
    text.checks(results, Console(file=brief))
    text.checks(results, Console(file=verbose), verbose=True)
    assert f"\n  server\n    passed   {PRIMARY.check}, server-version\n" in brief.getvalue()
    assert verbose.getvalue().count(PRIMARY.message) == 2


def test_a_required_check_that_could_not_see_refuses_and_is_typed_again() -> None:
    report = made(command="upgrade", before=(PRIMARY, msgspec.structs.replace(DISK, required=True)))
    shown = piped(report)
    assert report.exit_code == 1
    assert "required, so it refuses" in shown
    assert "  Preflight: 1 passed, 0 warned, 0 blocked, 1 unknown.\n" in shown
    assert f"    migsafe upgrade c3 --require {DISK.check}\n" in shown


def test_what_was_accepted_is_said_with_the_reason() -> None:
    shown = piped(REPORTS["done"])
    assert (
        "accepted  create-index-not-concurrently  migrations/versions/b2_index.py:4: the table is empty today" in shown
    )
    assert "skipped because the report job ends at three" in shown


def test_a_lock_that_could_not_be_had_names_who_held_it() -> None:
    assert (
        "pid 4711 (reporting, user bi, idle in transaction for 4 min 12 s) holds ACCESS SHARE on public.orders: "
        "SELECT * FROM orders"
    ) in piped(REPORTS["failed"])


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("done", "Done: database shop went from a0 to c3 after 50 s."),
        ("nothing-to-do", "Nothing to do: database shop is at c3."),
        ("refused", "Refused by 1 finding and 1 check. Nothing was changed."),
        ("dry-run", "Dry run: stopped before the backup. Nothing was changed."),
        ("declined", "Stopped: the answer was no. Nothing was changed."),
        ("failed", "Failed after 50 s. Nothing was changed."),
        ("partial", "Stopped part-way after 50 s."),
        ("unverified", "Database shop went from a0 to c3 after 50 s, but verification failed: 1 check."),
        ("deadline", "The locks could not be had before the deadline after 50 s. Nothing was changed."),
        ("timeout", "The time for the whole run (--timeout) is over after 50 s. Nothing was changed."),
        ("interrupted", "Interrupted after 50 s."),
    ],
)
def test_the_last_paragraph_says_what_happened(outcome: str, words: str) -> None:
    assert piped(REPORTS[outcome]).split("\n\n")[-1].splitlines()[0] == words


@pytest.mark.parametrize("outcome", ["dry-run", "declined", "failed", "partial", "deadline", "timeout", "interrupted"])
def test_what_to_type_next_is_the_same_command(outcome: str) -> None:
    report = REPORTS[outcome]
    accepting = "".join(f" --{each.kind} {each.name} --because '{each.because}'" for each in report.excuses)
    assert piped(report).endswith(f"\n    migsafe upgrade c3{accepting}\n")


def test_one_reason_is_typed_once() -> None:
    excuses = (Excuse("allow", "drop-table", "old"), Excuse("lose", "table:public.T x", "old"))
    report = msgspec.structs.replace(REPORTS["dry-run"], excuses=excuses)
    assert piped(report).endswith(" c3 --allow drop-table --lose 'table:public.T x' --because old\n")
    other = msgspec.structs.replace(report, excuses=(*excuses, Excuse("skip", "disk", "it is")))
    assert piped(other).endswith(
        " --because old --lose 'table:public.T x' --because old --skip disk --because 'it is'\n"
    )


def test_what_to_type_next_names_the_same_environment() -> None:
    report = msgspec.structs.replace(REPORTS["dry-run"], typed=("-c", "my db.ini"), options=("--tag", "a"))
    assert piped(report).endswith("\n    migsafe -c 'my db.ini' upgrade c3 --tag a\n")


def test_a_refusal_ends_with_the_command_that_accepts_it() -> None:
    assert piped(REPORTS["refused"]).endswith(
        '    migsafe upgrade c3 --allow create-index-not-concurrently --skip long-transactions --because "…"\n'
    )


def test_a_run_that_stopped_part_way_says_what_is_durable() -> None:
    shown = piped(REPORTS["partial"])
    assert "\n  Durable: 1 revision (a1).\n  Part-way: b2: what it committed is durable" in shown
    assert "\n  Not done: c3.\n" in shown


def test_a_failed_verification_names_the_ways_back() -> None:
    last = piped(REPORTS["unverified"]).split("\n\n")[-1]
    assert "index public.ix_orders_note: the index is there and not valid. REINDEX INDEX CONCURRENTLY" in last
    assert "    migsafe downgrade a0\n" in last
    assert "    psql -X -v ON_ERROR_STOP=1 -f .migsafe/runs/20260131T021307Z_a0_c3/downgrade.sql\n" in last
    assert last.endswith("    sh .migsafe/runs/20260131T021307Z_a0_c3/restore.sh\n")


def test_a_name_with_an_escape_sequence_does_not_reach_the_terminal() -> None:
    plan = Plan(current=(), target=("c3",), database="\x1b]0;gone\x07")
    assert "\x1b]0" not in shown_on(80, made(plan=plan), terminal=True)
    assert "\\x1b]0;gone\\x07" in piped(made(plan=plan))


def test_a_database_without_revisions_is_at_base() -> None:
    assert "Upgrade: base → c3" in piped(made(plan=Plan(current=(), target=("c3",)), steps=DONE))


def test_a_finding_about_a_file_that_is_gone_is_shown_without_source() -> None:
    out = io.StringIO()
    hazards.section([BLOCKING_INDEX], Console(file=out))
    assert "4 |" not in out.getvalue()
    assert BLOCKING_INDEX.message in out.getvalue()


def test_the_plan_of_an_example_is_in_the_order_of_its_statements() -> None:
    assert [statement.index for statement in PLAN.statements] == list(range(6))


def test_preflight_alone_says_whether_the_upgrade_may_start() -> None:
    passed = piped(made(command="preflight", before=(PRIMARY, DISK)))
    assert passed.split("\n\n")[-1].splitlines() == [
        "Nothing stands against it: 1 passed, 0 warned, 0 blocked, 1 unknown.",
        f"  Not known: disk: {DISK.message}",
        "  report: .migsafe/runs/20260131T021307Z_a0_c3",
        "  to do it:",
        "    migsafe upgrade c3",
    ]
    blocked = made(command="preflight", before=REPORTS["refused"].before)
    assert "    migsafe preflight c3\n" in piped(blocked)


def test_verification_alone_says_what_holds_and_what_does_not() -> None:
    holds = made(command="verify", steps=DONE, after=(COLUMN_THERE,))
    assert "\n\nVerified: 1 check passed.\n" in piped(holds)
    fails = made(command="verify", steps=DONE, after=(INDEX_INVALID,))
    assert "\n\nVerification failed: 1 check.\n" in piped(fails)
