"""Several rounds of one env.py: what they come to together, the ledger, and the document."""

import io
import json

import msgspec
import pytest
from rich.console import Console

from example_reports import REPORTS
from migsafe.formats import rounds
from migsafe.formats.json import rounds_json
from migsafe.model.report import EXIT_CODES, Report
from migsafe.model.rounds import Rounds


def made(*outcomes: str) -> tuple[Report, ...]:
    """A report of each outcome, of the rounds r1, r2…"""
    return tuple(
        msgspec.structs.replace(REPORTS[outcome], round=f"r{number}") for number, outcome in enumerate(outcomes, 1)
    )


def shown(reports: tuple[Report, ...]) -> str:
    out = io.StringIO()
    rounds.after(reports, Console(file=out, width=100))
    return out.getvalue()


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        (("done", "done"), "done"),
        (("done", "nothing-to-do"), "done"),
        (("nothing-to-do", "nothing-to-do"), "nothing-to-do"),
        (("failed", "not-reached"), "failed"),
        (("deadline", "not-reached"), "deadline"),
        (("nothing-to-do", "deadline"), "deadline"),
        (("done", "failed", "not-reached"), "partial"),
        (("done", "deadline"), "partial"),
        (("partial", "not-reached"), "partial"),
        (("done", "unverified", "not-reached"), "unverified"),
        (("done", "interrupted", "not-reached"), "interrupted"),
        (("not-reached", "refused"), "refused"),
        (("declined", "declined"), "declined"),
        (("dry-run", "nothing-to-do"), "dry-run"),
    ],
)
def test_what_they_come_to_is_the_worst_and_part_way_when_some_are_done(
    outcomes: tuple[str, ...], together: str
) -> None:
    whole = Rounds(made(*outcomes))
    assert (whole.outcome, whole.exit_code) == (together, EXIT_CODES[together])


@pytest.mark.parametrize("outcome", REPORTS)
def test_the_ledger_has_a_line_a_round_and_the_last_words_after_it(outcome: str) -> None:
    said = shown(made("done", outcome, "nothing-to-do"))
    ledger = said[said.index("Ledger: 3 rounds") :]
    assert ledger.count(" → ") + ledger.count("nothing-to-do") >= 3
    assert all(line == line.rstrip() for line in said.splitlines())


def test_a_failure_names_the_round_those_before_and_those_behind() -> None:
    said = shown(made("done", "failed", "not-reached"))
    assert "Stopped in round r2." in said
    assert "Done before: r1." in said
    assert "Not reached: r3; nothing was changed there." in said
    assert "migsafe upgrade c3" in said.splitlines()[-1]


def test_a_relative_target_typed_again_names_the_rounds_that_are_left() -> None:
    reports = tuple(msgspec.structs.replace(each, asked="+1") for each in made("done", "failed", "not-reached"))
    assert shown(reports).splitlines()[-1].endswith("--round r2 --round r3")


def test_plans_of_the_same_sql_and_findings_are_one_group() -> None:
    same = made("dry-run", "dry-run", "nothing-to-do")
    assert [[each.round for each in group] for group in rounds.same_plans(same)] == [["r1", "r2"]]
    other = made("refused")
    assert len(rounds.same_plans((*same, *other))) == 2


def test_the_document_has_the_worst_outcome_and_every_report() -> None:
    document = json.loads(rounds_json(made("done", "failed", "not-reached")))
    assert (document["version"], document["outcome"], document["exit_code"]) == (1, "partial", 4)
    assert [(each["round"], each["outcome"]) for each in document["rounds"]] == [
        ("r1", "done"),
        ("r2", "failed"),
        ("r3", "not-reached"),
    ]


def test_markdown_has_the_ledger_as_a_table() -> None:
    page = rounds.markdown(made("done", "failed", "not-reached"))
    assert page.startswith("# Stopped in round r2.\n\n| round | from → to |")
    assert "# Round r1" in page
