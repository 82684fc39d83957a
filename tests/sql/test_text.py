"""Cutting, quoting, laying out and parsing SQL text."""

import re

import pytest

from fix_postgres import Connect
from migsafe.errors import SqlError
from migsafe.sql.layout import layout
from migsafe.sql.parse import parse
from migsafe.sql.quote import identifier, literal, qualified
from migsafe.sql.split import split


def test_a_syntax_error_has_its_position_in_characters() -> None:
    with pytest.raises(SqlError, match='at or near "FROM"') as raised:
        parse("SELECT 'é' FROM FROM t")
    assert raised.value.position == 16


@pytest.mark.parametrize("text", ["", "-- nothing", "SELECT 1; SELECT 2", "SELECT \0", "SELECT '\ud800'"])
def test_what_is_not_one_statement_is_refused(text: str) -> None:
    with pytest.raises(SqlError):
        parse(text)


def test_a_chain_of_operators_that_would_overflow_the_stack_is_refused() -> None:
    with pytest.raises(SqlError, match="too long"):
        parse("SELECT " + "+".join(["1"] * 100_000))


def test_pieces_know_their_line_and_comments_are_left_out() -> None:
    pieces = split("-- first\nSELECT 1;\n/* a /* nested */ one */\nSELECT 2 -- end\n;\n\n;")
    assert [(piece.sql, piece.line) for piece in pieces] == [("SELECT 1", 2), ("SELECT 2 -- end", 4)]


def test_semicolons_in_strings_bodies_and_comments_do_not_cut() -> None:
    texts = ["SELECT 'a;b', \"c;d\"", "DO $x$ BEGIN PERFORM ';'; END $x$", "SELECT 1 /* ; */", "SELECT E'\\';'"]
    assert [piece.sql for piece in split(";\n".join(texts))] == texts


def test_offsets_count_characters() -> None:
    text = "SELECT 'ééé'; SELECT 2"
    assert [text[piece.offset :][:8] for piece in split(text)] == ["SELECT '", "SELECT 2"]


def test_what_psql_reads_is_skipped() -> None:
    text = (
        "\\restrict abc\n\\connect shop\nCOPY t (a) FROM stdin;\n1;'\n\\N\n\\.\n\nSELECT 1;\n"
        "COPY u FROM STDIN WITH (FORMAT csv);\nx\n\\.\nSELECT 2;\\unrestrict abc\n"
    )
    pieces = split(text)
    assert [piece.sql.split()[0] for piece in pieces] == ["COPY", "SELECT", "COPY", "SELECT"]
    assert [piece.line for piece in pieces] == [3, 8, 9, 12]
    assert not any(piece.error for piece in pieces)


def test_only_the_piece_at_fault_carries_an_error() -> None:
    pieces = split("SELECT 1;\nSELEC 2;\nALTER TABLE t ADD COLUMN a int;")
    assert [bool(piece.error) for piece in pieces] == [False, True, False]
    assert pieces[1].line == 2


def test_a_fault_in_a_transaction_leaves_its_other_statements_apart() -> None:
    pieces = split("BEGIN;\nSELECT 'a;b';\nSELEC 2;\nALTER TABLE t ADD COLUMN a int;\nCOMMIT;")
    assert [(piece.sql.split()[0], piece.line) for piece in pieces] == [
        ("BEGIN", 1),
        ("SELECT", 2),
        ("SELEC", 3),
        ("ALTER", 4),
        ("COMMIT", 5),
    ]
    assert [piece.line for piece in pieces if piece.error] == [3]


def test_a_body_of_statements_stays_whole_beside_a_fault() -> None:
    body = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END"
    assert [piece.sql for piece in split(f"{body};\nSELEC 2;\nSELECT 3")] == [body, "SELEC 2", "SELECT 3"]


def test_a_comment_without_an_end_is_not_passed_over() -> None:
    last = split("SELECT 1; /* and ; DROP TABLE t;")[-1]
    assert last.sql.startswith("/*")
    assert last.error is not None
    assert "unterminated" in last.error


def test_quoting_is_that_of_the_server(connect: Connect) -> None:
    names = ["orders", "Order Lines", "user", "a$b", "1st", "é", "select", "name", 'with"quote', "between", "x" * 70]
    values = ["plain", "it's", "back\\slash", "", "$x$"]
    with connect() as connection:
        for name in names:
            row = connection.execute("SELECT quote_ident(%s)", (name,)).fetchone()
            assert row == (identifier(name),)
        for value in values:
            row = connection.execute(f"SELECT {literal(value)}").fetchone()
            assert row == (value,)
    assert qualified("sales.Order Lines") == 'sales."Order Lines"'


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a, 'x  \n  y' FROM t WHERE a = 1 AND b IN (SELECT 1)",
        "UPDATE t SET a = $q$ two\n  lines $q$ WHERE b -- why\n > 1",
        "ALTER TABLE t ADD COLUMN a int, ADD COLUMN b text",
        "INSERT INTO t VALUES (E'a\\'b', U&'\\0061')",
        "SELECT FROM WHERE 'unfinished",
    ],
)
def test_layout_changes_blanks_alone(sql: str) -> None:
    def without_blanks(text: str) -> str:
        return re.sub(r"\s+", "", text)

    assert without_blanks(layout(sql)) == without_blanks(sql)
    for constant in re.findall(r"'[^']*'|\$q\$.*?\$q\$", sql, re.DOTALL):
        assert constant in layout(sql)
