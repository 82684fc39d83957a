"""The ways back of revisions, for a person and as JSON."""

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from migsafe.formats.words import one_line
from migsafe.model.inverse import Inverse, Undone, WayBack

_WIDTH = 116
_OWN = {
    "missing": "it has none",
    "empty": "it sends nothing, and upgrade() changes the schema",
    "raises": "it raises",
    "unreadable": "it cannot be told without running it",
    "exact": "exact, as far as can be told without running it",
    "lossy": "it restores the schema, not the data that upgrade() destroys",
    "differs": "WRONG: the schema afterwards is not the one before",
}


def text(ways: Iterable[WayBack]) -> str:
    """Revision by revision: the verdict on downgrade(), and the inverse of every statement."""
    listed = tuple(ways)
    if not listed:
        return "There is nothing to undo: no revision stands between.\n"
    lines = [line for way in listed for line in _revision(way)]
    return "\n".join([*lines, *_summary(listed)]) + "\n"


def _revision(way: WayBack) -> Iterator[str]:
    back = ", ".join(way.down_revisions) or "base"
    yield f"revision {way.revision} -> {back}" + (f": {one_line(way.doc, 80)}" if way.doc else "")
    yield f"  own downgrade(): {_OWN.get(way.own, way.own)}"
    for because in way.own_because[:8]:
        yield from _wrapped(because, "    - ")
    yield f"  derived: {way.derived}"
    for undone in way.undone:
        yield from _undone(undone)
    if way.own_sql and way.own != "exact":
        yield "  downgrade() sends:"
        yield from (f"    {one_line(sql, _WIDTH - 4)}" for sql in way.own_sql)
    yield ""


def _undone(undone: Undone) -> Iterator[str]:
    inverse = undone.inverse
    if inverse == Inverse("exact"):
        return
    line = undone.place.rpartition(":")[2]
    place = f"line {line}" if line.isdecimal() else undone.place
    yield f"    {place}  {one_line(undone.sql, _WIDTH - len(place) - 6)}"
    if not inverse.commands:
        yield f"      {inverse.kind}: {_nothing(inverse)}"
    for number, command in enumerate(inverse.commands):
        head = f"{inverse.kind}: " if number == 0 else " " * (len(inverse.kind) + 2)
        apart = "  -- outside the transaction" if command.apart else ""
        yield f"      {head}{one_line(command.sql, _WIDTH - 24)};{apart}"
    if inverse.commands:
        for lost in inverse.loses:
            yield from _wrapped(f"loses {lost}", "        ")
    for discard in inverse.discards:
        said = "fails with" if discard.blocks else "discards"
        yield from _wrapped(f"{said} {discard.what}", "        ")


def _nothing(inverse: Inverse) -> str:
    if inverse.kind == "exact":
        return "nothing to undo"
    return inverse.because if inverse.kind == "impossible" else f"no SQL brings back {inverse.because}"


def _wrapped(line: str, indent: str) -> list[str]:
    return textwrap.wrap(" ".join(line.split()), _WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent))


def _summary(ways: tuple[WayBack, ...]) -> Iterator[str]:
    own = ", ".join(f"{_count(ways, 'own', word)} {word}" for word in _OWN if _count(ways, "own", word))
    kinds = ("exact", "lossy", "impossible")
    derived = ", ".join(f"{_count(ways, 'derived', word)} {word}" for word in kinds if _count(ways, "derived", word))
    yield f"{len(ways)} revision{'s' if len(ways) > 1 else ''}: downgrade() {own}; derived {derived}."
    writable = [
        way.revision for way in ways if way.own in ("missing", "empty", "raises") and way.derived != "impossible"
    ]
    if writable:
        yield f"Write one: migsafe revision-downgrade {writable[0]}"


def _count(ways: tuple[WayBack, ...], field: str, word: str) -> int:
    return sum(getattr(way, field) == word for way in ways)


def as_json(ways: Iterable[WayBack]) -> dict[str, Any]:
    """The same as a value for JSON."""
    return {"version": 1, "revisions": [_json(way) for way in ways]}


def _json(way: WayBack) -> dict[str, Any]:
    return {
        "revision": way.revision,
        "down_revisions": way.down_revisions,
        "path": way.path,
        "own": {"verdict": way.own, "because": way.own_because, "sql": way.own_sql},
        "derived": {
            "verdict": way.derived,
            "statements": [
                {
                    "place": each.place,
                    "sql": each.sql,
                    "verdict": each.inverse.kind,
                    "inverse": [{"sql": c.sql, "in_transaction": not c.apart} for c in each.inverse.commands],
                    "because": each.inverse.loses,
                    "discards": [{"what": d.what, "count": d.count, "fails": d.blocks} for d in each.inverse.discards],
                }
                for each in way.undone
            ],
        },
    }
