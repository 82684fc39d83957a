"""`migsafe status` for a person: where the database is, what is half done, how the last run ended, what to type."""

import shlex
from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.console import Console

from migsafe.formats import blockers, words
from migsafe.formats.lines import say
from migsafe.model.status import LastRun, Leftover, Recorded, Status

_MARGIN = 14


def text(status: Status, console: Console) -> None:
    """The whole status, ending with the commands."""
    for label, lines, style in _sections(status):
        for number, line in enumerate(lines):
            head = label if number == 0 else ""
            say(console, (f"  {head:<{_MARGIN - 2}}", "dim"), (line, style), hang=_MARGIN + 2)
    for reason, command in following(status):
        console.print()
        say(console, (f"{reason}:", "dim"), indent=2)
        say(console, (command, "bold"), indent=4, fold=False)


def _sections(status: Status) -> Iterator[tuple[str, list[str], str]]:
    if status.unreachable is not None:
        yield "database", [f"cannot be asked: {status.unreachable}"], "bold red"
    else:
        yield "database", [f"{status.database}"], ""
        yield "version", _version(status), ""
        yield from _runner(status)
        yield from _half_done(status.recorded or ())
        yield from _left(status.leftovers or ())
    for each in status.unknown:
        yield "unknown", [each], "magenta"
    yield "last run", _last(status.last), "" if status.last is None or status.last.failure is None else "yellow"
    if status.exit_code == 0 and status.runner is None:
        yield "", ["nothing is half done" + (", as far as this role sees" if status.unknown else "")], "green"


def _version(status: Status) -> list[str]:
    at = f"{words.heads(status.heads or ())} ({status.version_table})"
    if status.unknown_heads:
        return [f"{at}; these scripts do not know {words.listed(status.unknown_heads)}: another branch, or older code"]
    pending = status.pending or ()
    if not pending:
        return [f"{at}, at head"]
    return [f"{at}, {words.count(len(pending), 'revision')} behind {words.heads(status.target)}"]


def _runner(status: Status) -> Iterator[tuple[str, list[str], str]]:
    if status.runner is None:
        yield "runner", ["nobody migrates it now"], ""
    else:
        yield "runner", list(blockers.lines((status.runner,))), "yellow"


def _half_done(recorded: Iterable[Recorded]) -> Iterator[tuple[str, list[str], str]]:
    for revision, group in groupby(recorded, key=lambda each: each.revision):
        rows = list(group)
        lines = [f"revision {revision}: {words.count(len(rows), 'statement')} recorded beside the version table"]
        for each in rows:
            state = "done" if each.finished else "begun"
            where = ": ".join(part for part in (each.place, each.sql) if part)
            lines.append(f"{each.number}. {state} {words.time(each.at)}; the next upgrade {each.next}")
            lines += [f"   {words.one_line(where)}"] if where else []
        yield "half done", lines, "bold yellow"


def _left(found: Iterable[Leftover]) -> Iterator[tuple[str, list[str], str]]:
    for each in found:
        lines = [f"{each.kind} {each.name} on {each.relation}"]
        if each.worker is not None:
            lines.append(f"pid {each.worker} may be working on it still")
        elif each.next is None:
            lines.append(f"no half-done revision knows it; to clear it away: {each.end}")
        lines += [f"the next upgrade: {each.next}"] if each.next else []
        yield "left over", lines, "bold yellow"


def _last(run: LastRun | None) -> list[str]:
    if run is None:
        return ["none in this folder"]
    way = f"{words.heads(run.current)} → {words.heads(run.target)}" if run.target else ""
    process = f", process {run.pid} on {run.host}" if run.pid is not None and run.outcome in _UNENDED else ""
    sign = f"; last sign {words.time(run.at)} ({run.event})" if run.at and run.outcome in _UNENDED else ""
    lines = [f"{run.directory}", f"{run.command or 'run'} {way}: {run.outcome}{process}{sign}"]
    where = ": ".join(part for part in (run.place, run.sql) if part)
    if run.revision is not None:
        lines.append(f"in revision {run.revision}{f', at {words.one_line(where)}' if where else ''}")
    lines += [words.one_line(run.failure, None)] if run.failure else []
    return lines


_UNENDED = ("running", "crashed")


def following(status: Status) -> Iterator[tuple[str, str]]:
    """What to type next: pairs of a reason and a command."""
    if status.unreachable is not None:
        yield "when the server answers", _migsafe(status, "status")
    elif status.runner is not None:
        yield "a migration runs; look again", _migsafe(status, "status")
    elif status.unknown_heads:
        yield "with the code that made these revisions", _migsafe(status, "status")
    elif status.pending:
        begun = bool(status.recorded) or status.part_way
        reason = "carries on from there" if begun else "the way to the head"
        yield reason, _migsafe(status, f"upgrade {_target(status, begun=begun)}")
    elif status.recorded:
        yield "what is recorded is of a revision that is in, or gone; look at it", _migsafe(status, "current")


def _target(status: Status, *, begun: bool) -> str:
    """Where the run that was cut off was going, if it was up and is not there."""
    last, target = status.last, status.target
    if begun and last is not None and last.command == "upgrade" and last.target != status.heads:
        target = last.target
    return shlex.quote(target[0]) if len(target) == 1 else "heads"


def _migsafe(status: Status, command: str) -> str:
    before, after = (" ".join(map(shlex.quote, each)) for each in (status.typed, status.options))
    return " ".join(part for part in ("migsafe", before, command, after) if part)
