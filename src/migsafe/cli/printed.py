"""A report on standard output, in the format that was asked for."""

from migsafe.cli import output
from migsafe.formats import json, markdown, text
from migsafe.model.report import Report


def print_report(report: Report, format: str) -> None:
    if format == "json":
        print(json.report_json(report).decode(), end="")
    elif format == "markdown":
        print(markdown.report(report), end="")
    else:
        text.report(report, output.console())
