"""docs/locks.md is what was measured."""

from locks_page import PAGE, page


def test_the_page_of_locks_is_what_was_measured() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python tests/locks_page.py writes it anew"


def test_a_version_that_differs_has_a_column() -> None:
    lines = page().splitlines()
    row = next(line for line in lines if line.startswith("| rename trigger") or "RENAME TO" in line)
    assert row.count("|") >= 4
    assert any(line.startswith("| case | statement | 18 | 17") for line in lines)
