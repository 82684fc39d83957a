"""Round trips for a person and for a program."""

from collections import Counter

import msgspec

from migsafe.model.round_trip import RoundTrip, Verdict

_SHOWN = 5
_SAID: dict[Verdict, str] = {
    "exact": "downgrade() brings schema and rows back",
    "lossy": "downgrade() brings the schema back, and not all values",
    "wrong": "downgrade() is no way back",
    "empty": "downgrade() does nothing, and upgrade() does",
    "none": "there is no downgrade(), or it only raises",
    "nothing": "upgrade() changes no schema and no row here",
    "unknown": "upgrade() does not run on the scratch server, and what comes after it cannot be tried",
}
_NEXT: dict[Verdict, str] = {
    "wrong": "mend downgrade(); a derived one: migsafe undo-plan {revision}",
    "empty": "have one written: migsafe revision-downgrade {revision}",
    "none": "have one written, where there can be one: migsafe revision-downgrade {revision}",
    "unknown": "mend it; or, where it runs on yours, give --scratch-url a server like that",
}
_COLOURS: dict[Verdict, str] = {"exact": "green", "nothing": "dim", "lossy": "yellow", "none": "yellow"}
# What nobody could try is not known to be right.
REFUSED: frozenset[Verdict] = frozenset({"wrong", "empty", "unknown"})


def colour(trip: RoundTrip) -> str:
    """As rich names it."""
    return _COLOURS.get(trip.verdict, "red")


def lines(trip: RoundTrip) -> list[str]:
    """The verdict with the file, then what it rests on."""
    found = [f"{trip.path}: {_SAID[trip.verdict]}"]
    found += [trip.message] if trip.message else []
    facts = [*trip.differences, *(f"lost: {each}" for each in trip.lost)]
    found += facts[:_SHOWN] + ([f"and {len(facts) - _SHOWN} more"] if len(facts) > _SHOWN else [])
    if trip.reordered:
        found.append(f"columns come back in another order: {', '.join(trip.reordered)}")
    found += [f"{each}, as it may be" for each in trip.kept]
    if trip.rows_refused:
        without = "tables with rows, and was tried without" if trip.rows == "none" else "NULLs, and was tried without"
        found.append(f"upgrade() does not run on {without}: {trip.rows_refused}")
    if trip.new_rows_refused:
        found.append(f"downgrade() does not run once there are rows of the new shape: {trip.new_rows_refused}")
    found += [f"not tried on {name}: {why}" for name, why in trip.unfilled.items()]
    told = _NEXT.get(trip.verdict)
    return found + ([told.format(revision=trip.revision)] if told else [])


def summary(trips: tuple[RoundTrip, ...]) -> str:
    """`53 revisions tried: 44 exact, 5 lossy, 2 wrong, 2 nothing`."""
    counted = Counter(trip.verdict for trip in trips)
    listed = ", ".join(f"{counted[verdict]} {verdict}" for verdict in _SAID if counted[verdict])
    untried = sum(len(trip.untried) for trip in trips)
    rest = f"; {untried} not tried, because {trips[-1].revision} before them does not run" if untried else ""
    return f"{len(trips)} revision{'s' * (len(trips) != 1)} tried: {listed or 'none'}{rest}"


def ending(trips: tuple[RoundTrip, ...]) -> list[str]:
    """The summary, and once more the revisions to look at: in a long history they stand far apart."""
    faulty = {verdict: [trip.revision for trip in trips if trip.verdict == verdict] for verdict in _SAID}
    named = [f"{verdict}: {', '.join(faulty[verdict])}" for verdict in _SAID if verdict in REFUSED and faulty[verdict]]
    return [summary(trips), *named]


def as_json(trips: tuple[RoundTrip, ...]) -> bytes:
    """`{"version": 1, "round_trips": [...], "summary": {verdict: count}}`."""
    counted = Counter(trip.verdict for trip in trips)
    found = {"version": 1, "round_trips": trips, "summary": {each: counted[each] for each in _SAID}}
    return msgspec.json.format(msgspec.json.encode(found), indent=2)


def as_markdown(trips: tuple[RoundTrip, ...]) -> str:
    """A table, the worst first."""
    order = list(reversed(_SAID))
    rows = sorted(trips, key=lambda trip: order.index(trip.verdict))
    body = [f"| {trip.revision} | {trip.verdict} | {_cell(lines(trip))} |" for trip in rows]
    return "\n".join([f"{summary(trips)}.", "", "| revision | verdict | why |", "|---|---|---|", *body, ""])


def _cell(texts: list[str]) -> str:
    return "; ".join(texts).replace("|", "\\|").replace("\n", " ")
