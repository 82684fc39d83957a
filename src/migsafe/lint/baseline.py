"""The findings that a project had before it began to lint: accepted as long as they stay what they are."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from migsafe.errors import UsageError
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan

_VERSION = 1
BECAUSE = "in the baseline"


class Known(msgspec.Struct, frozen=True):
    """A finding of the past. Only `fingerprint` is compared; the rest is for a reader, and tells what is gone."""

    fingerprint: str
    rule: str
    revision: str | None
    path: str | None
    direction: str = "upgrade"


class Baseline(msgspec.Struct, frozen=True):
    """The content of a baseline file."""

    version: int = _VERSION
    findings: tuple[Known, ...] = ()


def read_baseline(path: str) -> Baseline:
    """The baseline in the file. Raises UsageError where it is missing or none."""
    try:
        found = msgspec.json.decode(Path(path).read_bytes(), type=Baseline)
    except OSError as error:
        raise UsageError(
            f"the baseline {path} cannot be read: {error.strerror}",
            "Write it once: migsafe lint base:heads --baseline FILE --write-baseline.",
        ) from None
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is no baseline: {error}", "Write it anew with --write-baseline.") from None
    if found.version != _VERSION:
        raise UsageError(f"{path} is a baseline of version {found.version}", "Use a newer migsafe.")
    return found


def write_baseline(
    path: str, findings: Iterable[Finding], plan: Plan, before: Baseline, unasked: Sequence[str] = ()
) -> Baseline:
    """Write the open findings as the baseline, and keep of `before` what `plan` and the asked rules do not tell of."""
    fresh = {_known(each, plan.direction) for each in findings if each.ignored_because is None}
    kept = {each for each in before.findings if not _is_told_of(each, plan, unasked)}
    order = sorted(fresh | kept, key=lambda each: (each.path or "", each.rule, each.fingerprint))
    written = Baseline(findings=tuple(order))
    try:
        Path(path).write_bytes(msgspec.json.format(msgspec.json.encode(written), indent=2) + b"\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "Give --baseline a file in a folder.") from None
    return written


def over_baseline(findings: Iterable[Finding], baseline: Baseline) -> tuple[Finding, ...]:
    """`findings`, those of the baseline with `ignored_because`."""
    known = {each.fingerprint for each in baseline.findings}
    return tuple(
        msgspec.structs.replace(each, ignored_because=BECAUSE)
        if each.ignored_because is None and each.fingerprint in known
        else each
        for each in findings
    )


def gone(findings: Sequence[Finding], plan: Plan, baseline: Baseline, unasked: Sequence[str] = ()) -> tuple[Known, ...]:
    """What the baseline has of the revisions and files of `plan`, and is no more; rules in `unasked` tell nothing."""
    present = {each.fingerprint for each in findings}
    known = (each for each in baseline.findings if each.fingerprint not in present)
    return tuple(each for each in known if _is_told_of(each, plan, unasked))


def _known(finding: Finding, direction: str) -> Known:
    return Known(finding.fingerprint, finding.rule, finding.revision, finding.path, direction)


def _is_told_of(known: Known, plan: Plan, unasked: Sequence[str]) -> bool:
    if known.direction != plan.direction or known.rule in unasked:
        return False
    return any((step.revision or step.path) == (known.revision or known.path) for step in plan.steps)
