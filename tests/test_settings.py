"""Settings: each mistake in the file is one sentence with the key, and what to write instead."""

from pathlib import Path

import pytest

from migsafe.errors import UsageError
from migsafe.settings import Settings, load, with_wishes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lock_timout = 1", "unknown key lock_timout"),
        ('lock_timeout = "soon"', "'soon' is not a duration"),
        ('backup = "maybe"', "backup: Invalid enum value 'maybe'; it is dump, evidence or none"),
        ('backup_jobs = "four"', "backup_jobs: Expected `int`, got `str`"),
        ("backup_jobs = 0", "backup_jobs: 0 is not a number of jobs"),
        ('[lint]\nfail_on = "never"', "lint.fail_on: Invalid enum value 'never'; it is error, warning or info"),
        ("lint = 3", "lint: Expected `object`, got `int`"),
        ("tool = 3", "unknown key tool"),
        ("[tool]\nmigsafe = 3", "tool.migsafe is not a table"),
        ("a = = b", "Invalid value"),
    ],
)
def test_a_mistake_is_named_with_its_key(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "migsafe.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load(tmp_path)
    assert caught.value.message.startswith(f"{tmp_path / 'migsafe.toml'}: ")
    assert message in caught.value.message
    assert caught.value.remedy


def test_a_program_wishes_as_a_file_does() -> None:
    settings = Settings(runs="var/runs", source="migsafe.toml")
    wished = with_wishes(settings, {"lock_timeout": "250ms", "deadline": 3, "backup": "none"})
    assert (wished.lock_timeout, wished.deadline, wished.backup) == (0.25, 3.0, "none")
    assert (wished.runs, wished.source) == ("var/runs", "migsafe.toml")
    with pytest.raises(UsageError, match="unknown key lock_timout"):
        with_wishes(settings, {"lock_timout": 1})
