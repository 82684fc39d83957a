"""The same questions asked again and again after a deployment, and the verdict of all rounds."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec

from migsafe.model.checks import CheckResult

# Once may be the deployment itself; a check that fails in three rounds one after the other has failed.
_IN_A_ROW = 3

Answers = tuple[CheckResult, ...]
Key = tuple[str, str | None, str | None, str]


class Watched(msgspec.Struct):
    """What a check gave so far: mutable, it grows by each round. `bad` are the times at which it failed."""

    last: CheckResult
    rounds: int = 0
    warned: int = 0
    in_a_row: int = 0
    bad: list[str] = []


def watch(
    ask: Callable[[], Answers],
    *,
    seconds: float,
    every: float,
    changed: Callable[[CheckResult], None],
    progress: Callable[[str, float | None], None],
) -> Answers:
    """Ask for `seconds`, once in `every` seconds and at least twice, and give the verdict on each check.

    A check that failed and holds again is `warned`, one that fails in the last round or in three rounds in a row is
    `blocked`; the latter ends the watch at once. `changed` gets each answer that is of another status than the one
    before. Ctrl-C ends the watch early: the verdict is of the rounds until then, and says so.
    """
    seen: dict[Key, Watched] = {}
    began = time.monotonic()
    rounds = 0
    interrupted = False
    try:
        while True:
            rounds += 1
            for result in ask():
                _note(seen, result, changed)
            left = began + seconds - time.monotonic()
            if any(each.in_a_row >= _IN_A_ROW for each in seen.values()) or (left <= 0 and rounds > 1):
                break
            progress(f"watching: round {rounds}, {_standing(seen)}", min(1.0, 1 - max(0.0, left) / seconds))
            time.sleep(every if left > 0 else 0)
    except KeyboardInterrupt:
        interrupted = True
    took = time.monotonic() - began
    return tuple(_verdicts(seen, took, seconds if interrupted else None))


def _note(seen: dict[Key, Watched], result: CheckResult, changed: Callable[[CheckResult], None]) -> None:
    key = (result.check, result.subject, result.sql, result.evidence.get("expected", ""))
    known = seen.get(key)
    before = known.last.status if known is not None else "passed"
    if known is None:
        known = seen[key] = Watched(result)
    known.last, known.rounds = result, known.rounds + 1
    known.warned += result.status == "warned"
    known.in_a_row = known.in_a_row + 1 if result.refuses else 0
    if result.refuses:
        known.bad.append(f"{datetime.now(UTC):%H:%M:%S}")
    if result.status != before:
        changed(result)


def _standing(seen: dict[Key, Watched]) -> str:
    failing = sum(each.last.refuses for each in seen.values())
    return f"{len(seen) - failing} of {len(seen)} checks hold"


def _verdicts(seen: dict[Key, Watched], took: float, cut: float | None) -> Iterator[CheckResult]:
    for each in seen.values():
        rounds = f"{each.rounds} round{'s' * (each.rounds != 1)} in {took:.0f} s"
        rounds += f" of {cut:.0f} s, then interrupted" if cut is not None else ""
        result = each.last
        if result.refuses:
            since = f" It has failed since {each.bad[-each.in_a_row]} UTC, {each.in_a_row} of {rounds}."
            yield msgspec.structs.replace(result, message=result.message + since)
        elif each.bad:
            when = f"at {each.bad[0]} UTC" if len(each.bad) == 1 else f"between {each.bad[0]} and {each.bad[-1]} UTC"
            message = f"{result.message}; it failed {len(each.bad)} of {rounds}, {when}, and holds now"
            yield msgspec.structs.replace(result, status="warned", message=message)
        elif each.warned and result.status == "passed":
            message = f"{result.message}; a warning in {each.warned} of {rounds}"
            yield msgspec.structs.replace(result, status="warned", message=message)
        else:
            yield msgspec.structs.replace(result, message=f"{result.message} ({rounds})")
