"""What one command did in every round of an env.py: several databases, or several schemas of one."""

import msgspec

from migsafe.model.report import EXIT_CODES, Report

_STOPPED = ("failed", "partial", "deadline", "timeout", "interrupted", "not-reached")


class Rounds(msgspec.Struct, frozen=True):
    """The reports of the rounds, in env.py's order; each has its name in `round`. Never empty."""

    reports: tuple[Report, ...]

    @property
    def outcome(self) -> str:
        """The worst of theirs, as Report has them; `partial` when some rounds are done and the command stopped."""
        found = [report.outcome for report in self.reports]
        for worst in ("refused", "interrupted", "unverified"):
            if worst in found:
                return worst
        stopped = [each for each in found if each in _STOPPED]
        if stopped:
            return "partial" if "done" in found or "partial" in found else stopped[0]
        ranked = ("declined", "dry-run", "done")
        return next((each for each in ranked if each in found), "nothing-to-do")

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]

    @property
    def worst(self) -> Report:
        """The report of the first round that ended as the whole command did, or made it end so."""
        wanted = {self.outcome, *(_STOPPED if self.outcome == "partial" else ())}
        return next((each for each in self.reports if each.outcome in wanted), self.reports[0])
