"""Shares, vectors and the use of an index, as `def verify(check)` declares them."""

import pytest

from fix_postgres import Connect, Connection
from migsafe.model.declared import Declared, How
from migsafe.verify import declared_in_file, run_declared


def status(connection: Connection, sql: str, expect: str, how: How, subject: str = "", warn: str | None = None) -> str:
    declared = Declared(sql, expect, "versions/ae1.py:7", how=how, subject=subject, warn=warn, revision="ae1")
    (result,) = run_declared(connection, (declared,))
    assert (result.check, result.group, result.subject) == ("declared", "verify", "versions/ae1.py:7")
    return f"{result.status}: {result.message}"


@pytest.fixture(autouse=True)
def _table(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE t (id int PRIMARY KEY, word text);"
        "INSERT INTO t SELECT n, CASE WHEN n <= 95 THEN 'w' || n END FROM generate_series(1, 100) n; ANALYZE t"
    )


@pytest.mark.parametrize(
    ("sql", "expect", "warn", "said"),
    [
        ("SELECT word IS NOT NULL FROM t", ">= 0.95", None, "passed: "),
        ("SELECT word LIKE 'w%' FROM t", ">= 0.95", None, "passed: "),
        ("SELECT word IS NOT NULL FROM t -- all", ">= 0.95", ">= 0.99", "warned: "),
        ("SELECT word IS NOT NULL FROM t;", ">= 0.96", ">= 0.99", "blocked: "),
        ("SELECT 0.97", ">= 0.96", None, "passed: "),
        ("SELECT count(word), count(*) FROM t", ">= 0.96", None, "blocked: "),
        ("SELECT word FROM t", ">= 0.5", None, "blocked: "),
        ("SELECT 1, 2, 3", ">= 0.5", None, "blocked: "),
        ("SELECT nothing FROM t", ">= 0.5", None, "blocked: "),
        ("SELECT true FROM t WHERE false", ">= 0.5", None, "unknown: "),
        ("SELECT 0, 0", ">= 0.5", None, "unknown: "),
        ("SELECT NULL::numeric", ">= 0.5", None, "blocked: "),
    ],
)
def test_a_share_is_judged(connection: Connection, sql: str, expect: str, warn: str | None, said: str) -> None:
    assert status(connection, sql, expect, "share", warn=warn).startswith(f"{said}versions/ae1.py:7: ")


def test_a_share_says_of_how_many_rows(connection: Connection) -> None:
    said = status(connection, "SELECT word IS NOT NULL FROM t", ">= 0.96", "share")
    assert said.endswith("expected a share >= 0.96, found 0.9500 of 100 rows.")


@pytest.fixture
def many(connection: Connection) -> Connection:
    connection.execute(
        "CREATE TABLE many AS SELECT n AS id, md5(n::text) AS word FROM generate_series(1, 20000) n;"
        "CREATE INDEX many_word ON many (word); CREATE INDEX many_id ON many (id); ANALYZE many"
    )
    return connection


FIND = "SELECT id FROM many WHERE word = 'c4ca4238a0b923820dcc509a6f75849b'"


@pytest.mark.parametrize("subject", ["many_word", "public.many_word", '"many_word"'])
def test_an_index_that_is_used_passes(many: Connection, subject: str) -> None:
    assert status(many, FIND, "<= 30000", "index", subject).startswith("passed: ")


@pytest.mark.parametrize(
    ("sql", "expect", "subject", "said"),
    [
        (FIND, "", "many_id", "blocked: the query cannot use it"),
        (FIND, "", "missing", "blocked: found no such index"),
        (FIND, "<= 0.000001", "many_word", "blocked: expected many_word <= 0.000001 ms"),
        ("SELECT id FROM many WHERE id > 0", "", "many_id", "blocked: Seq Scan on many at cost"),
        ("SELECT id FROM t WHERE id = 7", "", "t_pkey", "warned: t has about 100 rows"),
        ("DELETE FROM t", "", "t_pkey", "blocked: read-only transaction"),
        ("SELECT 1; DELETE FROM t", "", "t_pkey", "blocked: cannot insert multiple commands"),
    ],
)
def test_an_index_that_is_not_used_says_why(many: Connection, sql: str, expect: str, subject: str, said: str) -> None:
    found = status(many, sql, expect, "index", subject)
    state, _, words = said.partition(": ")
    assert found.startswith(f"{state}: ")
    assert words in found


def test_an_invalid_index_is_named_with_its_remedy(many: Connection) -> None:
    many.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'many_word'::regclass")
    (result,) = run_declared(many, (Declared(FIND, "", how="index", subject="many_word", revision="ae1"),))
    assert (result.status, result.remedy) == ("blocked", "REINDEX INDEX CONCURRENTLY many_word;")


@pytest.fixture
def vectors(connection: Connection) -> Connection:
    connection.execute(
        "CREATE EXTENSION vector;"
        'CREATE TABLE v (id int, three vector(3), "Half" halfvec(4), free vector, s sparsevec);'
        "INSERT INTO v VALUES (1, '[1,2,3]', '[1,2,3,4]', '[1,2]', '{1:1}/7'), (2, NULL, NULL, '[1,2]', NULL)"
    )
    return connection


@pytest.mark.pgvector
@pytest.mark.parametrize(
    ("column", "dimensions", "said"),
    [
        ("v.three", 3, "passed: "),
        ("public.v.three", 4, "found vector(3)."),
        ('v."Half"', 4, "passed: "),
        ("v.free", 2, "passed: "),
        ("v.free", 3, "expected 3 dimensions in every row, found a row with 2."),
        ("v.s", 7, "passed: "),
        ("v.s", 8, "found a row with 7."),
        ("v.id", 3, "found the type int4."),
        ("v.gone", 3, "found no such column."),
        ("gone.three", 3, "found no such column."),
    ],
)
def test_the_dimensions_of_vectors_are_judged(vectors: Connection, column: str, dimensions: int, said: str) -> None:
    found = status(vectors, f"dimensions of {column}", str(dimensions), "dimensions", column)
    assert found.startswith(said) if said == "passed: " else said in found


def test_each_statement_of_a_file_is_true_or_without_rows(connection: Connection, connect: Connect) -> None:
    text = "SELECT count(*) = 100 FROM t;\n-- nobody\nSELECT id FROM t WHERE id > 100;\n\nSELECT id FROM t;\nSELEC 1;\n"
    results = run_declared(connection, declared_in_file("ae1", "verify/ae1.sql", text))
    assert [(each.status, each.subject) for each in results] == [
        ("passed", "verify/ae1.sql:1"),
        ("passed", "verify/ae1.sql:3"),
        ("blocked", "verify/ae1.sql:5"),
        ("blocked", "verify/ae1.sql:6"),
    ]


def test_what_is_only_strict_warns(connection: Connection) -> None:
    declared = Declared("SELECT count(*) FROM t", "<= 200", how="value", warn="<= 50", revision="ae1")
    (result,) = run_declared(connection, (declared,))
    assert (result.status, result.refuses) == ("warned", False)
    assert result.message == "SELECT count(*) FROM t: expected one value <= 50, found 100."
