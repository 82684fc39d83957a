"""Preflight as a list to go through and sign: one line to sign a group, the worst group first."""

from collections.abc import Iterator, Sequence

from migsafe.formats import markup, words
from migsafe.formats.outcome import tally
from migsafe.model.checks import CheckResult

WORST_FIRST = ("blocked", "unknown", "warned", "skipped", "passed")


def shown_status(result: CheckResult) -> str:
    """The status, or `skipped` where the operator overruled it."""
    return "skipped" if result.skipped_because is not None else result.status


def by_group(results: Sequence[CheckResult]) -> dict[str, list[CheckResult]]:
    """The results of each group, the group with the worst first, and the worst first in each."""
    groups: dict[str, list[CheckResult]] = {}
    for result in sorted(results, key=lambda each: (WORST_FIRST.index(shown_status(each)), each.check)):
        groups.setdefault(result.group, []).append(result)
    return groups


def checklist(results: Sequence[CheckResult], title: str = "Preflight") -> list[str]:
    """The lines of the section; none without results."""
    if not results:
        return []
    lines = [f"## {title}", "", f"{tally(results)}."]
    for group, members in by_group(results).items():
        lines += ["", f"### {markup.text(group or 'other')}", ""]
        lines += [line for member in members for line in _item(member)]
        signed = "signed: ____________________ date: ____________"
        lines += ["", f"- [ ] **{markup.text(group or 'other')}**: {tally(members)}. {signed}"]
    return lines


def _item(result: CheckResult) -> Iterator[str]:
    status = shown_status(result)
    about = f"{markup.code(result.subject)}: " if result.subject and result.subject not in result.message else ""
    label = status if status == "passed" else f"**{status}**"
    yield f"- {label} {markup.code(result.check)}: {about}{markup.text(result.message)}"
    if result.skipped_because is not None:
        yield f"  Skipped because {markup.text(result.skipped_because)}"
    elif status != "passed":
        required = "Required, so it refuses. " if result.required and status == "unknown" else ""
        remedy = markup.prose(words.one_line(result.remedy, None)) if result.remedy else ""
        if required or remedy:
            yield f"  {required}{f'Remedy: {remedy}' if remedy else ''}".rstrip()
