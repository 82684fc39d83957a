"""docs/rules.md is written from the rules."""

from pathlib import Path

from migsafe.cli.docs import rules_page

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_page_of_the_rules_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == rules_page(), "run `python -m migsafe.cli.docs`"
