import pytest

from example_reports import REPORTS, made
from migsafe.formats import words
from migsafe.model.run import Blocker


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.00 s"),
        (0.412, "0.41 s"),
        (9.94, "9.9 s"),
        (12.4, "12 s"),
        (59.6, "1 min"),
        (200.0, "3 min 20 s"),
        (3599.6, "1 h"),
        (7500.0, "2 h 5 min"),
        (47 * 3600.0, "47 h"),
        (76 * 3600.0, "3 d 4 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 kB"), (310 * 1024**2, "310 MB"), (2 * 1024**4, "2.0 TB")],
)
def test_a_size_is_in_powers_of_1024(count: int, text: str) -> None:
    assert words.size(count) == text


def test_numbers_and_lists_are_english() -> None:
    assert words.count(1, "revision") == "1 revision"
    assert words.count(2, "index") == "2 indexes"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed([]) == "nothing"


def test_long_sql_is_cut_to_one_line() -> None:
    assert words.one_line("SELECT 1,\n       2", 10) == "SELECT 1,…"


def test_what_this_role_may_not_see_of_a_session_is_said_to_be_so() -> None:
    assert words.blocker(Blocker(pid=12)) == "pid 12 (state not visible to this role) is in the way"
    prepared = Blocker(pid=0, gid="two", relation="public.t", mode="ShareLock", age=60.0, state="prepared")
    assert words.blocker(prepared) == "prepared transaction 'two' (prepared for 1 min) holds SHARE on public.t"


def test_a_report_that_has_not_ended_has_no_duration() -> None:
    assert words.elapsed(REPORTS["done"]) == 50.0
    assert words.elapsed(made(ended="")) is None
    assert words.elapsed(made(started="2026-01-31T02:13:07", ended="2026-01-31T02:13:08+00:00")) is None


def test_times_are_read_by_people() -> None:
    assert words.time("2026-01-31T02:13:07.123+00:00") == "2026-01-31 02:13:07 UTC"
    assert words.time("yesterday") == "yesterday"
