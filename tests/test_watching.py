"""The verdict of a watch is about all of its rounds, not only the last one."""

from collections.abc import Iterator

import pytest

from migsafe.model.checks import CheckResult, Status
from migsafe.proving.watching import watch


def result(status: Status) -> CheckResult:
    return CheckResult(check="declared", status=status, message="the share", sql="SELECT 1")


def watched(statuses: Iterator[Status], seconds: float = 0.2) -> tuple[CheckResult, list[str]]:
    changes: list[str] = []
    (verdict,) = watch(
        lambda: (result(next(statuses)),),
        seconds=seconds,
        every=0.001,
        changed=lambda each: changes.append(each.status),
        progress=lambda _text, _fraction: None,
    )
    return verdict, changes


def forever(*statuses: Status) -> Iterator[Status]:
    yield from statuses
    while True:
        yield statuses[-1]


@pytest.mark.parametrize(
    ("statuses", "status", "changes"),
    [
        (("passed",), "passed", []),
        (("passed", "blocked", "passed"), "warned", ["blocked", "passed"]),
        (("passed", "warned", "passed"), "warned", ["warned", "passed"]),
        (("warned",), "warned", ["warned"]),
        (("unknown",), "unknown", ["unknown"]),
    ],
)
def test_a_check_is_judged_by_all_rounds(statuses: tuple[Status, ...], status: str, changes: list[str]) -> None:
    verdict, told = watched(forever(*statuses))
    assert (verdict.status, told) == (status, changes)
    assert "rounds in 0 s" in verdict.message


def test_three_failures_in_a_row_end_the_watch_at_once() -> None:
    verdict, _ = watched(iter(("passed", "blocked", "passed", "blocked", "blocked", "blocked")), seconds=3600)
    assert verdict.status == "blocked"
    assert "3 of 6 rounds in" in verdict.message


def test_a_check_that_fails_in_the_last_round_has_failed() -> None:
    def failing_at_last() -> Iterator[Status]:
        yield "passed"
        yield "blocked"

    verdict, _ = watched(failing_at_last(), seconds=1e-9)
    assert verdict.status == "blocked"


def test_an_interrupted_watch_gives_the_verdict_so_far() -> None:
    def interrupted() -> Iterator[Status]:
        yield "passed"
        raise KeyboardInterrupt

    verdict, _ = watched(interrupted(), seconds=3600)
    assert verdict.message.endswith("(1 round in 0 s of 3600 s, then interrupted)")
