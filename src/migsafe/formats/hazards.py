"""Findings for a person: the call underlined in its lines, what happens, and what to write instead."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from migsafe.formats import locks, words
from migsafe.formats.frame import Files, frame, span
from migsafe.formats.lines import Pipe, heading, say
from migsafe.model.findings import Finding
from migsafe.model.locks import LockMode
from migsafe.model.plan import Plan

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}
_MARGIN = 11
_HEAVY = [mode.text for mode in LockMode if mode.blocks_writes]
# An old project with a baseline has hundreds: then their number says enough.
_MANY = 12
_HERE = Files()


def lint(plan: Plan, findings: Sequence[Finding], console: "Console | Pipe", files: Files = _HERE) -> None:
    """Every finding with the locks of its statement, and a last line that counts."""
    sentences = locks.in_words(plan)
    sql = {statement.index: statement.sql for statement in plan.statements}
    for finding in _open(findings):
        about = finding.statement
        told = sentences.get(about, ()) if about is not None else ()
        _finding(finding, console, files, sql.get(about) if about is not None else None, told)
    _accepted(findings, console)
    size = f"{words.count(len(plan.statements), 'statement')} of {words.steps(plan)}"
    heading(console, "Lint", *_counts(findings), f"in {size}")


def section(findings: Iterable[Finding], console: "Console | Pipe") -> None:
    """Every finding, below a heading that counts; accepted ones last, with the reason."""
    found = tuple(findings)
    heading(console, "Lint", *_counts(found))
    for finding in _open(found):
        _finding(finding, console, _HERE)
    _accepted(found, console)


def _open(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.ignored_because is None]


def _counts(findings: Sequence[Finding]) -> list[str]:
    accepted = len(findings) - len(_open(findings))
    return [*(words.severities(findings) or ["nothing found"]), *([f"{accepted} accepted"] if accepted else [])]


def _finding(
    finding: Finding, console: "Console | Pipe", files: Files, sql: str | None = None, sentences: Sequence[str] = ()
) -> None:
    console.print()
    severity = (f"{finding.severity:<9}", STYLES[finding.severity])
    say(console, severity, (finding.rule, "bold"), f"  {finding.place}", indent=2, hang=_MARGIN)
    say(console, finding.message, indent=_MARGIN)
    _framed(finding, console, files, sql)
    untold = [sentence for sentence in sentences if not _is_told(sentence, finding.message)]
    for sentence in untold:
        say(console, ("lock: ", "dim"), sentence, indent=_MARGIN, hang=_MARGIN + 2)
    say(console, ("fix: ", "bold"), words.fix(finding), indent=_MARGIN, hang=_MARGIN + 2)


def _is_told(sentence: str, message: str) -> bool:
    """Whether the message names that lock already, or nobody waits for it."""
    mode = sentence.partition(" on ")[0]
    return mode not in _HEAVY or mode in message


def _framed(finding: Finding, console: "Console | Pipe", files: Files, sql: str | None) -> None:
    source = files.text(finding.path)
    meant = span(finding.path, finding.line, files, sql)
    if source is None or meant is None:
        return
    framed = frame(source, meant)
    width = len(str(framed.lines[-1][0]))
    for number, text in framed.lines:
        gutter = f"{number:>{width}} | "
        hang = _MARGIN + len(gutter)
        style = "" if number == framed.marked else "dim"
        say(console, (gutter, "dim"), (text, style), indent=_MARGIN, hang=hang)
        # Under a line that a terminal folds the mark would point at something else.
        if number == framed.marked and (
            isinstance(console, Pipe) or not console.is_terminal or console.width > hang + len(text)
        ):
            say(console, (f"{'':>{width}} | ", "dim"), (framed.mark, STYLES[finding.severity]), indent=_MARGIN)


def _accepted(findings: Sequence[Finding], console: "Console | Pipe") -> None:
    accepted = [finding for finding in findings if finding.ignored_because is not None]
    if not accepted or len(accepted) > _MANY:
        return
    console.print()
    for finding in accepted:
        label = f"accepted  {finding.rule}  {finding.place}: {finding.ignored_because}"
        say(console, (label, "dim"), indent=2, hang=4)
