from pathlib import Path

import pytest

from migsafe.formats.excerpt import excerpt


def marked(tmp_path: Path, source: str, line: int = 1, name: str = "revision.py") -> list[str] | None:
    path = tmp_path / name
    path.write_text(source, encoding="utf-8")
    found = excerpt(str(path), line)
    return None if found is None else list(found)


def test_the_outermost_call_is_marked(tmp_path: Path) -> None:
    assert marked(tmp_path, 'if True:\n\top.execute(sa.text("x")); y = 1\n', 2) == [
        'op.execute(sa.text("x")); y = 1',
        "^^^^^^^^^^^^^^^^^^^^^^^^",
    ]


def test_columns_count_characters_and_not_bytes(tmp_path: Path) -> None:
    assert marked(tmp_path, 'é = op.execute("ü")  # ö\n') == ['é = op.execute("ü")  # ö', "    ^^^^^^^^^^^^^^^"]


def test_a_call_over_several_lines_is_marked_to_the_end_of_its_first(tmp_path: Path) -> None:
    assert marked(tmp_path, 'op.create_index(\n    "ix",\n)\n') == ["op.create_index(", "^^^^^^^^^^^^^^^^"]


def test_without_a_call_the_line_is_marked(tmp_path: Path) -> None:
    assert marked(tmp_path, "  x = 1\n") == ["x = 1", "^^^^^"]
    assert marked(tmp_path, "DROP TABLE t;\n", name="drop.sql") == ["DROP TABLE t;", "^^^^^^^^^^^^^"]


@pytest.mark.parametrize(("source", "line"), [("x()\n", 2), ("x()\n", 0), ("\n\n", 1)])
def test_a_line_that_is_not_there_has_no_excerpt(tmp_path: Path, source: str, line: int) -> None:
    assert marked(tmp_path, source, line) is None


def test_a_file_that_cannot_be_read_has_no_excerpt(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"# \xe9\nx()\n")
    assert excerpt(str(tmp_path / "latin.py"), 2) is None
    assert excerpt(str(tmp_path / "gone.py"), 1) is None
    assert excerpt(str(tmp_path), 1) is None
    assert excerpt(None, 1) is None
