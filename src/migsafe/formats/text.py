"""Text for a person: calm on a terminal, plain lines in a pipe. Nothing here decides anything."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console

from migsafe.formats import blockers, hazards, locks, words
from migsafe.formats import outcome as ending
from migsafe.formats.checklist import WORST_FIRST, by_group, shown_status
from migsafe.formats.lines import heading, say
from migsafe.formats.saved import saved as saved_rows
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan, Step
from migsafe.model.report import Backup, Report, Undo
from migsafe.model.run import StepResult
from migsafe.model.statement import Statement

_STYLES = {
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
# More proofs or losses than a screen holds are counted; report.md and the scripts have each of them.
_MANY = 12


def report(report: Report, console: Console) -> None:
    """Everything that one command did, ending with the outcome."""
    plan(report.plan, console)
    hazards.section(report.findings, console)
    checks(report.before, console)
    after(report, console)


def after(report: Report, console: Console) -> None:
    """What came of the plan: backup, run, verification, way back, outcome."""
    if report.backup is not None:
        backup(report.backup, console)
    steps(report.steps, console, report.plan)
    checks(report.after, console, title="Verification", verbose=len(report.after) <= _MANY)
    # Of a run that changed nothing there is no way back.
    if report.undo is not None and not _left_all_as_it_was(report):
        undo(report.undo, console)
    outcome(report, console)


def _left_all_as_it_was(report: Report) -> bool:
    return bool(report.steps) and all(each.outcome in ("failed", "not-reached") for each in report.steps)


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


def checks(
    results: Sequence[CheckResult], console: Console, title: str = "Preflight", *, verbose: bool = False
) -> None:
    """Checks by group, the worst first, each that did not pass with its remedy. Nothing when none was made.

    Those that passed are one line a group, without `verbose`.
    """
    if not results:
        return
    shown = Counter(map(shown_status, results))
    heading(console, title, *(f"{shown[name]} {name}" for name in WORST_FIRST if shown[name]))
    width = max(len(result.check) for result in results)
    for group, members in by_group(results).items():
        if group:
            say(console, (group, "dim"), indent=2)
        for result in members:
            if verbose or shown_status(result) != "passed":
                _check(result, width, console)
        passed = Counter(result.check for result in members if shown_status(result) == "passed")
        if passed and not verbose:
            names = ", ".join(f"{name} ({number})" if number > 1 else name for name, number in sorted(passed.items()))
            say(console, (f"{'passed':<9}", _STYLES["passed"]), names, indent=4, hang=13)


def _check(result: CheckResult, width: int, console: Console) -> None:
    status = shown_status(result)
    hang = min(4 + 9 + width + 2, max(console.width // 3, 13))
    about = f"{result.subject}: " if result.subject and result.subject not in result.message else ""
    label = (f"{status:<9}", _STYLES[status])
    say(console, label, f"{result.check:<{width}}  {about}{result.message}", indent=4, hang=hang)
    if result.skipped_because is not None:
        say(console, f"skipped because {result.skipped_because}", indent=hang)
        return
    if result.required and status == "unknown":
        say(console, ("required, so it refuses", "bold red"), indent=hang)
    if result.remedy and status != "passed":
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
        *(("not in it", note) for note in backup.notes),
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
            for line in blockers.lines(attempt.blocked_by):
                say(console, (line, "yellow"), indent=17)
    for note in result.notes:
        say(console, note, indent=15, hang=17)


def undo(undo: Undo, console: Console) -> None:
    """The scripts of the way back, what they would lose, and what has no way back."""
    heading(console, "Way back", *([] if undo.downgrade_sql or undo.restore_sh or undo.saved else ["none"]))
    for label, path in (("revisions", undo.downgrade_sql), ("backup", undo.restore_sh)):
        if path:
            say(console, (f"{label + ':':<11}", "dim"), words.near(path), indent=2)
    if undo.saved is not None:
        saved_rows(undo.saved, console)
    for loss in undo.losses[:_MANY]:
        say(console, ("would lose ", "yellow"), f"{loss.what} ({loss.revision}): {loss.because}", indent=2, hang=4)
    if len(undo.losses) > _MANY:
        rest = f"{len(undo.losses) - _MANY} more: the head of downgrade.sql and report.md list them all"
        say(console, ("would lose ", "yellow"), rest, indent=2, hang=4)
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
