import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from migsafe.cli.init import configuration, is_alembics, write
from migsafe.errors import UsageError
from migsafe.settings import Settings, load

DEFAULTS = Settings()


def uncommented(text: str) -> str:
    return re.sub(r"^#(?=\w+ = )", "", text, flags=re.MULTILINE)


def loaded(folder: Path) -> Settings:
    found = load(folder)
    lint = msgspec.structs.replace(found.lint, directory=".", source=None)
    return msgspec.structs.replace(found, directory=".", source=None, lint=lint)


@pytest.mark.parametrize("name", ["migsafe.toml", "pyproject.toml"])
def test_what_is_written_loads_to_the_defaults_with_and_without_its_comments(tmp_path: Path, name: str) -> None:
    if name == "pyproject.toml":
        (tmp_path / name).write_text('[project]\nname = "shop"')
    path = write(tmp_path)
    assert path == tmp_path / name
    assert loaded(tmp_path) == DEFAULTS
    text = path.read_text()
    path.write_text(uncommented(text))
    assert len(tomllib.loads(path.read_text())) > len(tomllib.loads(text)) or name == "pyproject.toml"
    assert load(tmp_path).source == str(path)
    assert loaded(tmp_path) == DEFAULTS


def test_every_key_is_there_with_its_default_or_an_example_and_why() -> None:
    text = configuration()
    for name, value in msgspec.structs.asdict(DEFAULTS).items():
        if name not in ("directory", "source", "lint"):
            line = rf"# Not set; for example: {name} = " if value is None else rf"#{name} = "
            assert re.search(rf"^# [^\n]+\.\n(# For example: [^\n]+\n)?{line}", text, re.MULTILINE), name
    for name, value in msgspec.structs.asdict(DEFAULTS.lint).items():
        if name not in ("directory", "source"):
            line = rf"^# Not set; for example: {name} = " if value is None else rf"^#{name} = "
            assert re.search(line, text.split("[lint]")[1], re.MULTILINE), name


def test_every_example_can_be_taken_over(tmp_path: Path) -> None:
    examples = re.sub(r"^# (?:Not set; for|For) example: ", "", configuration(), flags=re.MULTILINE)
    (tmp_path / "migsafe.toml").write_text(examples)
    settings = load(tmp_path)
    assert settings.backup == "dump"
    assert settings.declared_free == 500 * 1024**3
    assert settings.lint.severity == {"drop-column": "warning"}


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
def test_what_was_in_pyproject_stays_as_it_was(tmp_path: Path, end: str) -> None:
    before = f'[project]\nname = "ü"  # mine{end}'.replace("\n", "\r\n" if end == "\r\n" else "\n").encode()
    if end == "\r\n":
        before = before.replace(b"\r\r", b"\r")
    (tmp_path / "pyproject.toml").write_bytes(before)
    write(tmp_path)
    after = (tmp_path / "pyproject.toml").read_bytes()
    assert after.startswith(before)
    assert (b"\r\n" in after) == (end == "\r\n")
    assert after.count(b"\r\n") in (0, after.count(b"\n"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("migsafe.toml", ""),
        ("pyproject.toml", "[tool.migsafe]\n"),
        ("pyproject.toml", 'tool.migsafe.runs = "r"\n'),
        ("pyproject.toml", "[tool.migsafe.lint]\n"),
        ("pyproject.toml", "[broken\n"),
        ("pyproject.toml", "tool = {}\n"),
    ],
)
def test_nothing_that_is_there_is_written_over(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError) as error:
        write(tmp_path)
    assert error.value.remedy
    assert (tmp_path / name).read_text() == content
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("arguments", "theirs"), [("", False), ("--help", False), ("migrations", True), ("-t x", True)]
)
def test_init_with_a_directory_is_alembics(arguments: str, theirs: bool) -> None:
    assert is_alembics(arguments.split()) is theirs
