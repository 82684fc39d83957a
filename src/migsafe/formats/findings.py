"""What lint found, in the format that was asked for: the names of the formats and what makes each."""

from collections.abc import Sequence
from typing import Literal, get_args

import msgspec

from migsafe.formats.frame import Files
from migsafe.model.findings import FailOn, Finding, Rule
from migsafe.model.plan import Plan

FindingsFormat = Literal["text", "json", "markdown", "sarif", "github", "gitlab", "junit"]
FORMATS: tuple[FindingsFormat, ...] = get_args(FindingsFormat)
_HERE = Files()


def findings_as(
    name: FindingsFormat,
    plan: Plan,
    findings: Sequence[Finding],
    *,
    rules: Sequence[Rule] = (),
    files: Files = _HERE,
    fail_on: FailOn = "error",
    width: int | None = None,
) -> str:
    """The findings of a plan as the text of one format, ending with a line break.

    `rules` are described in SARIF. `fail_on` is the least severity that fails a JUnit test case. `width` is that of
    the terminal (columns): text is wrapped and coloured for it; None for a pipe or a file. Paths are as seen from the
    root of the repository, except in text and JSON, which are about the working directory.
    """
    found = tuple(findings)
    match name:
        case "text":
            return _text(plan, found, files, width)
        case "json":
            from migsafe.formats.json import plan_json

            return msgspec.json.format(msgspec.json.encode(plan_json(plan, found)), indent=2).decode() + "\n"
        case "markdown":
            from migsafe.formats.comment import render as comment

            return comment(plan, found, files)
        case "sarif":
            from migsafe.formats.sarif import render as sarif

            return sarif(plan, found, rules, files)
        case "github":
            from migsafe.formats.github import render as github

            return github(plan, found, files)
        case "gitlab":
            from migsafe.formats.gitlab import render as gitlab

            return gitlab(plan, found, files)
        case "junit":
            from migsafe.formats.junit import render as junit

            return junit(plan, found, files, fail_on)


def _text(plan: Plan, findings: tuple[Finding, ...], files: Files, width: int | None) -> str:
    import io

    from migsafe.formats.hazards import lint
    from migsafe.formats.lines import Pipe

    out = io.StringIO()
    if width is None:
        lint(plan, findings, Pipe(out), files)
        return out.getvalue()
    from rich.console import Console

    console = Console(file=out, width=width, force_terminal=True, highlight=False, markup=False, emoji=False)
    lint(plan, findings, console, files)
    return out.getvalue()
