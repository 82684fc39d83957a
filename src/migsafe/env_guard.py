"""`migsafe.guard(context)` at the top of env.py: for those who keep typing `alembic upgrade`."""

import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Literal

import msgspec

from migsafe import journal
from migsafe.errors import MigsafeError, NotMigrated
from migsafe.formats import hazards, text
from migsafe.formats.outcome import outcome
from migsafe.model.checks import CheckResult
from migsafe.model.report import Excuse, Report
from migsafe.model.run import Blocker
from migsafe.postgres import advisory
from migsafe.postgres.connection import Database, connect
from migsafe.proving.proven import proven
from migsafe.recorded import begin_run, write_report
from migsafe.revisions.config import Environment
from migsafe.revisions.install import Requested, install
from migsafe.revisions.read import Reading
from migsafe.run.entry import Entry, Manners
from migsafe.run.events import silent
from migsafe.run.explain import explain
from migsafe.run.regain import beside
from migsafe.run.runner import PlanRunner
from migsafe.run.watchdog import Watchdog
from migsafe.settings import Settings, load
from migsafe.situation import Asked, Situation, look, report_of

Mode = Literal["refuse", "warn", "off"]
ALLOW = "migsafe.allow="


def guard(context: Any, mode: Mode | None = None) -> None:
    """Guard the Alembic command that runs this env.py; call it before `context.configure()`.

    `context` is `alembic.context`. `mode` goes over `guard` of the settings: refuse (stop on findings and failed
    checks), warn (say them and go on), off. Adds to a plain `alembic upgrade`: lint, preflight, lock_timeout, one
    transaction a revision, the advisory lock, a journal and a report, verification. What needs a second try (waiting
    for a lock with nothing held) only `migsafe upgrade` can do. A finding is accepted with
    `alembic -x "migsafe.allow=RULE: because" upgrade head`. Never raises by itself, and leaves every command alone
    that runs no revision.

    Each round of env.py (configure() and run_migrations()) is reviewed as Alembic comes to it, for what comes after it
    is not known before env.py goes on: an earlier one may be done when a later one is refused, which then is said.
    `migsafe upgrade` plans every round before the first.
    """
    done: list[str] = []
    if mode != "off":
        install(context, lambda requested: _sentry(mode, requested, done))


def _sentry(mode: Mode | None, requested: Requested, done: list[str]) -> "_Sentry | None":
    settings = load()
    mode = mode or settings.guard
    return None if mode == "off" else _Sentry(settings, mode, requested, done)


class _Sentry:
    """A revisions.install.Sentry: the straight line, turned by Alembic instead of by us.

    `done` are the rounds of the same env.py that are migrated already.
    """

    def __init__(self, settings: Settings, mode: Mode, requested: Requested, done: list[str]) -> None:
        self.settings, self.mode, self.done = settings, mode, done
        self.excuses = tuple(_excuse(each) for each in requested.x if each.startswith(ALLOW))
        self.held = ExitStack()
        self.environment: Environment | None = None
        self.situation: Situation | None = None
        self.report: Report | None = None
        self.runner: PlanRunner | None = None
        self.log: journal.Journal | None = None

    def connected(self, connection: Mapping[str, Any], version_table: str) -> None:
        database = Database.from_parameters(connection)
        lock = self.held.enter_context(connect(database, application_name="migsafe lock"))
        key = advisory.key(database.dbname, version_table)
        self.held.enter_context(advisory.runner_lock(lock, key, self.settings.deadline, _waiting))

    def reviewed(self, reading: Reading, environment: Environment) -> PlanRunner:
        asked = Asked(" ".join(reading.target) or "base", reading.direction, excuses=self.excuses)
        settings = msgspec.structs.replace(self.settings, backup="none")
        self.environment = environment
        self.situation = look(environment, reading, settings, asked, lambda _text, _fraction: None)
        report = report_of(self.situation, asked)
        if self.mode == "refuse" and report.refused:
            _show(report)
            raise NotMigrated(_refusal(report, self.done), report)
        self._say(report)
        self.log, self.report = begin_run(self.situation, settings, report)
        self.runner = self._runner(self.situation, settings, self.log)
        return self.runner

    def _runner(self, situation: Situation, settings: Settings, log: journal.Journal) -> PlanRunner:
        """Alembic tries once: what other attempts would get, the first one gets at once."""
        own = self.held.enter_context(beside(situation.database))
        watchdog = self.held.enter_context(Watchdog(situation.database, settings.max_wait))
        manners = Manners(
            settings.lock_timeout,
            settings.max_wait,
            settings.queue_behind,
            time.monotonic() + settings.deadline,
            deadline=settings.deadline,
            concurrently_deadline=settings.concurrently_deadline,
            first_step=settings.lock_timeout,
        )
        entry = Entry(own, manners, _blocked)
        return PlanRunner(
            situation.preview.plan, own, log, entry, watchdog, _quiet, situation.reading.search_path, silent
        )

    def arrived(self) -> None:
        assert self.situation is not None
        assert self.runner is not None
        assert self.report is not None
        assert self.environment is not None
        plan = self.situation.preview.plan
        self.done.append(f"{plan.version_table} of {plan.database} at {', '.join(plan.target) or 'base'}")
        after = proven(self.environment, self.situation, {}, self.settings, self.excuses, self.report.directory)
        self.report = msgspec.structs.replace(self.report, steps=self.runner.results(), after=after)
        if self.report.outcome == "unverified" and self.mode == "refuse":
            _show(self.report)
            raise NotMigrated(outcome(self.report).headline.rstrip("."), self.report)

    def closed(self, error: BaseException | None) -> None:
        if error is not None and self.done and self.runner is not None and not (self.report and self.report.steps):
            sys.stderr.write(f"migsafe: {_before(self.done)}\n")
        if self.report is not None and self.log is not None:
            if error is not None and self.runner is not None and not self.report.steps:
                failure = self._why(error, self.runner)
                self.report = msgspec.structs.replace(self.report, steps=self.runner.results(), failure=failure)
            write_report(self.report, self.log)
        self.held.close()

    def _why(self, error: BaseException, runner: PlanRunner) -> str:
        """What Alembic cannot tell: that it was our watchdog who stopped the statement, and for whom."""
        if runner.verdict() is None or self.situation is None:
            return "Alembic stopped; its own message says why"
        stopped = explain(error, runner, self.situation.preview.plan)
        sys.stderr.write(f"migsafe: {stopped.message}\n{stopped.remedy or ''}\n")
        return stopped.message

    def _say(self, report: Report) -> None:
        still = [each for each in report.findings if each.ignored_because is None and each.severity != "info"]
        if still or any(_worth_saying(each) for each in report.before):
            _show(report)


