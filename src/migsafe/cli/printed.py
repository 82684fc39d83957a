"""A report on standard output, in the format that was asked for."""

from migsafe.cli import output
from migsafe.formats import json, markdown, rounds, text
from migsafe.model.report import Report


def print_report(report: Report, format: str) -> None:
    if format == "json":
        print(json.report_json(report).decode(), end="")
    elif format == "markdown":
        print(markdown.report(report), end="")
    else:
        text.report(report, output.console())


def print_reports(reports: tuple[Report, ...], format: str) -> None:
    """The same for the rounds of an env.py, where it has several."""
    if reports[0].round is None:
        print_report(reports[0], format)
    elif format == "json":
        print(json.rounds_json(reports).decode(), end="")
    else:
        print(rounds.markdown(reports), end="")
