"""`--baseline FILE` and `--write-baseline`: what a project had before it began to lint."""

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from migsafe.errors import UsageError
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan
from migsafe.settings import LintSettings

_NAMED = 3


class Past(msgspec.Struct, frozen=True):
    """The file of the baseline, and whether it is to be written."""

    file: str | None = None
    write: bool = False

    def over(self, settings: LintSettings) -> "Past":
        """This, with the file that the settings name where none was given. Raises UsageError for nothing to write."""
        named = str(Path(settings.directory, settings.baseline)) if settings.baseline else None
        if self.write and not (self.file or named):
            raise UsageError("--write-baseline needs a file", "Name it: --baseline migsafe-baseline.json.")
        return Past(self.file or named, self.write)


def baseline_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--baseline FILE`, `--write-baseline`; the command gets `past: Past`."""

    @functools.wraps(function)
    def with_past(*args: Any, baseline: str | None, write_baseline: bool, **rest: Any) -> Any:
        return function(*args, past=Past(baseline, write_baseline), **rest)

    file = click.option("--baseline", metavar="FILE", help="Accept the findings in this file; only new ones count.")
    write = click.option("--write-baseline", is_flag=True, help="Write the present findings into that file.")
    return file(write(with_past))


def over_past(findings: Sequence[Finding], plan: Plan, past: Past, settings: LintSettings) -> tuple[Finding, ...]:
    """`findings`, those of the baseline accepted. What is gone from it is said; it is written first if so asked."""
    if past.file is None:
        return tuple(findings)
    from migsafe.lint.baseline import Baseline, gone, over_baseline, read_baseline, write_baseline

    if past.write:
        before = read_baseline(past.file) if Path(past.file).exists() else Baseline()
        known = write_baseline(past.file, findings, plan, before, settings.disable)
        print(f"migsafe: wrote {past.file}: {len(known.findings)} known findings", file=sys.stderr)
    else:
        known = read_baseline(past.file)
    lost = gone(findings, plan, known, settings.disable)
    if lost:
        named = [f"{each.rule} in {each.path}" for each in lost[:_NAMED]] + ["…"] * (len(lost) > _NAMED)
        print(
            f"migsafe: note: {len(lost)} of the baseline are gone ({'; '.join(named)}); --write-baseline drops them",
            file=sys.stderr,
        )
    return over_baseline(findings, known)
