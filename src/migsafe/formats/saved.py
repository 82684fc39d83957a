"""What was saved, what a restore would do, and what it did, for a person."""

from collections.abc import Sequence

from migsafe.formats import words
from migsafe.formats.lines import Pipe, heading, say
from migsafe.model.report import Saved
from migsafe.model.restored import Conflict, Counts, Intended, Restored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.console import Console

_SHOWN = 12


def saved(found: Saved, console: "Console | Pipe") -> None:
    """What `migsafe restore` can put back, until when, and what it cannot."""
    for line in sentences(found):
        say(console, line, indent=2, hang=4)


def sentences(found: Saved) -> tuple[str, ...]:
    """The same as lines."""
    rows, size = sum(each.rows for each in found.parts), sum(each.bytes for each in found.parts)
    until = f"kept until {found.expires[:10]}"
    where = words.near(found.path)
    lines = [f"saved: {words.count(rows, 'row')}, {words.size(size)}, in {where}, {until}"]
    lines += [
        f"  {each.what}: {words.count(each.rows, 'row')}, {words.size(each.bytes)}" for each in found.parts[:_SHOWN]
    ]
    if len(found.parts) > _SHOWN:
        lines.append(f"  and {len(found.parts) - _SHOWN} more, in the report")
    lines += [f"not saved: {each.what}: {each.because}" for each in found.unsaved]
    return tuple(lines)


def intended(found: Intended, console: "Console | Pipe", *, dry: bool = True) -> None:
    """The plan of a restore; `dry` when it ends with that."""
    heading(console, "Restore", "a dry run: nothing was changed" if dry else "not begun: nothing was changed")
    _listed(console, "makes again", found.objects)
    _listed(console, "runs", found.columns)
    _listed(console, "restores", found.rows)
    _listed(console, "cannot put back", found.gone)
    if not any((found.objects, found.columns, found.rows, found.gone)):
        say(console, "nothing: everything that was saved is there", indent=2)
    say(console, (f"kept until {found.expires[:10]}", "dim"), indent=2)


def _listed(console: "Console | Pipe", title: str, lines: Sequence[str]) -> None:
    for line in lines:
        say(console, (f"{title}: ", "dim"), line, indent=2, hang=4)


def restored(found: Restored, console: "Console | Pipe") -> None:
    """What was put back, what was kept, and what is in conflict."""
    heading(console, "Restore", counted(found.counts))
    for part in found.parts:
        say(console, f"{part.what}: {part.because or counted(part.counts)}", indent=2, hang=4)
    _listed(console, "made again", found.made)
    for conflict in found.first:
        say(console, ("conflict: ", "yellow"), _conflict(conflict), indent=2, hang=4)
    if found.conflicts:
        say(console, ("all of them: ", "dim"), words.near(found.conflicts), indent=2, fold=False)
    for note in found.notes:
        say(console, ("not as before: ", "bold yellow"), note, indent=2, hang=4)
    for doubt in found.doubts:
        say(console, ("not known: ", "yellow"), doubt, indent=2, hang=4)
    for line in found.said:
        say(console, line, indent=2, hang=4)
    headline = "Done: everything that was saved is back." if found.wholly else "Done, but not everything is as before."
    console.print()
    say(console, (headline, "bold green" if found.wholly else "bold yellow"))


def counted(counts: Counts) -> str:
    """`120 restored, 3 kept, 1 conflicting`: how many rows of each, those of none left out but for the first."""
    more = (("kept", counts.kept), ("conflicting", counts.conflicting), ("deleted since", counts.gone))
    return ", ".join([f"{counts.restored:,} restored", *(f"{number:,} {word}" for word, number in more if number)])


def _conflict(conflict: Conflict) -> str:
    key = ", ".join(f"{name} = {value}" for name, value in conflict.key.items()) or "a row"
    now = conflict.now or {}
    changed = [name for name, value in conflict.saved.items() if conflict.now is not None and now.get(name) != value]
    values = "; ".join(
        f"{name} was {words.one_line(str(conflict.saved[name]), 40)}, is {words.one_line(str(now.get(name)), 40)}"
        for name in changed
    )
    return f"{conflict.what}, {key}: {conflict.because}{f' ({values})' if values else ''}"
