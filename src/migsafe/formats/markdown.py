"""Markdown: report.md in the run directory, and the comment on a pull request."""

from collections.abc import Iterable, Iterator, Sequence

from migsafe.formats import blockers, locks, markup, words
from migsafe.formats import outcome as ending
from migsafe.formats.checklist import checklist
from migsafe.formats.saved import sentences as saved_rows
from migsafe.model.checks import CheckResult
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan, Step
from migsafe.model.report import Backup, Report, Undo
from migsafe.model.run import StepResult
from migsafe.model.statement import Statement


def report(report: Report) -> str:
    """The whole report as GitHub-flavoured Markdown, ending with lines to sign."""
    last = ending.outcome(report)
    sections = [
        _head(report, last),
        _plan(report.plan) if report.plan.steps else [],
        _findings(report.findings),
        checklist(report.before),
        _backup(report.backup) if report.backup else [],
        _steps(report.steps),
        _blockers(report.steps),
        _checks("Verification", report.after),
        _way_back(report, report.undo) if report.undo else [],
        _next(last),
        _sign_off(report),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def plan(plan: Plan) -> str:
    """The plan alone, as a section of Markdown."""
    return "\n".join(_plan(plan)) + "\n"


def checks(results: Sequence[CheckResult], title: str = "Preflight") -> str:
    """Checks alone, as a section of Markdown with a line to sign for each group."""
    return "\n".join(checklist(results, title) or [f"## {title}", "", "No checks."]) + "\n"


def _head(report: Report, last: ending.Outcome) -> list[str]:
    plan = report.plan
    way = f"{markup.code(words.heads(plan.current))} → {markup.code(words.heads(plan.target))}"
    about = [f"migsafe {report.migsafe}"] if report.migsafe else []
    about += [f"PostgreSQL {plan.server_version}"] if plan.server_version else []
    about += [f"database {plan.database}"] if plan.database else []
    about += [f"started {words.time(report.started)}", f"exit code {report.exit_code}"]
    lines = [f"# {markup.text(report.command)}: {way}: {report.outcome}", "", f"**{markup.text(last.headline)}**", ""]
    lines += [f"- {markup.text(fact)}" for fact in (*last.facts, *report.notes)]
    return [*lines, "", f"{markup.text(', '.join(about))}."]


def _plan(plan: Plan) -> list[str]:
    sentences = locks.in_words(plan)
    lines = ["## Plan"]
    for step in plan.steps:
        lines += ["", *_step(step, sentences)]
    return lines if plan.steps else [*lines, "", "Nothing to do."]


def _step(step: Step, sentences: dict[int, tuple[str, ...]]) -> Iterator[str]:
    yield f"### {markup.code(step.revision)} {markup.text(step.doc)}".rstrip()
    yield ""
    yield f"{markup.code(step.path)}, {words.count(len(step.statements), 'statement')}"
    if step.unreadable:
        yield from ("", f"**Not read:** {markup.text(step.unreadable)}")
    for note in step.notes:
        yield from ("", f"Note: {markup.text(note)}")
    for statement in step.statements:
        yield ""
        yield from _statement(statement, sentences[statement.index])


def _statement(statement: Statement, sentences: Sequence[str]) -> Iterator[str]:
    where = f"line {statement.line}" if statement.line else "line unknown"
    operation = f", {markup.code(statement.operation)}" if statement.operation else ""
    outside = ", outside a transaction" if statement.transaction is None else ""
    yield f"- {where}{operation}{outside}: {markup.text('; '.join(sentences))}"
    yield ""
    yield from (f"  {line}".rstrip() for line in markup.fence(statement.sql, "sql"))


def _findings(findings: Sequence[Finding]) -> list[str]:
    lines = ["## Findings", ""]
    for finding in findings:
        if finding.ignored_because is not None:
            severity = f"accepted ({markup.text(finding.ignored_because)})"
        else:
            severity = f"**{finding.severity}**"
        lines.append(
            f"- {severity} {markup.code(finding.rule)} at {markup.code(finding.place)}: {markup.text(finding.message)}"
        )
        lines.append(f"  Fix: {markup.prose(finding.fix)}")
    return lines if findings else ["## Findings", "", "None."]


def _checks(title: str, results: Sequence[CheckResult]) -> list[str]:
    rows = [
        (
            "skipped" if result.skipped_because is not None else result.status,
            result.check,
            result.subject or "",
            result.message,
            f"skipped because {result.skipped_because}" if result.skipped_because is not None else result.remedy or "",
        )
        for result in sorted(results, key=lambda result: (_ORDER[result.status], result.group, result.check))
    ]
    return [f"## {title}", "", *_table(("status", "check", "about", "found", "remedy"), rows)] if rows else []


_ORDER = {"blocked": 0, "unknown": 1, "warned": 2, "passed": 3}


def _backup(backup: Backup) -> list[str]:
    facts: list[str] = [backup.kind]
    facts += [words.size(backup.bytes)] if backup.bytes is not None else []
    facts += [words.duration(backup.seconds)] if backup.seconds is not None else []
    lines = ["## Backup", "", f"{', '.join(facts)}."]
    without = [("Not in it", note) for note in backup.notes]
    for label, text in (("At", backup.path), ("Read back", backup.verified), ("Because", backup.because), *without):
        lines += [f"{label}: {markup.text(text)}"] if text else []
    return lines


def _steps(steps: Iterable[StepResult]) -> list[str]:
    rows = []
    for step in steps:
        stopped = [ending.attempt(tried) for tried in step.attempts if tried.sqlstate or tried.message]
        stopped += [
            words.blocker(session) for tried in step.attempts for session in tried.blocked_by if not session.depth
        ]
        took = words.duration(sum(tried.seconds for tried in step.attempts)) if step.attempts else ""
        count = f"{step.statements} ({step.resumed} by an earlier run)" if step.resumed else str(step.statements)
        rows.append(
            (step.outcome, step.revision, count, took, str(len(step.attempts)), "; ".join((*stopped, *step.notes)))
        )
    titles = ("outcome", "revision", "statements", "duration", "attempts", "what happened")
    return ["## Run", "", *_table(titles, rows)] if rows else []


def _blockers(steps: Iterable[StepResult]) -> list[str]:
    """Who was in the way of each last attempt that failed, down from whom everybody waits for."""
    found = [line for step in steps if step.attempts for line in blockers.lines(step.attempts[-1].blocked_by)]
    return ["## Who was in the way", "", *markup.fence("\n".join(found), "text")] if found else []


def _way_back(report: Report, undo: Undo) -> list[str]:
    lines = ["## Way back", ""]
    commands = [line for reason, command in ending.way_back(report) for line in (f"# {reason}", command)]
    lines += [*markup.fence("\n".join(commands), "sh"), ""] if commands else ["There is none.", ""]
    lines += [f"- {markup.text(line.strip())}" for line in (saved_rows(undo.saved) if undo.saved else ())]
    lines += [
        f"- would lose {markup.text(loss.what)} ({markup.code(loss.revision)}): {markup.text(loss.because)}"
        for loss in undo.losses
    ]
    lines += [
        f"- **no way back** from {markup.code(loss.revision)}, {markup.text(loss.what)}: {markup.text(loss.because)}"
        for loss in undo.impossible
    ]
    return lines


def _next(last: ending.Outcome) -> list[str]:
    commands = [line for reason, command in last.next for line in (f"# {reason}", command)]
    return ["## What to type next", "", *markup.fence("\n".join(commands), "sh")] if commands else []


def _sign_off(report: Report) -> list[str]:
    lines = ["## Sign-off", ""]
    lines += [
        f"- accepted for this run: {excuse.kind} {markup.code(excuse.name)}: {markup.text(excuse.because)}"
        for excuse in report.excuses
    ]
    lines += [f"- [ ] {what} by ____________________ on ____________" for what in ("Reviewed", "Run", "Verified")]
    return lines


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(markup.text(cell).replace('|', chr(92) + '|') for cell in row)} |"
