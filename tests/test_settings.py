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
        ('[lint]\nfail_on = "no"', "lint.fail_on: Invalid enum value 'no'; it is error, warning, info or never"),
        ("lint = 3", "lint: Expected `object`, got `int`"),
        ("tool = 3", "unknown key tool"),
        ("[tool]\nmigsafe = 3", "tool.migsafe is not a table"),
        ("a = = b", "Invalid value"),
        ("[lint]\nfailon = 1", "migsafe.toml: unknown key lint.failon"),
        ('[[check]]\nname = "a"\nsqll = "x"', "migsafe.toml: unknown key check.sqll"),
        ('[[check]]\nname = "a"', "check a asks nothing"),
        ('[[check]]\nname = "a"\nsql = "x"\nhttp = "y"', "check a asks 2 things (sql, http)"),
        ('[[check]]\nname = "a"\nhttp = "x"\nexpect = "y"', "check a: expect is for sql, and this one asks by http"),
        ('[[check]]\nsql = "x"', "check.name: None is no name"),
        ('[[check]]\nname = "a"\nenv = "x"\n[[check]]\nname = "a"\nenv = "y"', "there are two checks a"),
        (
            '[[check]]\nname = "a"\nsql = "x"\nphase = "x"',
            "check[0].phase: Invalid enum value 'x'; it is before or after",
        ),
        ('[[check]]\nname = "a"\nsql = "x"\nseverity = "x"', "it is blocked or warned"),
        ('[[check]]\nname = "a"\nsql = "x"\ntimeout = "x"', "check a: 'x' is not a duration"),
        ("check = 3", "check: Expected `array`, got `int`"),
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
