"""Several rounds of one env.py for a person: the same plan shown once, then a ledger of what became of each."""

import shlex
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from migsafe.formats import hazards, text, words
from migsafe.formats import outcome as ending
from migsafe.formats.lines import heading, say
from migsafe.model.checks import CheckResult
from migsafe.model.report import Report
from migsafe.model.rounds import Rounds

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"done": "green", "nothing-to-do": "dim", "not-reached": "dim", "dry-run": "dim", "partial": "bold yellow"}
_NAMED = 12


def same_plans(reports: Iterable[Report]) -> tuple[tuple[Report, ...], ...]:
    """The reports with something to do, those together that a person need read only once: same SQL, same findings."""
    groups: dict[Hashable, list[Report]] = {}
    for report in reports:
        if report.plan.steps or report.refused:
            groups.setdefault(_key(report), []).append(report)
    return tuple(map(tuple, groups.values()))


def _key(report: Report) -> Hashable:
    plan = report.plan
    found = tuple((each.rule, each.severity, each.place, each.ignored_because) for each in report.findings)
    return (plan.direction, plan.current, plan.target, plan.fingerprint, found)


def before(reports: Sequence[Report], console: "Console", *, verbose: bool = False) -> None:
    """Plan, findings and preflight of each different plan; of preflight what another round adds to it."""
    for group in same_plans(reports):
        first = group[0]
        heading(console, "Rounds", f"{len(group)} of {len(reports)}", *_same(group))
        say(console, _names(group), indent=2)
        text.plan(first.plan, console)
        hazards.section(first.findings, console)
        text.checks(tuple(_all_checks(group)), console, verbose=verbose)
        text.notes(msgspec.structs.replace(first, notes=tuple(_all_notes(group))), console)


def _same(group: Sequence[Report]) -> list[str]:
    return ["same plan"] if len(group) > 1 else []


def _names(reports: Sequence[Report]) -> str:
    names = [str(each.round) for each in reports]
    return words.listed([*names[:_NAMED], *([f"{len(names) - _NAMED} more"] if len(names) > _NAMED else [])])


def _all_checks(group: Sequence[Report]) -> Iterable[CheckResult]:
    """Those of the first round, and of every other what did not pass and says something new."""
    yield from group[0].before
    said = {(each.check, each.status, each.message) for each in group[0].before}
    for report in group[1:]:
        for result in report.before:
            what = (result.check, result.status, result.message)
            if result.status != "passed" and what not in said:
                said.add(what)
                subject = f"{report.round}: {result.subject}" if result.subject else str(report.round)
                yield msgspec.structs.replace(result, subject=subject)


def _all_notes(group: Sequence[Report]) -> Iterable[str]:
    yield from group[0].notes
    for report in group[1:]:
        yield from (f"{report.round}: {note}" for note in report.notes if note not in group[0].notes)


def after(reports: tuple[Report, ...], console: "Console", *, verbose: bool = False) -> None:
    """What came of every round, the ledger of all, and what to type next."""
    for report in reports:
        if report.steps and (verbose or report.outcome != "done"):
            heading(console, "Round", str(report.round))
            text.steps(report.steps, console, report.plan)
            text.checks(report.after, console, title="Verification", verbose=verbose)
            if report.undo is not None:
                text.undo(report.undo, console)
    ledger(reports, console)


