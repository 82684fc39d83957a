"""The inverse of every recorded statement, on the server at hand: what claims to be exact is."""

import re
from collections.abc import Callable, Iterator
from itertools import groupby

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fix_cases import Case, every_case
from fix_inverse import inverses, recorded, take_back
from fix_postgres import VERSION, Connect, Connection
from migsafe.model.definitions import Recorded
from migsafe.postgres.connection import Database
from migsafe.undo.same import differences

PARTS = 8
ROLES = ("app_owner", "app_user", "readonly")
# Neither takes part in a schema: pgvector is no part of the embedded server, a subscription outlives its database.
LEFT_OUT = re.compile(r"\b(?:vector|halfvec|SUBSCRIPTION)\b|\bSTD(?:IN|OUT)\b|\bPROGRAM\b")
ROWS = re.compile(r"(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|TABLE|VALUES|EXPLAIN|DECLARE|COPY|LOCK|TRUNCATE)\b")
KEEPING = re.compile(r"(?:VACUUM|ANALYZE|REINDEX|CHECKPOINT|REFRESH)\b")
REFUSED = ("violates", "contains null values")


@pytest.fixture
def roles(postgres: Database) -> Iterator[None]:
    """They are dropped after the databases in which they own something."""
    with psycopg.connect(make_conninfo("", **postgres.parameters), autocommit=True) as connection:
        for role in ROLES:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        yield
        for role in ROLES:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.usefixtures("roles")
def test_what_claims_to_be_taken_back_is(part: int, create_database: Callable[[], Database], connect: Connect) -> None:
    wrong: dict[str, object] = {}
    for setup, cases in _setups()[part::PARTS]:
        wrong |= _wrong(create_database, connect, setup, cases)
    assert not wrong


def test_most_statements_have_an_exact_inverse() -> None:
    assert sum(len(cases) for _, cases in _setups()) > (300 if VERSION >= 18 else 250)


def _setups() -> list[tuple[str, list[Case]]]:
    """Statements by what they start from. Those that only read or write rows leave every schema as it was."""
    meant = [case for case in every_case(VERSION) if case["ok"] and not _is_left_out(case)]
    meant.sort(key=lambda case: str(case["setup_id"]))
    groups = [list(group) for _, group in groupby(meant, key=lambda case: str(case["setup_id"]))]
    return [(group[0]["setup_sql"], group) for group in groups]


def _is_left_out(case: Case) -> bool:
    statement = case["statement"]
    return bool(
        LEFT_OUT.search(f"{case['setup_sql']} {statement}") or ROWS.match(statement) or KEEPING.match(statement)
    )


def _wrong(
    create_database: Callable[[], Database], connect: Connect, setup: str, cases: list[Case]
) -> dict[str, object]:
    """What differs, by case. One database for those that a transaction can hold, one more for each that it cannot."""
    shared, connection, before = _made(create_database, connect, setup)
    wrong: dict[str, object] = {}
    for case in cases:
        found = inverses([case["statement"]], before)[0]
        if found.kind == "impossible":
            assert found.because
            continue
        alone = not case["in_txn_allowed"] or any("CONCURRENTLY" in each.sql for each in found.commands)
        on = _made(create_database, connect, setup)[1] if alone else connection
        if differing := _tried(on, case["statement"], before, in_transaction=not alone):
            wrong[case["id"]] = (case["statement"], found.commands, differing)
    connection.close()
    assert shared
    return wrong


def _made(
    create_database: Callable[[], Database], connect: Connect, setup: str
) -> tuple[Database, Connection, Recorded]:
    database = create_database()
    connection = connect(database)
    connection.execute(setup.encode())
    return database, connection, recorded(connection)


def _tried(connection: Connection, statement: str, before: Recorded, *, in_transaction: bool) -> tuple[str, ...]:
    found = inverses([statement], before)
    if in_transaction:
        connection.execute("BEGIN")
    try:
        connection.execute(statement.encode())
        take_back(connection, found)
        return differences(before, recorded(connection), in_order=found[0].kind == "exact")
    except psycopg.Error as error:
        told = any(each.blocks for each in found[0].discards)
        expected = found[0].kind == "lossy" and told and any(word in str(error) for word in REFUSED)
        return () if expected else (str(error),)
    finally:
        if in_transaction:
            connection.execute("ROLLBACK")
        else:
            connection.close()
