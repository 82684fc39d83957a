"""Findings on standard output and into files, each in its format."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from migsafe.errors import MigsafeError
from migsafe.formats.findings import FORMATS, FindingsFormat, findings_as
from migsafe.formats.frame import Files
from migsafe.model.findings import FailOn, Finding
from migsafe.model.plan import Plan

Output = tuple[FindingsFormat | None, str]


def findings_format(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--format NAME` and `--output [FORMAT:]FILE`; the command gets `format` and `outputs: tuple[Output, ...]`."""
    output = click.option(
        "--output",
        "outputs",
        multiple=True,
        metavar="[FORMAT:]FILE",
        callback=_outputs,
        help="Write to this file instead of standard output; with a format of its own, beside it. May be repeated.",
    )
    format_ = click.option(
        "--format", type=click.Choice(FORMATS), default="text", show_default=True, help="How to print."
    )
    return format_(output(function))


def _outputs(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> tuple[Output, ...]:
    found: list[Output] = []
    for value in values:
        name, colon, file = value.partition(":")
        known = next((format for format in FORMATS if colon and format == name), None)
        found.append((known, file if known else value))
        if not found[-1][1]:
            raise click.BadParameter(f"{value!r} names no file. Write it like sarif:migsafe.sarif.")
    if sum(format is None for format, _ in found) > 1:
        raise click.BadParameter("two files without a format. Write the format in front, like sarif:migsafe.sarif.")
    return tuple(found)


def print_findings(
    plan: Plan,
    findings: Sequence[Finding],
    *,
    format: FindingsFormat = "text",
    outputs: Sequence[Output] = (),
    fail_on: FailOn = "error",
    sources: Mapping[str, str] | None = None,
) -> None:
    """Print the findings as `format`, unless an output without a format takes that; and write the other outputs.

    `sources` are texts of files that are not on disk (standard input), by the path that findings have.
    """
    from migsafe.cli import output
    from migsafe.lint import all_rules

    files = Files(sources or {}, root())
    for file_format, file in outputs:
        text = findings_as(file_format or format, plan, findings, rules=all_rules(), files=files, fail_on=fail_on)
        _write(file, output.redact(text))
    if any(file_format is None for file_format, _ in outputs):
        return
    width = None
    if format == "text" and output.is_perhaps_terminal() and (console := output.console()).is_terminal:
        width = console.width
    shown = findings_as(format, plan, findings, rules=all_rules(), files=files, fail_on=fail_on, width=width)
    sys.stdout.write(shown)


def root() -> str:
    """The working directory as seen from the root of the repository; empty at the root, or outside of any."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            relative = here.relative_to(folder).as_posix()
            return "" if relative == "." else relative
    return ""


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise MigsafeError(f"{file} cannot be written: {error.strerror}", "Give --output a file in a folder.") from None