def ledger(reports: tuple[Report, ...], console: "Console") -> None:
    """A line a round: from where, to where, how it ended, for how long; then what it came to."""
    rounds = Rounds(reports)
    heading(console, "Ledger", words.count(len(reports), "round"), *_tally(reports))
    rows = [("round", "from → to", "outcome", "took", "run"), *map(_row, reports)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        style = "dim" if number == 0 else _STYLES.get(row[2], "bold red")
        say(console, "  ".join(cells[:2]), "  ", (cells[2], style), f"  {'  '.join(cells[3:])}".rstrip(), indent=2)
    console.print()
    last = outcome(rounds)
    say(console, (last.headline, "bold green" if rounds.exit_code == 0 else "bold red"))
    for fact in last.facts:
        say(console, fact, indent=2, hang=4)
    for reason, command in last.next:
        say(console, (f"{reason}:", "dim"), indent=2)
        say(console, (command, "bold"), indent=4, fold=False)


def _tally(reports: Sequence[Report]) -> list[str]:
    found = [_ended(each) for each in reports]
    return [f"{found.count(each)} {each.replace('-', ' ')}" for each in dict.fromkeys(found)]


def _row(report: Report) -> tuple[str, ...]:
    plan = report.plan
    took = words.elapsed(report) if report.began else None
    return (
        str(report.round),
        f"{words.heads(plan.current)} → {words.heads(plan.target)}" if plan.steps else words.heads(plan.current),
        _ended(report),
        "" if took is None else words.duration(took),
        words.near(report.directory) if report.directory else "",
    )


def _ended(report: Report) -> str:
    return "may start" if _may_start(report) else report.outcome


def _may_start(report: Report) -> bool:
    return report.command == "preflight" and report.outcome == "nothing-to-do" and bool(report.plan.steps)


def outcome(rounds: Rounds) -> ending.Outcome:
    """The last words about all of them."""
    reports, worst = rounds.reports, rounds.worst
    done = [each for each in reports if each.outcome == "done"]
    behind = [each for each in reports if each.outcome == "not-reached"]
    free = [each for each in reports if _may_start(each)]
    if rounds.outcome == "nothing-to-do" and free:
        return ending.Outcome(f"Nothing stands against it in {_names(free)}.", next=ending.outcome(free[0]).next)
    if rounds.outcome == "nothing-to-do":
        return ending.Outcome(f"Nothing to do: {_names(reports)} are there.")
    if rounds.outcome == "done":
        return ending.Outcome(f"Done: {_names(done)}.")
    said = ending.outcome(worst)
    if rounds.outcome in ("dry-run", "declined"):
        return msgspec.structs.replace(said, next=(("to do it", _command(worst, reports)),))
    if rounds.outcome == "refused":
        refused = [each for each in reports if each.refused]
        first = f"Refused in {_names(refused)}. Nothing was changed in any round."
        return msgspec.structs.replace(said, headline=first)
    facts = [f"In round {worst.round}: {said.headline}", *said.facts]
    facts += [f"Done before: {_names(done)}."] if done else []
    facts += [f"Not reached: {_names(behind)}; nothing was changed there."] if behind else []
    headline = f"Stopped in round {worst.round}."
    again = (("the same command carries on from there", _command(worst, reports)),)
    return ending.Outcome(headline, tuple(facts), again if rounds.outcome != "unverified" else (*said.next, *again))


def _command(worst: Report, reports: Sequence[Report]) -> str:
    """The command again. A relative target would lead those that are done one further: then the others are named."""
    command = ending.same_command(worst)
    left = [each for each in reports if each.outcome not in ("done", "nothing-to-do")]
    if len({each.plan.target for each in left}) == 1 and (worst.asked or "")[:1] not in ("+", "-"):
        return command
    return " ".join([command, *(f"--round {shlex.quote(str(each.round))}" for each in left)])


def markdown(reports: tuple[Report, ...]) -> str:
    """The ledger as a table, then each different report."""
    from migsafe.formats import markdown, markup

    rounds = Rounds(reports)
    rows = ["| round | from → to | outcome | took | run |", "|---|---|---|---|---|"]
    rows += [f"| {' | '.join(markup.text(cell) for cell in _row(report))} |" for report in reports]
    shown = [each for each in reports if each.outcome not in ("nothing-to-do", "not-reached")]
    first = f"# {outcome(rounds).headline}\n\n" + "\n".join(rows) + "\n"
    return "\n".join([first, *(f"# Round {each.round}\n\n{markdown.report(each)}" for each in shown)])
