"""Watches a run for a person: prints what is known, asks once, shows that long steps are alive."""

import contextlib
import sys
from datetime import UTC, datetime

import click
from rich.console import Console

from migsafe.cli import output
from migsafe.errors import Interrupted, UsageError
from migsafe.formats import hazards, rounds, text, words
from migsafe.formats.blockers import lines
from migsafe.formats.lines import say
from migsafe.formats.progress import OnProgress, progress
from migsafe.model.checks import CheckResult
from migsafe.model.report import Report
from migsafe.model.run import Blocker
from migsafe.postgres.connection import Database, redact


class Terminal:
    """A stopped.Observer. `printing` off (JSON, --quiet): nothing but the question and who blocks us is shown.

    `verbose` shows each check that passed.

    `quiet` shows what it came to all the same.
    """

    def __init__(
        self, *, yes: bool, printing: bool, quiet: bool = False, verbose: bool = False, stderr: bool = False
    ) -> None:
        self.yes, self.printing, self.quiet, self.verbose = yes, printing and not quiet, quiet, verbose
        self.console: Console = output.console(stderr=stderr or not printing)
        self.shown = False
        self._open = contextlib.ExitStack()
        self._told: OnProgress | None = None

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self._quieten()

    def known(self, database: Database) -> None:
        output.redact_with(lambda shown: redact(shown, database))

    def planned(self, report: Report) -> bool:
        self._quieten()
        self.show_before(report)
        return self.agreed(_question(report))

    def all_planned(self, reports: tuple[Report, ...]) -> bool:
        """Every round of env.py is planned: asked once for all."""
        self._quieten()
        self._show_rounds(reports)
        return self.agreed(f"{reports[0].command.capitalize()} {words.count(len(reports), 'round')} of env.py?")

    def begins(self, report: Report, number: int, of: int) -> None:
        """The round of `report` comes now."""
        self._quieten()
        if self.printing:
            say(self.console, (f"round {number} of {of}: ", "dim"), str(report.round))

    def agreed(self, question: str) -> bool:
        """Ask once; `--yes` has answered. Raises UsageError where nobody can be asked, Interrupted for Ctrl-C."""
        self._quieten()
        if self.yes:
            return True
        if sys.stdin is None or not sys.stdin.isatty():
            raise UsageError("there is no terminal to ask on", "Pass --yes to go on without being asked.")
        try:
            return click.confirm(question, default=False, err=not self.printing)
        except (click.Abort, KeyboardInterrupt):
            click.echo(err=not self.printing)
            raise Interrupted("interrupted at the question; nothing was changed") from None

    def show_before(self, report: Report) -> None:
        """Plan, findings and preflight, once."""
        if self.printing and not self.shown:
            text.plan(report.plan, self.console)
            hazards.section(report.findings, self.console)
            text.checks(report.before, self.console, verbose=self.verbose)
            text.notes(report, self.console)
        self.shown = True

    def show_after(self, report: Report) -> None:
        """What happened, and what to type next."""
        self._quieten()
        if not self.printing:
            self._show_outcome(report)
            return
        if not self.shown and report.plan.steps:
            self.show_before(report)
        text.after(report, self.console)

    def show_rounds(self, reports: tuple[Report, ...]) -> None:
        """The same for several rounds of env.py, ending with a line for each."""
        self._quieten()
        if self.printing:
            self._show_rounds(reports)
            rounds.after(reports, self.console, verbose=self.verbose)
        elif self.quiet:
            rounds.ledger(reports, self.console)

    def _show_rounds(self, reports: tuple[Report, ...]) -> None:
        if self.printing and not self.shown:
            rounds.before(reports, self.console, verbose=self.verbose)
        self.shown = True

    def show_checks(self, report: Report) -> None:
        """Preflight alone, and what it comes to."""
        self._quieten()
        if self.printing:
            text.checks(report.before, self.console, verbose=self.verbose)
        self._show_outcome(report)

    def show_verified(self, report: Report) -> None:
        """Verification alone, and what it comes to."""
        self._quieten()
        if self.printing:
            text.checks(report.after, self.console, title="Verification", verbose=True)
        self._show_outcome(report)

    def show_change(self, result: CheckResult) -> None:
        """A check under watch is of another status than in the round before."""
        self._quieten()
        if self.printing:
            say(self.console, (f"{datetime.now(UTC):%H:%M:%S} UTC  {result.status}: ", "dim"), result.message, hang=14)

    def show_lines(self, word: str, style: str, lines: list[str]) -> None:
        """A word, then lines that belong to it."""
        self._quieten()
        if self.printing:
            for number, line in enumerate(lines):
                say(self.console, (f"{word if number == 0 else '':<8}", style or "none"), line, hang=9)

    def _show_outcome(self, report: Report) -> None:
        if self.printing or self.quiet:
            text.outcome(report, self.console)

    def progress(self, text: str, fraction: float | None) -> None:
        if not self.printing:
            return
        if self._told is None:
            self._told = self._open.enter_context(progress(self.console))
        self._told(text, fraction)

    def blocked(self, blockers: tuple[Blocker, ...], pause: float) -> None:
        self._quieten()
        for number, line in enumerate(lines(blockers)):
            say(self.console, ("waits for " if number == 0 else " " * 10, "yellow"), line, hang=12)
        if not blockers:
            say(self.console, ("could not have a lock; whoever held it is gone by now", "yellow"))
        if pause:
            say(self.console, (f"nothing is held meanwhile; next attempt in {pause:.1f} s", "dim"))

    def _quieten(self) -> None:
        self._open.close()
        self._told = None


def _question(report: Report) -> str:
    plan = report.plan
    count = words.count(len(plan.steps), "revision")
    where = f" of {plan.database}" if plan.database else ""
    return f"{plan.direction.capitalize()} {count}{where}?"
