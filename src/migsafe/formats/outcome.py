"""How a command ended: what happened, what is durable, what to type next. The last words of every format."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath

import msgspec

from migsafe.formats import blockers, words
from migsafe.formats.accepting import Accepted, accepted, accepting, required, with_reasons
from migsafe.model.checks import CheckResult
from migsafe.model.report import Report
from migsafe.model.run import Attempt, StepResult


class Outcome(msgspec.Struct, frozen=True):
    """`headline` in one sentence, `facts` in one each, `next` as pairs of a reason and the command to type."""

    headline: str
    facts: tuple[str, ...] = ()
    next: tuple[tuple[str, str], ...] = ()


def outcome(report: Report) -> Outcome:
    """The last words about a report."""
    return _READ_ONLY.get((report.command, report.outcome), _OUTCOMES[report.outcome])(report)


def same_command(report: Report, more: Sequence[Accepted] = ()) -> str:
    """The command of the report as it would be typed again: of the same environment, accepting the same and `more`."""
    command = report.command.removeprefix("migsafe ").strip() or report.plan.direction
    if " " not in command and command in ("upgrade", "downgrade", "preflight") and report.plan.target:
        command += f" {_target(report)}"
    elif command == "downgrade":
        command += " base"
    excuses = with_reasons([*accepted(report.excuses), *more])
    return " ".join([_migsafe(report, command), *required(report.before), *excuses])


def _target(report: Report) -> str:
    """As the scripts have it; `+1` typed again would go one too far. Where they know no way, as it was typed."""
    target = report.plan.target
    if not report.plan.steps and report.asked:
        return shlex.quote(report.asked)
    return shlex.quote(target[0]) if len(target) == 1 else "heads"


def _migsafe(report: Report, command: str) -> str:
    """`migsafe COMMAND` with the words that name the environment and the database of the report."""
    words_before, words_after = (" ".join(map(shlex.quote, each)) for each in (report.typed, report.options))
    return " ".join(part for part in ("migsafe", words_before, command, words_after) if part)


def way_back(report: Report) -> tuple[tuple[str, str], ...]:
    """Reasons and commands that undo what the report did; scripts take the connection from the environment."""
    undo, plan = report.undo, report.plan
    ways: list[tuple[str, str]] = []
    if plan.direction == "upgrade" and len(plan.current) <= 1 and not (undo and undo.impossible):
        start = plan.current[0] if plan.current else "base"
        ways.append(("back through the revisions, guarded", _migsafe(report, f"downgrade {shlex.quote(start)}")))
    if undo and undo.downgrade_sql:
        script = f"psql -X -v ON_ERROR_STOP=1 -f {shlex.quote(words.near(undo.downgrade_sql))}"
        ways.append(("the same as SQL (read it first; PGHOST, PGDATABASE … say where)", script))
    if undo and undo.saved and report.directory:
        run = shlex.quote(PurePath(report.directory).name)
        why = "then, or without it, " * bool(ways) + "put back what was destroyed, and keep what was written since"
        if plan.direction == "downgrade":
            why = "put back what was destroyed, once it was upgraded again (before, the upgrade would find it there)"
        ways.append((why, _migsafe(report, f"restore {run}")))
    if undo and undo.restore_sh:
        ways.append(
            ("restore the backup (asks before it overwrites)", f"sh {shlex.quote(words.near(undo.restore_sh))}")
        )
    return tuple(ways)


def _done(report: Report) -> Outcome:
    proven = f"Verified: {_passed(report.after)}." if report.after else "Nothing was verified."
    facts = (proven, *_not_seen(report.after), *_durable(report))
    return Outcome(f"Done: {_where_to(report)}{_took(report)}.", facts, way_back(report))


def _verified(report: Report) -> Outcome:
    if not report.after:
        return _nothing_declared(report)
    return Outcome(f"Verified: {_passed(report.after)}.", _not_seen(report.after))


def _nothing_declared(report: Report) -> Outcome:
    facts = ("What to ask goes into def verify(check) of a revision, or into verify/<revision>.sql beside versions.",)
    return Outcome(f"Nothing was asked: no such check is declared ({_at(report)}).", facts)


def _may_start(report: Report) -> Outcome:
    if not report.plan.steps:
        return _nothing(report)
    command = same_command(msgspec.structs.replace(report, command=report.plan.direction))
    headline = f"Nothing stands against it: {tally(report.before)}."
    return Outcome(headline, _not_seen(report.before), (("to do it", command),))


def tally(results: Sequence[CheckResult]) -> str:
    """`9 passed, 2 warned, 1 blocked, 1 unknown`: how many there are of each, none left out but what was skipped."""
    shown = ["skipped" if result.skipped_because is not None else result.status for result in results]
    skipped = [f"{shown.count('skipped')} skipped"] if "skipped" in shown else []
    return ", ".join([f"{shown.count(each)} {each}" for each in ("passed", "warned", "blocked", "unknown")] + skipped)


def _passed(results: Sequence[CheckResult]) -> str:
    return f"{words.count(sum(result.status == 'passed' for result in results), 'check')} passed"


def _not_seen(results: Sequence[CheckResult]) -> tuple[str, ...]:
    unseen = {result.check: result for result in reversed(results) if result.status == "unknown"}
    return tuple(f"Not known: {name}: {words.one_line(unseen[name].message, 160)}" for name in sorted(unseen))


def _nothing(report: Report) -> Outcome:
    return Outcome(f"Nothing to do: {_at(report)}.")


def _at(report: Report) -> str:
    return f"{_database(report)} is at {words.heads(report.plan.current)}"


def _refused(report: Report) -> Outcome:
    errors, blocks = report.open_errors, [result for result in report.before if result.refuses]
    why = [words.count(len(errors), "finding")] if errors else []
    why += [words.count(len(blocks), "check")] if blocks else []
    facts = [f"{finding.place}: {finding.rule}: {words.one_line(finding.fix, None)}" for finding in errors]
    facts += [_check(result) for result in blocks]
    facts += [f"Preflight: {tally(report.before)}."] if report.before else []
    ways = [("mend these, then", same_command(report))]
    # Where the scripts know no way there is nothing to run, whatever is accepted.
    if report.plan.steps:
        ways.append(("or accept them for this run", same_command(report, accepting(errors, blocks))))
    return Outcome(f"Refused by {words.listed(why)}. Nothing was changed.", tuple(facts), tuple(ways))


def _dry_run(report: Report) -> Outcome:
    return Outcome(
        "Dry run: stopped before the backup. Nothing was changed.", next=(("to do it", same_command(report)),)
    )


def _declined(report: Report) -> Outcome:
    return Outcome("Stopped: the answer was no. Nothing was changed.", next=(("to do it", same_command(report)),))


def _failed(report: Report) -> Outcome:
    was = words.heads(report.plan.current)
    facts = (*_failure(report), f"The database is as before, at {was}: what the revision did is rolled back.")
    headline = f"Failed{_took(report)}. Nothing was changed."
    return Outcome(headline, facts, (("when that is mended", same_command(report)),))


def _partial(report: Report) -> Outcome:
    facts = (*_failure(report), *_durable(report))
    headline = f"Stopped part-way{_took(report)}."
    return Outcome(headline, facts, (("the same command carries on from there", same_command(report)),))


def _unverified(report: Report) -> Outcome:
    wrong = [result for result in report.after if result.refuses]
    failed = f"verification failed: {words.count(len(wrong), 'check')}."
    headline = failed if report.command == "verify" else f"{_where_to(report)}{_took(report)}, but {failed}"
    facts = (*(_check(result) for result in wrong), *_durable(report))
    run = shlex.quote(PurePath(report.directory).name) if report.directory else "last"
    again = ("mend it, then verify again", _migsafe(report, f"verify {run}"))
    return Outcome(headline[:1].upper() + headline[1:], facts, (again, *way_back(report)))


def _deadline(report: Report) -> Outcome:
    headline = f"The locks could not be had before the deadline{_took(report)}. Nothing was changed."
    return Outcome(
        headline, _failure(report), (("try again later, or with a longer --deadline", same_command(report)),)
    )


def _timeout(report: Report) -> Outcome:
    headline = f"The time for the whole run (--timeout) is over{_took(report)}. Nothing was changed."
    return Outcome(headline, _failure(report), (("try again, with a longer --timeout", same_command(report)),))


def _not_reached(report: Report) -> Outcome:
    headline = "Not reached: another round of env.py stopped the command before. Nothing was changed here."
    return Outcome(headline, next=(("the same command carries on", same_command(report)),))


def _interrupted(report: Report) -> Outcome:
    durable = (f"All revisions are in: {_where_to(report)}.",) if report.arrived else _durable(report)
    facts = (*_failure(report), *(durable or ("Nothing was changed.",)))
    return Outcome(f"Interrupted{_took(report)}.", facts, (("the same command carries on", same_command(report)),))


_OUTCOMES: dict[str, Callable[[Report], Outcome]] = {
    "done": _done,
    "nothing-to-do": _nothing,
    "refused": _refused,
    "dry-run": _dry_run,
    "declined": _declined,
    "failed": _failed,
    "partial": _partial,
    "unverified": _unverified,
    "deadline": _deadline,
    "timeout": _timeout,
    "interrupted": _interrupted,
    "not-reached": _not_reached,
}
# Commands that change nothing end in the same outcomes, but neither "done" nor "nothing to do" is what happened.
_READ_ONLY: dict[tuple[str, str], Callable[[Report], Outcome]] = {
    ("preflight", "nothing-to-do"): _may_start,
    ("verify", "done"): _verified,
    ("verify", "nothing-to-do"): _verified,
}


def _database(report: Report) -> str:
    return f"database {report.plan.database}" if report.plan.database else "the database"


def _where_to(report: Report) -> str:
    plan = report.plan
    return f"{_database(report)} went from {words.heads(plan.current)} to {words.heads(plan.target)}"


def _took(report: Report) -> str:
    seconds = words.elapsed(report)
    return "" if seconds is None else f" after {words.duration(seconds)}"


def _check(result: CheckResult) -> str:
    subject = f" {result.subject}" if result.subject else ""
    remedy = f". {result.remedy}" if result.remedy else ""
    return f"{result.check}{subject}: {words.one_line(result.message.rstrip('.') + remedy, None)}"


_UNFINISHED = ("failed", "partial", "unknown")


def _failure(report: Report) -> tuple[str, ...]:
    stopped = next((step for step in report.steps if step.outcome in _UNFINISHED and step.attempts), None)
    facts = last_attempt(stopped) if stopped is not None else []
    if report.failure and not (stopped and _says(stopped.attempts[-1], report.failure)):
        facts.insert(0, report.failure)
    return (*facts, *([report.remedy] if report.remedy else []))


def _says(tried: Attempt, failure: str) -> bool:
    return words.one_line(failure, None) in attempt(tried)


def last_attempt(step: StepResult) -> list[str]:
    """What the last try at a revision ended with, and who was in the way."""
    last = step.attempts[-1]
    tries = f" (attempt {len(step.attempts)})" if len(step.attempts) > 1 else ""
    said = f"revision {step.revision}{tries}: {attempt(last)}"
    return [said, *blockers.lines(last.blocked_by)]


def attempt(tried: Attempt) -> str:
    """How one try ended: for how long, where, with which error and statement."""
    said = tried.message or ""
    where = f" at {tried.place}" if tried.place and tried.place not in said else ""
    if tried.sqlstate is None and tried.message is None:
        return f"{words.duration(tried.seconds)}{where}"
    message = words.one_line(said, None)
    # A message that names its SQLSTATE needs it no second time.
    sqlstate = tried.sqlstate if tried.sqlstate and f"SQLSTATE {tried.sqlstate}" not in message else None
    error = ": ".join(part for part in (sqlstate, message) if part)
    unsaid = tried.statement if tried.statement and tried.statement not in said else None
    statement = f" in {words.one_line(unsaid, 80)}" if unsaid else ""
    found = f"; {tried.found}" if tried.found else ""
    return f"after {words.duration(tried.seconds)}{where}: {error}{statement}{found}"


def _durable(report: Report) -> tuple[str, ...]:
    done = _revisions(report.steps, "done")
    partial = _revisions(report.steps, "partial")
    unknown = _revisions(report.steps, "unknown")
    waiting = _revisions(report.steps, "not-reached", "failed")
    facts = []
    if done and len(done) < len(report.steps):
        facts.append(f"Durable: {words.count(len(done), 'revision')} ({words.listed(done)}).")
    if partial:
        facts.append(
            f"Part-way: {words.listed(partial)}: what it committed is durable, the version table does not name it yet."
        )
    if unknown:
        facts.append(
            f"Not known: {words.listed(unknown)}: it was cut off while something was being made durable, and whether "
            "that is in could not be found out."
        )
    if waiting and (done or partial or unknown):
        facts.append(f"Not done: {words.listed(waiting)}.")
    return tuple(facts)


def _revisions(steps: Iterable[StepResult], *outcomes: str) -> list[str]:
    return [step.revision for step in steps if step.outcome in outcomes]
