from pathlib import Path

import pytest

from migsafe.formats.frame import Files, Span, frame, span


def marked(source: str, line: int = 1, name: str = "revision.py", sql: str | None = None) -> list[str] | None:
    """The line of the span as it is shown, and the mark under it."""
    found = span(name, line, Files({name: source}), sql)
    if found is None:
        return None
    framed = frame(source, found)
    return [dict(framed.lines)[framed.marked], framed.mark]


def test_the_outermost_call_is_marked() -> None:
    assert marked('if True:\n\top.execute(sa.text("x")); y = 1\n', 2) == [
        '    op.execute(sa.text("x")); y = 1',
        "    ^^^^^^^^^^^^^^^^^^^^^^^^",
    ]


def test_columns_count_characters_and_not_bytes() -> None:
    assert marked('é = op.execute("ü")  # ö\n') == ['é = op.execute("ü")  # ö', "    ^^^^^^^^^^^^^^^"]
    assert span("a.py", 1, Files({"a.py": 'é = op.execute("ü")  # ö\n'})) == Span(1, 5, 1, 20)


def test_a_call_over_several_lines_is_shown_whole_and_marked_in_its_first() -> None:
    source = 'def upgrade():\n    op.create_index(\n        "ix",\n    )\n    op.drop_table("t")\n'
    found = span("a.py", 2, Files({"a.py": source}))
    assert found == Span(2, 5, 4, 6)
    framed = frame(source, found)
    assert framed.lines == (
        (1, "def upgrade():"),
        (2, "    op.create_index("),
        (3, '        "ix",'),
        (4, "    )"),
        (5, '    op.drop_table("t")'),
    )
    assert framed.mark == "    ^^^^^^^^^^^^^^^^"


def test_of_a_very_long_call_the_first_lines_are_shown() -> None:
    source = "op.bulk_insert(\n" + "    x,\n" * 50 + ")\n"
    found = span("a.py", 1, Files({"a.py": source}))
    assert found is not None
    assert len(frame(source, found).lines) == 7


def test_the_indent_that_all_lines_share_is_not_shown() -> None:
    source = "def f():\n    if x:\n        a()\n        op.b()\n        c()\n"
    found = span("a.py", 4, Files({"a.py": source}))
    assert found is not None
    assert frame(source, found).lines == ((3, "a()"), (4, "op.b()"), (5, "c()"))


def test_without_a_call_the_line_is_marked() -> None:
    assert marked("  x = 1\n") == ["x = 1", "^^^^^"]


def test_in_a_file_of_sql_the_statement_is_marked() -> None:
    source = "SELECT 1; DROP TABLE t;\n"
    assert marked(source, name="drop.sql", sql="DROP TABLE t") == [source.strip(), "          ^^^^^^^^^^^^"]
    long = "CREATE INDEX ix\n  ON t (a);\n"
    assert span("a.sql", 1, Files({"a.sql": long}), "CREATE INDEX ix\n  ON t (a)") == Span(1, 1, 2, 11)
    assert marked("DROP TABLE t;\n", name="drop.sql", sql="something else") == ["DROP TABLE t;", "^^^^^^^^^^^^^"]


def test_lines_are_counted_as_python_counts_them() -> None:
    assert marked("x = 1\n\x0c\r\nop.a()\r\n", 3) == ["op.a()", "^^^^^^"]


@pytest.mark.parametrize(("source", "line"), [("x()\n", 2), ("x()\n", 0), ("\n\n", 1)])
def test_a_line_that_is_not_there_has_no_span(source: str, line: int) -> None:
    assert marked(source, line) is None


def test_a_file_that_is_no_python_is_marked_by_its_line() -> None:
    assert marked("def (:\nop.a()\n", 2) == ["op.a()", "^^^^^^"]


def test_a_file_that_cannot_be_read_has_no_span(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"# \xe9\nx()\n")
    for path in (tmp_path / "latin.py", tmp_path / "gone.py", tmp_path):
        assert span(str(path), 1, Files()) is None
    assert span(None, 1, Files()) is None


def test_a_path_is_given_from_the_root_of_the_repository() -> None:
    files = Files(root="services/shop")
    assert files.from_root("migrations/a.py") == "services/shop/migrations/a.py"
    assert files.from_root("../billing/a.py") == "services/billing/a.py"
    assert files.from_root("/elsewhere/a.py") == "/elsewhere/a.py"
    assert Files().from_root("./a.py") == "a.py"


@pytest.mark.parametrize(
    ("source", "end"),
    [
        ('op.execute(\n        """\nSELECT (1)\n"""\n    )\n    # done\n    op.drop_table("t")', (5, 6)),
        ('(\nsa.text("x")\n# once\n.bindparams(a=1)\n)', (4, 17)),
        ("f(a)\n    (b).c()", (1, 9)),
        ('sa.Column("a"),\n    sa.Column("b"),', (1, 19)),
    ],
)
def test_a_call_ends_where_the_file_as_a_whole_says(source: str, end: tuple[int, int]) -> None:
    start = 2 if source.startswith("(") else 1
    found = span("a.py", start + 1, Files({"a.py": f"def f():\n    {source}\n"}))
    assert found is not None
    assert (found.end_line - 1, found.end_column) == end