def _worth_saying(result: CheckResult) -> bool:
    # That there is no backup is so under every `alembic upgrade`, and a plan that destroys something has findings.
    return result.status in ("blocked", "warned") and result.check != "backup"


def _before(done: list[str]) -> str:
    """What earlier rounds of env.py have changed."""
    rounds = "a round" if len(done) == 1 else f"{len(done)} rounds"
    named = "; ".join([*done[:5], *(["…"] if len(done) > 5 else [])])
    return (
        f"{rounds} of env.py before this one had been migrated by then ({named}): "
        "`migsafe upgrade` plans every round before the first"
    )


def _refusal(report: Report, done: list[str]) -> str:
    """The headline and what to type to go on. Alembic adds the full stop."""
    headline = outcome(report).headline.rstrip(".")
    if done:
        headline = (
            f"{headline.replace('. Nothing was changed', '')}: nothing was changed in this round, but {_before(done)}"
        )
    rules = sorted({finding.rule for finding in report.open_errors})
    accepting = " ".join(f'-x "{ALLOW}{rule}: because …"' for rule in rules)
    command = f"{report.command} {report.asked}"
    ways = [f"to accept: alembic {accepting} {command}"] if rules else []
    checks = sorted({result.check for result in report.before if result.refuses})
    skipping = " ".join(f'--skip {check} --because "…"' for check in checks)
    ways += [f"to overrule the checks: migsafe {command} {skipping}"] if checks else []
    return "; ".join([headline, *ways])


def _show(report: Report) -> None:
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    hazards.section(report.findings, console)
    text.checks([each for each in (*report.before, *report.after) if each.status != "passed"], console)


def _excuse(text: str) -> Excuse:
    rule, colon, because = text.removeprefix(ALLOW).partition(":")
    if not colon or not because.strip():
        raise MigsafeError(f"-x {text!r} gives no reason", 'Write -x "migsafe.allow=RULE: because".')
    return Excuse("allow", rule.strip(), because.strip())


def _waiting(holder: Blocker) -> None:
    who = holder.application or "another session"
    sys.stderr.write(f"migsafe: waiting for {who} (pid {holder.pid}), which is migrating this database\n")


def _blocked(blockers: tuple[Blocker, ...], _pause: float) -> None:
    for each in blockers[:3]:
        who = each.application or "another session"
        sys.stderr.write(f"migsafe: waiting outside the lock queue for {who} (pid {each.pid})\n")


def _quiet(_text: str, _fraction: float | None) -> None:
    return None
