"""Text for a person: calm on a terminal, plain lines in a pipe. Nothing here decides anything."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console

from migsafe.formats import locks, words
from migsafe.formats import outcome as ending
from migsafe.formats.excerpt import excerpt
from migsafe.formats.lines import heading, say
from migsafe.model.checks import CheckResult
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan, Step
from migsafe.model.report import Backup, Report, Undo
from migsafe.model.run import StepResult
from migsafe.model.statement import Statement

_STYLES = {
    "error": "bold red",
    "warning": "yellow",
    "info": "cyan",
    "ignored": "dim",
    "blocked": "bold red",
    "unknown": "magenta",
    "warned": "yellow",
    "passed": "green",
    "skipped": "dim",
    "done": "green",
    "failed": "bold red",
    "partial": "bold yellow",
    "not-reached": "dim",
}
# More proofs than a screen holds are named; report.md and verify.sql have each of them.
_MANY = 12
_WORST_FIRST = ("blocked", "unknown", "warned", "skipped", "passed")


def report(report: Report, console: Console) -> None:
    """Everything that one command did, ending with the outcome."""
    plan(report.plan, console)
    findings(report.findings, console)
    checks(report.before, console)
    after(report, console)


def after(report: Report, console: Console) -> None:
    """What came of the plan: backup, run, verification, way back, outcome."""
    if report.backup is not None:
        backup(report.backup, console)
    steps(report.steps, console, report.plan)
    checks(report.after, console, title="Verification", brief=len(report.after) > _MANY)
    if report.undo is not None:
        undo(report.undo, console)
    outcome(report, console)


def plan(plan: Plan, console: Console) -> None:
    """The revisions in order, each statement with its place, operation, SQL in short, and locks in words."""
    way = f"{words.heads(plan.current)} → {words.heads(plan.target)}"
    server = [f"PostgreSQL {plan.server_version}"] if plan.server_version else []
    database = [f"database {plan.database}"] if plan.database else []
    size = [words.count(len(plan.steps), "revision"), words.count(len(plan.statements), "statement")]
    heading(console, plan.direction.capitalize(), way, *size, *database, *server)
    sentences = locks.in_words(plan)
    for step in plan.steps:
        _step(step, sentences, console)


def _step(step: Step, sentences: dict[int, tuple[str, ...]], console: Console) -> None:
    console.print()
    say(console, (step.revision, "bold"), f"  {step.doc}" if step.doc else "", (f"  {step.path}", "dim"), indent=2)
    for statement in step.statements:
        _statement(statement, sentences[statement.index], console)
    if not step.statements and not step.unreadable:
        say(console, ("no statements", "dim"), indent=4)
    if step.unreadable:
        say(console, ("not read: ", "bold red"), step.unreadable, indent=4, hang=6)
    for note in step.notes:
        say(console, ("note: ", "yellow"), note, indent=4, hang=6)


def _statement(statement: Statement, sentences: Iterable[str], console: Console) -> None:
    line = f"{statement.line or '?':>5}  "
    operation = f"{statement.operation}  " if statement.operation else ""
    outside = "" if statement.transaction is not None else "  outside a transaction"
    say(console, (line, "dim"), operation, (words.one_line(statement.sql), "cyan"), (outside, "yellow"), hang=9)
    for sentence in sentences:
        say(console, (sentence, _lock_style(sentence)), indent=7, hang=9)


def _lock_style(sentence: str) -> str:
    if sentence.startswith(("not fully known", "not certain")):
        return "magenta"
    return "yellow" if "writes wait" in sentence else "dim"


def findings(findings: Iterable[Finding], console: Console) -> None:
    """What lint says, with the source line where the file can be read; accepted findings last, with the reason."""
    found = tuple(findings)
    still = [finding for finding in found if finding.ignored_because is None]
    ignored = [finding for finding in found if finding.ignored_because is not None]
    counts = [
        words.count(number, noun)
        for noun in ("error", "warning", "info")
        if (number := sum(finding.severity == noun for finding in still))
    ]
    heading(console, "Lint", *(counts or ["nothing found"]), *([f"{len(ignored)} accepted"] if ignored else []))
    for finding in still:
        _finding(finding, console)
    if ignored:
        console.print()
    for finding in ignored:
        label = f"accepted  {finding.rule}  {finding.place}: {finding.ignored_because}"
        say(console, (label, "dim"), indent=2, hang=4)


def _finding(finding: Finding, console: Console) -> None:
    console.print()
    severity = (f"{finding.severity:<9}", _STYLES[finding.severity])
    say(console, severity, (finding.rule, "bold"), f"  {finding.place}", indent=2, hang=11)
    say(console, finding.message, indent=11)
    source = excerpt(finding.path, finding.line)
    if source is not None:
        gutter = f"{finding.line} | "
        say(console, (gutter, "dim"), source[0], indent=11, hang=11 + len(gutter))
        if console.width > 11 + len(gutter) + len(source[1]) or not console.is_terminal:
            blank = " " * (len(gutter) - 2) + "| "
            say(console, (blank, "dim"), (source[1], _STYLES[finding.severity]), indent=11)
    say(console, ("fix: ", "bold"), finding.fix, indent=11, hang=13)


def checks(results: Sequence[CheckResult], console: Console, title: str = "Preflight", *, brief: bool = False) -> None:
    """Checks by group, the worst first, each that did not pass with its remedy. Nothing when none was made.

    With `brief` those that passed are only named.
    """
    if not results:
        return
    shown = [(_shown(result), result) for result in results]
    counts = [f"{number} {name}" for name in _WORST_FIRST if (number := sum(status == name for status, _ in shown))]
    heading(console, title, *counts)
    groups: dict[str, list[tuple[str, CheckResult]]] = {}
    for status, result in sorted(shown, key=lambda pair: (_WORST_FIRST.index(pair[0]), pair[1].check)):
        if brief and status == "passed":
            continue
        groups.setdefault(result.group, []).append((status, result))
    width = max(len(result.check) for result in results)
    for group, members in groups.items():
        if group:
            say(console, (group, "dim"), indent=2)
        for status, result in members:
            _check(status, result, width, console)
    passed = Counter(result.check for status, result in shown if status == "passed")
    if brief and passed:
        names = ", ".join(f"{name} ({number})" if number > 1 else name for name, number in sorted(passed.items()))
        say(console, ("passed   ", _STYLES["passed"]), names, indent=2, hang=11)


def _shown(result: CheckResult) -> str:
    return "skipped" if result.skipped_because is not None else result.status


def _check(status: str, result: CheckResult, width: int, console: Console) -> None:
    hang = min(4 + 9 + width + 2, max(console.width // 3, 13))
    about = f"{result.subject}: " if result.subject and result.subject not in result.message else ""
    label = (f"{status:<9}", _STYLES[status])
    say(console, label, f"{result.check:<{width}}  {about}{result.message}", indent=4, hang=hang)
    if result.skipped_because is not None:
        say(console, f"skipped because {result.skipped_because}", indent=hang)
    elif result.remedy and status != "passed":
        say(console, ("→ ", "bold"), result.remedy, indent=hang, hang=hang + 2)


def notes(report: Report, console: Console) -> None:
    """What else a person should know before anything happens, such as a run that was cut off."""
    if report.notes:
        console.print()
    for note in report.notes:
        say(console, ("note: ", "yellow"), note, indent=2, hang=8)


def backup(backup: Backup, console: Console) -> None:
    """What there is to restore from, and how it was read back."""
    size = [words.size(backup.bytes)] if backup.bytes is not None else []
    took = [words.duration(backup.seconds)] if backup.seconds is not None else []
    heading(console, "Backup", backup.kind, *size, *took)
    for label, text in (
        ("at", words.near(backup.path) if backup.path else None),
        ("read back", backup.verified),
        ("because", backup.because),
    ):
        if text:
            say(console, (f"{label}: ", "dim"), text, indent=2, hang=4)


def steps(results: Sequence[StepResult], console: Console, plan: Plan | None = None) -> None:
    """Each revision as it went: outcome, duration, and every attempt that failed with who was in the way."""
    if not results:
        return
    done = sum(result.outcome == "done" for result in results)
    heading(console, "Run", f"{done} of {words.count(len(results), 'revision')} done")
    docs = {step.revision: step.doc for step in plan.steps} if plan else {}
    for result in results:
        _result(result, docs.get(result.revision, ""), console)


def _result(result: StepResult, doc: str, console: Console) -> None:
    seconds = sum(attempt.seconds for attempt in result.attempts)
    facts = [words.count(result.statements, "statement")] if result.statements else []
    facts += [f"{result.resumed} of them done by an earlier run"] if result.resumed else []
    facts += [words.duration(seconds)] if result.attempts else []
    facts += [words.count(len(result.attempts), "attempt")] if len(result.attempts) > 1 else []
    what = f"{result.revision}  {doc}".rstrip()
    say(
        console,
        (f"{result.outcome:<13}", _STYLES[result.outcome]),
        f"{what}: {', '.join(facts)}".rstrip(": "),
        indent=2,
    )
    for number, attempt in enumerate(result.attempts, 1):
        if attempt.sqlstate or attempt.message:
            say(console, f"attempt {number} stopped {ending.attempt(attempt)}", indent=15, hang=17)
            for session in attempt.blocked_by:
                say(console, (words.blocker(session), "yellow"), indent=17)
    for note in result.notes:
        say(console, note, indent=15, hang=17)


def undo(undo: Undo, console: Console) -> None:
    """The scripts of the way back, what they would lose, and what has no way back."""
    heading(console, "Way back", *([] if undo.downgrade_sql or undo.restore_sh else ["none"]))
    for label, path in (("revisions", undo.downgrade_sql), ("backup", undo.restore_sh)):
        if path:
            say(console, (f"{label + ':':<11}", "dim"), words.near(path), indent=2)
    for loss in undo.losses:
        say(console, ("would lose ", "yellow"), f"{loss.what} ({loss.revision}): {loss.because}", indent=2, hang=4)
    for loss in undo.impossible:
        what = "" if loss.what == f"revision {loss.revision}" else f", {loss.what}"
        say(console, ("no way back ", "bold red"), f"{loss.revision}{what}: {loss.because}", indent=2, hang=4)


def outcome(report: Report, console: Console) -> None:
    """The last lines: what happened, to what, for how long, what is durable, what to type next."""
    last = ending.outcome(report)
    good = report.exit_code == 0
    console.print()
    say(console, (last.headline, "bold green" if good else "bold red"))
    for fact in last.facts:
        say(console, fact, indent=2, hang=4)
    for note in report.notes:
        say(console, ("note: ", "dim"), note, indent=2, hang=4)
    if report.directory:
        say(console, ("report: ", "dim"), words.near(report.directory), indent=2)
    for reason, command in last.next:
        say(console, (f"{reason}:", "dim"), indent=2)
        say(console, (command, "bold"), indent=4, fold=False)
