"""`migsafe verify --round-trip`: each revision up, down and up again."""

from migsafe.cli.options import Choices, Globals


def try_round_trips(given: Globals, choices: Choices, what: str) -> int:
    """Try what `what` means (all, REVISION, FROM:TO) and print each verdict as it comes; 5 when one is no way back."""
    from migsafe.cli.opened import opened
    from migsafe.cli.terminal import Terminal
    from migsafe.formats import round_trip
    from migsafe.proving.round_trip import trips_of

    environment, settings = opened(given, choices)
    found = []
    with Terminal(yes=True, printing=choices.format == "text", quiet=given.quiet) as terminal:
        for trip in trips_of(environment, settings, what, terminal.progress):
            found.append(trip)
            terminal.show_lines(trip.verdict, round_trip.colour(trip), round_trip.lines(trip))
        trips = tuple(found)
        terminal.show_lines("", "", round_trip.ending(trips))
    if choices.format == "json":
        print(round_trip.as_json(trips).decode())
    elif choices.format == "markdown":
        print(round_trip.as_markdown(trips), end="")
    return 5 if any(trip.verdict in round_trip.REFUSED for trip in trips) else 0
