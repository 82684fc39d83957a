"""What revisions declare is found with its line, and what is wrong with a declaration is said."""

from pathlib import Path

import pytest

from fix_stories import EnterStory, write_revision
from migsafe.model.declared import Declared
from migsafe.proving.declared import declared_of
from migsafe.revisions.config import open_environment
from migsafe.revisions.declared import applied, named

HEAD = "c05b3e86d7f1"


@pytest.fixture
def folder(enter_story: EnterStory) -> Path:
    return enter_story("generic")


def declare(folder: Path, text: str) -> Path:
    """A revision f01 with this verify()."""
    path = write_revision(folder, "f01", HEAD, "pass")
    path.write_text(path.read_text() + "\n\n" + text, encoding="utf-8")
    return path


def declared(*revisions: str) -> tuple[Declared, ...]:
    return declared_of(open_environment(), revisions)


def test_every_method_is_one_question_with_its_line(folder: Path) -> None:
    path = declare(
        folder,
        "def verify(check):\n"
        '    check.value("SELECT count(*) FROM t;", equals=3, name="three")\n'
        '    check.value("SELECT 1", at_least=1, at_most=5, warn_below=2)\n'
        '    check.value("SELECT word", equals="3 rows")\n'
        '    check.no_rows("SELECT 1 WHERE false", timeout=2)\n'
        '    check.rows("SELECT 1", at_least=2)\n'
        '    check.rows("SELECT 1", exactly=1)\n'
        '    check.share("SELECT true", at_least=0.95, warn_below=0.99)\n'
        '    check.vector_dimensions("chat_messages.embedding", 1536)\n'
        '    check.uses_index("SELECT 1", "ix", within_ms=100, warn_above_ms=50)\n',
    )
    first = path.read_text().splitlines().index("def verify(check):") + 2
    found = declared("f01")
    assert {each.revision for each in found} == {"f01"}
    assert [int(each.place.rpartition(":")[2]) - first for each in found] == [0, 1, 1, 2, 3, 4, 5, 6, 7, 8]
    assert [(each.how, each.sql, each.expect, each.warn) for each in found] == [
        ("value", "SELECT count(*) FROM t", "== 3", None),
        ("value", "SELECT 1", ">= 1", ">= 2"),
        ("value", "SELECT 1", "<= 5", None),
        ("value", "SELECT word", "== '3 rows'", None),
        ("value", "SELECT 1 WHERE false", "no rows", None),
        ("value", "SELECT 1", "at least 2 rows", None),
        ("value", "SELECT 1", "1 rows", None),
        ("share", "SELECT true", ">= 0.95", ">= 0.99"),
        ("dimensions", "dimensions of the vectors in chat_messages.embedding", "1536", None),
        ("index", "SELECT 1", "<= 100", "<= 50"),
    ]
    assert (found[0].name, found[4].timeout, found[8].subject, found[9].subject) == (
        *("three", 2),
        *("chat_messages.embedding", "ix"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def verify():\n    pass\n", "verify() takes one argument, the check: def verify(check)"),
        ("def verify(check):\n    check.value('SELECT 1')\n", "TypeError: check.value() needs equals=, at_least="),
        ("def verify(check):\n    check.no_row('SELECT 1')\n", "AttributeError: 'Check' object has no attribute"),
        ("def verify(check):\n    raise KeyError('a')\n", "verify() raised KeyError: 'a'"),
    ],
)
def test_a_broken_declaration_is_an_answer(folder: Path, text: str, said: str) -> None:
    declare(folder, text)
    (found,) = declared("f01")
    assert found.how == "broken"
    assert said in found.sql


def test_a_verify_that_a_revision_imports_is_not_its_own(folder: Path) -> None:
    declare(folder, "from os.path import join as verify\n")
    assert declared("f01") == ()


def test_files_are_found_by_the_revision_in_their_name(folder: Path) -> None:
    declare(folder, "")
    place = folder / "migrations" / "verify"
    place.mkdir()
    (place / "f01_names.sql").write_text("SELECT true;\nSELECT 1 WHERE false;\n", encoding="utf-8")
    (place / "f0.sql").write_text("SELECT true", encoding="utf-8")
    assert [(each.sql, each.expect, each.place, each.how) for each in declared("f01")] == [
        ("SELECT true", "true or no rows", "migrations/verify/f01_names.sql:1", "value"),
        ("SELECT 1 WHERE false", "true or no rows", "migrations/verify/f01_names.sql:2", "value"),
        (*("no revision has the id that this file is named after: migrations/verify/f0.sql",), *("true",),
         "migrations/verify/f0.sql", "broken"),
    ]  # fmt: skip
    assert [each.how for each in declared(HEAD)] == ["broken"]


def test_only_what_the_database_has_is_applied(folder: Path) -> None:
    declare(folder, "")
    environment = open_environment()
    assert named(environment, HEAD[:4]) == (HEAD,)
    assert applied(environment, (HEAD,), ["f01", HEAD]) == (HEAD,)
    assert applied(environment, ()) == ()
    assert applied(environment, ("f01",))[-2:] == (HEAD, "f01")
