"""The user's own verification."""

import pytest

from fix_postgres import Connect, Connection, Role
from migsafe.verify import Declared, run_declared


@pytest.fixture(autouse=True)
def _table(connection: Connection) -> None:
    connection.execute("CREATE TABLE t (a int, price numeric(10,2)); INSERT INTO t VALUES (1, 2.50), (2, NULL)")


@pytest.mark.parametrize(
    ("sql", "expect"),
    [
        ("SELECT true", "true"),
        ("SELECT 1;", "true"),
        ("SELECT count(*) = 2 FROM t -- both", "true"),
        ("SELECT 'abc' LIKE 'a%'", "true"),
        ("SELECT a FROM t WHERE a > 2", "no rows"),
        ("SELECT count(*) FROM t", "2"),
        ("SELECT price FROM t WHERE a = 1", "2.50"),
        ("SELECT price FROM t WHERE a = 2", "NULL"),
        ("SELECT a = 1 FROM t WHERE a = 2", "false"),
        ("WITH x AS (SELECT 1 AS n) SELECT n FROM x", "1"),
        ("VALUES ('x')", "x"),
    ],
)
def test_what_is_as_declared_passes(connection: Connection, sql: str, expect: str) -> None:
    (result,) = run_declared(connection, (Declared(sql, expect, "versions/ae1.py:7"),))

    assert (result.status, result.group, result.subject) == ("passed", "verify", "versions/ae1.py:7")


@pytest.mark.parametrize(
    ("sql", "expect", "message"),
    [
        ("SELECT count(*) = 3 FROM t", "true", "expected one row that is true or 1, found false."),
        ("SELECT NULL::boolean", "true", "found NULL."),
        ("SELECT true FROM t", "true", "found more than one row, the first is true."),
        ("SELECT true WHERE false", "true", "found no rows."),
        ("SELECT a FROM t ORDER BY a", "no rows", "expected no rows, found more than one row, the first is 1."),
        ("SELECT count(*) FROM t", "3", "expected 3, found 2."),
        ("SELECT b FROM t", "true", 'could not be run: column "b" does not exist'),
        ("SELEC 1", "true", "syntax error"),
        ("SELECT 1/0", "true", "division by zero"),
    ],
)
def test_what_is_not_is_blocked(connection: Connection, sql: str, expect: str, message: str) -> None:
    (result,) = run_declared(connection, (Declared(sql, expect, "versions/ae1.py:7"),))

    assert result.status == "blocked"
    assert result.message.startswith(f"versions/ae1.py:7: {sql}")
    assert message in result.message
    assert result.remedy


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM t",
        "SELECT 1; DELETE FROM t",
        "SELECT true; COMMIT; DELETE FROM t; COMMIT",
        "WITH gone AS (DELETE FROM t RETURNING a) SELECT true FROM gone",
        "SELECT true FROM t FOR UPDATE",
        "SELECT setval(pg_get_serial_sequence('s', 'id'), 7) = 7",
    ],
)
@pytest.mark.parametrize("autocommit", [True, False])
def test_a_verification_cannot_write(connect: Connect, sql: str, autocommit: bool) -> None:
    session = connect(autocommit=autocommit)
    session.execute("CREATE TABLE s (id serial)")
    session.commit()

    (result,) = run_declared(session, (Declared(sql),))
    session.rollback()

    assert result.status == "blocked"
    row = session.execute("SELECT (SELECT count(*) FROM t), last_value FROM s_id_seq").fetchone()
    assert row == (2, 1)


def test_one_that_fails_does_not_stop_the_next(connection: Connection) -> None:
    results = run_declared(connection, (Declared("SELECT nope"), Declared("SELECT true")))

    assert [result.status for result in results] == ["blocked", "passed"]


def test_what_the_role_may_not_read_is_unknown_and_names_the_grant(connect: Connect, role: Role) -> None:
    app = role()

    (result,) = run_declared(connect(app), (Declared("SELECT count(*) = 2 FROM t"),))

    assert result.status == "unknown"
    assert result.remedy == f"GRANT SELECT ON t TO {app.parameters['user']};"


def test_one_that_takes_too_long_is_unknown(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migsafe.postgres.answer.TIMEOUT_SECONDS", 0.05)

    (result,) = run_declared(connection, (Declared("SELECT pg_sleep(60) IS NOT NULL"),))

    assert result.status == "unknown"
    assert "statement timeout" in result.message


def test_a_lost_connection_is_unknown(connection: Connection) -> None:
    results = run_declared(
        connection, (Declared("SELECT pg_terminate_backend(pg_backend_pid())"), Declared("SELECT true"))
    )

    assert [result.status for result in results] == ["unknown", "unknown"]
