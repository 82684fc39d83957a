"""docs/decisions: every dependency has a record that names its licence, and no licence binds those who import us."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RECORDS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
TEXT = "\n".join(record.read_text() for record in RECORDS).lower()


def names(requirements: list[str]) -> list[str]:
    return [match[0].lower() for line in requirements if (match := re.match(r"[\w.-]+", line))]


DEPENDENCIES = names(PYPROJECT["project"]["dependencies"])
EXTRAS = names([line for extra in PYPROJECT["project"]["optional-dependencies"].values() for line in extra])
TOOLS = names(PYPROJECT["dependency-groups"]["dev"])


def licence(distribution: str) -> str:
    metadata = importlib.metadata.metadata(distribution)
    fields = ["License-Expression", "License", "Classifier"]
    return " ".join(value for field in fields for value in metadata.get_all(field) or () if "\n" not in value)


@pytest.mark.parametrize("name", sorted({*DEPENDENCIES, *EXTRAS, *TOOLS} - {"alembic", "sqlalchemy"}))
def test_a_dependency_is_named_in_a_record(name: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", TEXT)


@pytest.mark.parametrize("name", [*DEPENDENCIES, *EXTRAS])
def test_a_dependency_does_not_bind_those_who_import_us(name: str) -> None:
    said = licence(name)
    assert re.search(r"MIT|BSD|Apache|LGPL", said), said
    assert not re.search(r"(?<!L)GPL|(?<!Lesser )General Public License", said), said


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_has_a_decision_and_the_check_that_keeps_it(record: Path) -> None:
    number, title, text = record.stem[:3], record.stem[4:], record.read_text()
    assert number.isdigit(), title
    assert text.startswith(f"# {number} ")
    assert re.search(r"^> \S", text, re.MULTILINE)
    assert re.search(r"^Checked by: \S", text, re.MULTILINE)


def test_the_records_are_numbered_without_gaps() -> None:
    assert [record.stem[:3] for record in RECORDS] == [f"{number:03}" for number in range(1, len(RECORDS) + 1)]
