"""What a run destroys is saved before it, caught up in it, and brought to its end after it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from migsafe import journal
from migsafe.errors import MigsafeError
from migsafe.formats import words
from migsafe.model.checks import CheckResult
from migsafe.model.report import Report, Undo
from migsafe.model.statement import Statement
from migsafe.postgres.connection import connect
from migsafe.postgres.saved_facts import may_create
from migsafe.saved import CatchUp, Losses, conclude, discard, estimate, losses, save, summary
from migsafe.settings import Settings
from migsafe.situation import Situation

Told = Callable[[str, float | None], None]
Execute = Callable[[str], None]


class Secured:
    """What is saved for one run. `before` is for run(): it is told the statements that come next."""

    def __init__(self) -> None:
        self.caught: CatchUp | None = None
        self._directory = Path()
        self._began = 0.0

    def __enter__(self) -> "Secured":
        return self

    def __exit__(self, *_: object) -> None:
        if self.caught is not None:
            self.caught.own.close()

    def secure(
        self, report: Report, situation: Situation, settings: Settings, told: Told, log: journal.Journal
    ) -> Report:
        """Save what the plan destroys; `report` says what. Raises NotSaved, and nothing was changed."""
        found = losses_of(situation, settings)
        self._directory, began = Path(report.directory or "."), time.monotonic()
        if not found.parts:
            return report
        seen = situation.preview
        log.write("saving", parts=len(found.parts))
        own = connect(situation.database, application_name="migsafe undo")
        try:
            sizes = estimate(own, found.parts, seen.before, None)
            done = save(
                own,
                situation.database,
                self._directory,
                seen.plan,
                seen.before,
                found,
                store="tables" if settings.undo == "tables" else "files",
                up_to=settings.undo_up_to,
                keep=settings.undo_keep,
                told=told,
                estimate=sizes,
            )
        except BaseException:
            own.close()
            raise
        log.write("saved", rows=sum(each.rows for each in done.parts))
        schema = seen.plan.version_table.rpartition(".")[0]
        where = _schema(own, schema, seen.before.search_path)
        self.caught = CatchUp(own, done, where, settings.max_wait, settings.lock_timeout)
        self.caught.expect(seen.plan.statements)
        undo = report.undo or Undo()
        saved = summary(self._directory, done, time.monotonic() - began)
        return msgspec.structs.replace(report, undo=msgspec.structs.replace(undo, saved=saved))

    def before(self, planned: tuple[Statement, ...], execute: Execute) -> None:
        """Catch up what was written since, in the transaction that is about to destroy it."""
        if self.caught is not None:
            self.caught(planned, execute)

    def conclude(self, report: Report, log: journal.Journal) -> Report:
        """The run is over: what it left is read; where it destroyed nothing, what was saved is thrown away."""
        if self.caught is None or report.undo is None or report.undo.saved is None:
            return report
        log.write("concluding")
        try:
            if report.stopped_at != "interrupted" and not _destroyed(report):
                discard(self._directory, self.caught)
                return msgspec.structs.replace(report, undo=msgspec.structs.replace(report.undo, saved=None))
            done, notes = conclude(self._directory, self.caught)
        except (psycopg.Error, MigsafeError, OSError) as error:
            said = " ".join(str(error).split())
            note = f"what the run left could not be read ({said}): `migsafe restore` asks about every row"
            return msgspec.structs.replace(report, notes=(*report.notes, note))
        saved = summary(self._directory, done, report.undo.saved.seconds)
        undo = msgspec.structs.replace(report.undo, saved=saved)
        return msgspec.structs.replace(report, undo=undo, notes=(*report.notes, *notes))


def losses_of(situation: Situation, settings: Settings) -> Losses:
    """What the plan destroys; nothing with undo = "off"."""
    if settings.undo == "off":
        return Losses()
    return losses(situation.preview.plan, situation.preview.before)


def to_be_saved(situation: Situation, settings: Settings) -> frozenset[str]:
    """What is saved before it is destroyed, as a Loss names it: column public.t.c, table public.t, rows public.t."""
    found = set[str]()
    for part in losses_of(situation, settings).parts:
        names = dict.fromkeys((part.relation, part.top or part.relation))
        if part.kind == "column":
            found |= {f"column {name}.{column}" for name in names for column in part.lost}
        else:
            found |= {f"{'table' if part.kind == 'table' else 'rows'} {name}" for name in names}
    return frozenset(found)


def weighing(situation: Situation, settings: Settings) -> Situation:
    """`situation` with a check that refuses when what the run destroys is more than may be saved, or has no room."""
    return msgspec.structs.replace(situation, before=(*situation.before, *_weighed(situation, settings)))


def _weighed(situation: Situation, settings: Settings) -> tuple[CheckResult, ...]:
    found = losses_of(situation, settings)
    if not found.parts:
        return ()
    folder = Path(settings.directory) / settings.runs
    with connect(situation.database, read_only=True) as connection:
        sizes = estimate(connection, found.parts, situation.preview.before, folder)
    most = (
        settings.undo_up_to if settings.undo == "tables" or sizes.free is None else min(settings.undo_up_to, sizes.free)
    )
    if sizes.bytes <= most:
        return ()
    why = "undo_up_to allows" if most == settings.undo_up_to else f"is free in {folder}:"
    message = f"saving what the run destroys takes about {words.size(sizes.bytes)}, and {why} {words.size(most)}"
    remedy = 'Raise undo_up_to, or set `runs` to a larger disk; or undo = "off" to lose it, if a backup has it.'
    evidence = {part.label: part.place for part in found.parts}
    result = CheckResult(
        check="saved-rows", status="blocked", message=message, group="undo", remedy=remedy, evidence=evidence
    )
    return (result,)


def _destroyed(report: Report) -> bool:
    return any(step.outcome in ("done", "partial") for step in report.steps)


def _schema(own: psycopg.Connection[Any], version: str, path: tuple[str, ...]) -> str | None:
    return may_create(own, [name for name in (version, *path) if name])
