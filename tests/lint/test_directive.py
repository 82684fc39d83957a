"""One comment: what it accepts, and what makes it accept nothing."""

import datetime

import pytest

from migsafe.lint.directive import directives

DAY = datetime.date(2027, 1, 31)


@pytest.mark.parametrize(
    ("comment", "rules", "reason", "until"),
    [
        ("# migsafe: ignore[drop-table] gone since May", ("drop-table",), "gone since May", None),
        ("#migsafe:ignore[drop-table]gone", ("drop-table",), "gone", None),
        ("# migsafe: ignore[drop-table, drop-column] both (#12)", ("drop-table", "drop-column"), "both (#12)", None),
        ("# migsafe: ignore[drop-table] until=2027-01-31 small", ("drop-table",), "small", DAY),
        ("# migsafe: ignore[drop-table] small until=2027-01-31", ("drop-table",), "small", DAY),
        (
            "# migsafe: ignore[drop-table] only in upgrade() (until=2027-01-31)",
            ("drop-table",),
            "only in upgrade()",
            DAY,
        ),
        ("# migsafe: ignore[drop-table] it expires 30 days later", ("drop-table",), "it expires 30 days later", None),
        ("# migsafe: ignore[drop-table]: small  # noqa: E501", ("drop-table",), "small", None),
        ("# noqa: E501  # migsafe: ignore[drop-table] small", ("drop-table",), "small", None),
        ("migsafe: ignore[drop-table] from SQL", ("drop-table",), "from SQL", None),
    ],
)
def test_a_comment_names_rules_reason_and_day(
    comment: str, rules: tuple[str, ...], reason: str, until: datetime.date | None
) -> None:
    [found] = directives(comment)
    assert (found.problem, found.rules, found.reason, found.until) == (None, rules, reason, until)


@pytest.mark.parametrize("said", ["", "  ", " # noqa", " ...", " until=2027-01-31", " — "])
def test_what_says_nothing_is_no_reason(said: str) -> None:
    [found] = directives(f"# migsafe: ignore[drop-table]{said}")
    assert (found.problem, found.reason) == (None, "")


@pytest.mark.parametrize(
    "comment",
    [
        "# migsafe: ignore drop-table because",
        "# migsafe ignore[drop-table] because",
        "# migsafe: Ignore[drop-table] because",
        "# migsafe: ignore[drop-table because",
        "# migsafe: ignore[] because",
        "# migsafe: ignore[drop-table,] because",
        "# migsafe: ignore [drop-table] because",
        "# migsafe: ignore-line[drop-table] because",
        "# migsafe: noqa[drop-table] because",
        "# migsafe: ignore",
        "# migsafe: ignore[drop-table] because until=2027-02-31",
        "# migsafe: ignore[drop-table] because until=tomorrow",
        "# migsafe: ignore[drop-table] because until=20270131",
        "# migsafe: ignore[drop-table] because until 2027-01-31",
        "# migsafe: ignore[drop-table] because until: 2027-01-31",
        "# migsafe: ignore[drop-table] a until=2027-01-31 until=2028-01-31",
    ],
)
def test_what_cannot_be_read_accepts_nothing_and_says_so(comment: str) -> None:
    [found] = directives(comment)
    assert found.problem is not None
    assert found.rules == ()


@pytest.mark.parametrize(
    "comment",
    ["# migsafe refuses this without a reason", "# migsafe: see the guide", "# see migsafe: ignore[x] y", "# noqa"],
)
def test_prose_is_no_directive(comment: str) -> None:
    assert directives(comment) == ()


def test_two_in_one_comment_are_two() -> None:
    found = directives("# migsafe: ignore[drop-table] gone  # migsafe: ignore[drop-column] unused")
    assert [(each.rules, each.reason) for each in found] == [(("drop-table",), "gone"), (("drop-column",), "unused")]
