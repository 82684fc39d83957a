"""An env.py with several rounds: each database or schema its own straight line, all of them planned before the first.

An env.py that loops over tenants, or Alembic's multidb template, calls configure() and run_migrations() several times.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Literal, Protocol

import msgspec

from migsafe.errors import MigsafeError
from migsafe.going_back.derived import read_ways
from migsafe.model.plan import Step
from migsafe.model.report import Backup, Report
from migsafe.postgres.connection import Database
from migsafe.revisions.config import Environment
from migsafe.revisions.narrow import chosen
from migsafe.revisions.read import Reading
from migsafe.revisions.rounds import Round
from migsafe.run.events import Emit, silent
from migsafe.settings import Settings
from migsafe.situation import Asked, now
from migsafe.stopped import Observer, Stages, limited, nothing_changed_when_stopped
from migsafe.upgrade import Ready, carry_out, prepare, upgrade


class RoundsObserver(Observer, Protocol):
    """Who watches several rounds."""

    def all_planned(self, reports: tuple[Report, ...]) -> bool:
        """Every round is planned, and nothing stands against any. False declines the whole."""

    def begins(self, report: Report, number: int, of: int) -> None:
        """The round of `report` comes now, the `number`th (from 1) of those that have something to do."""


def migrate(
    environment: Environment, settings: Settings, asked: Asked, observer: RoundsObserver, emit: Emit = silent
) -> tuple[Report, ...]:
    """Take every database and schema that env.py migrates to `asked.target`: a report for each, in env.py's order.

    One report, and the straight line of upgrade.py alone, where env.py has one round. Of several every one is planned
    first: a refusal in one refuses all. Then one runs after the other, and the first that fails is the last; the same
    command carries on. Raises as upgrade() does.
    """
    stages, began = Stages(observer, emit), time.monotonic()
    with ExitStack() as held:
        with limited(settings.timeout), nothing_changed_when_stopped(stages, settings.timeout):
            readings = chosen(read_ways(environment, settings, asked), asked.rounds)
            if readings[0].round is None:
                return (upgrade(environment, settings, asked, stages, began, readings[0]),)
            planned = _planned(held, environment, settings, asked, stages, readings)
            reports = tuple(each.report if isinstance(each, Ready) else each for each in planned)
            if any(each.refused for each in reports):
                return tuple(_ended(each, "not-reached") for each in planned)
            if not any(isinstance(each, Ready) for each in planned):
                return reports
            if not observer.all_planned(reports):
                return tuple(_ended(each, "declined") for each in planned)
        return tuple(_one_after_the_other(planned, settings, asked, observer, stages, began))


def narrowed(environment: Environment, one: Round | None) -> Environment:
    """`environment` as if env.py had this round alone."""
    return msgspec.structs.replace(environment, only=one)


def _planned(
    held: ExitStack,
    environment: Environment,
    settings: Settings,
    asked: Asked,
    stages: Stages,
    readings: tuple[Reading, ...],
) -> list[Ready | Report]:
    """What became of each, in the order of `readings`.

    The locks are taken in an order of their own: two runners whose lists of tenants are ordered differently must not
    wait for each other.
    """
    started = now()
    done: dict[int, Ready | Report] = {}
    beside: dict[str, Ready] = {}
    for number in sorted(range(len(readings)), key=lambda number: _where(readings[number])):
        reading = readings[number]
        one = narrowed(environment, reading.round)
        label = Database.from_parameters(reading.connection or {}).label
        done[number] = prepare(held, one, settings, asked, stages, reading, started, beside.get(label))
        if isinstance(ready := done[number], Ready):
            beside.setdefault(label, ready)
    return [done[number] for number in range(len(readings))]


def _where(reading: Reading) -> tuple[str, str]:
    return (reading.round.database, reading.round.version_table) if reading.round else ("", "")


def _one_after_the_other(
    planned: list[Ready | Report],
    settings: Settings,
    asked: Asked,
    observer: RoundsObserver,
    stages: Stages,
    began: float,
) -> Iterator[Report]:
    """The reports, each when its round is over. What comes after one that failed is not reached."""
    ready = [each for each in planned if isinstance(each, Ready)]
    dumped: dict[str, Backup] = {}
    stopped = False
    for each in planned:
        if isinstance(each, Report):
            yield each
            continue
        report, label = each.report, each.situation.database.label
        left = None if settings.timeout is None else settings.timeout - (time.monotonic() - began)
        if stopped:
            report = _ended(each, "not-reached")
        elif left is not None and left <= 0:
            failure = "the time for the whole run was over before this round began"
            report = msgspec.structs.replace(report, stopped_at="timeout", failure=failure, ended=now())
        else:
            steps = tuple(_steps_of(one for one in ready if one is not each and one.situation.database.label == label))
            situation = msgspec.structs.replace(each.situation, dumped=dumped.get(label), beside=steps)
            observer.begins(report, ready.index(each) + 1, len(ready))
            stages.emit("round", round=report.round, number=ready.index(each) + 1, of=len(ready))
            one = msgspec.structs.replace(each, situation=situation, report=_starting(report))
            report = _carried_out(one, settings, asked, stages, began, left)
            stages.emit("round-done", round=report.round, outcome=report.outcome, exit_code=report.exit_code)
            if report.backup is not None and report.backup.kind == "dump":
                dumped.setdefault(label, report.backup)
        stopped = stopped or report.outcome != "done"
        yield report


def _steps_of(others: Iterable[Ready]) -> Iterator[Step]:
    for each in others:
        yield from each.situation.preview.plan.steps


def _starting(report: Report) -> Report:
    """All were planned before the first began: its seconds count from where it begins itself."""
    return msgspec.structs.replace(report, began=now())


def _carried_out(
    ready: Ready, settings: Settings, asked: Asked, stages: Stages, began: float, left: float | None
) -> Report:
    """A round that cannot even begin is the end of the line, and no reason to forget those that are done."""
    try:
        with limited(left):
            return carry_out(ready, settings, asked, stages, began)
    except MigsafeError as error:
        return msgspec.structs.replace(ready.report, failure=error.message, remedy=error.remedy, ended=now())
    except KeyboardInterrupt:
        return msgspec.structs.replace(ready.report, stopped_at="interrupted", ended=now())


def _ended(planned: Ready | Report, stopped: Literal["declined", "not-reached"]) -> Report:
    if isinstance(planned, Report):
        return planned
    return msgspec.structs.replace(planned.report, stopped_at=stopped, ended=now())
