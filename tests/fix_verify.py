"""Migrations that were really made, with the plan and the schema from before them."""

from collections.abc import Callable
from typing import NamedTuple

import psycopg
import pytest

from fix_postgres import VERSION, Connect, Connection
from migsafe.model.after import after
from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement
from migsafe.postgres.catalog import read
from migsafe.sql.predict import predict
from migsafe.verify import verify

Migrate = Callable[..., tuple[Plan, Catalog]]


class Case(NamedTuple):
    """A migration, what spoils it, and the one proof that then fails with its `expected` and `found`."""

    statements: tuple[str, ...]
    spoil: str
    blocked: str
    expected: str
    found: str
    setup: tuple[str, ...] = ()


class Spoilt(NamedTuple):
    """What spoils a migration, and the `expected` and `found` of the proof that then fails."""

    sql: str
    expected: str
    found: str


class Cases(NamedTuple):
    """A migration, the one proof of it that fails, and one by one what makes it fail; `;; ` is between statements."""

    statements: str
    blocked: str
    spoilt: tuple[Spoilt, ...]
    setup: str = ""


def plan_of(catalog: Catalog, *statements: str) -> Plan:
    """A plan of one revision, ae1; statement N is written in line N of versions/ae1.py."""
    found = []
    for index, text in enumerate(statements):
        effects = predict(text, catalog, VERSION)
        found.append(Statement(text, effects, index, "ae1", "versions/ae1.py", index + 1))
        catalog = after(catalog, effects)
    step = Step("ae1", (), "versions/ae1.py", statements=tuple(found))
    return Plan((), ("ae1",), (step,), server_version=VERSION)


def catalog_of(*statements: str) -> Catalog:
    """The schema that statements make of an empty database."""
    catalog = Catalog(complete=True, server_version=VERSION)
    for text in statements:
        catalog = after(catalog, predict(text, catalog, VERSION))
    return catalog


def summary(results: tuple[CheckResult, ...], *statuses: str) -> list[str]:
    """`check subject` of the results with one of the statuses."""
    return [f"{result.check} {result.subject}" for result in results if result.status in statuses]


@pytest.fixture
def connection(connect: Connect) -> Connection:
    return connect()


@pytest.fixture
def migrate(connection: Connection) -> Migrate:
    """`migrate(*statements, setup=())`: all executed, the version table at ae1; gives the plan and the schema before.

    With `failing=True` a statement that the server refuses is passed over, as if somebody had gone on after it.
    """

    def run(*statements: str, setup: tuple[str, ...] = (), failing: bool = False) -> tuple[Plan, Catalog]:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('ae1')")
        catalog = catalog_of(*setup)
        for text in (*setup, *statements):
            try:
                connection.execute(text.encode())
            except psycopg.Error:
                if not failing:
                    raise
        return plan_of(catalog, *statements), catalog

    return run


def assert_blocked_alone(case: Case, migrate: Migrate, connection: Connection) -> None:
    """Undisturbed everything passes; after `case.spoil` one proof is blocked, naming expected and found."""
    plan, before = migrate(*case.statements, setup=case.setup)
    results = verify(connection, plan, before)
    assert [each.message for each in results if each.status in ("blocked", "unknown")] == []
    # Nor does anything fail where the schema before is not known.
    assert summary(verify(connection, plan_of(Catalog(), *case.statements), Catalog()), "blocked") == []

    connection.execute(case.spoil.encode())
    results = verify(connection, plan, before)

    assert summary(results, "blocked", "unknown") == [case.blocked]
    result = next(result for result in results if result.status == "blocked")
    assert case.expected in result.message.split("; found ")[0]
    assert case.found in "found " + result.message.split("; found ")[1]
    assert result.sql
    assert result.remedy


def assert_each_blocked_alone(cases: Cases, migrate: Migrate, connection: Connection) -> None:
    """As assert_blocked_alone, of several ways to spoil one migration: each is taken back again."""
    statements, setup = tuple(cases.statements.split(";; ")), tuple(cases.setup.split(";; ")) if cases.setup else ()
    plan, before = migrate(*statements, setup=setup)
    results = verify(connection, plan, before)
    assert [each.message for each in results if each.status in ("blocked", "unknown")] == []
    assert summary(verify(connection, plan_of(Catalog(), *statements), Catalog()), "blocked") == []

    for spoilt in cases.spoilt:
        with connection.transaction(force_rollback=True):
            connection.execute(spoilt.sql.encode())
            results = verify(connection, plan, before)
        assert summary(results, "blocked", "unknown") == [cases.blocked], spoilt.sql
        message = next(result.message for result in results if result.status == "blocked")
        assert spoilt.expected in message.split("; found ")[0], spoilt.sql
        assert spoilt.found in "found " + message.split("; found ")[1], spoilt.sql


def assert_verified(statements: tuple[str, ...], connection: Connection) -> None:
    """All of them executed, nothing of what they did is found missing: with the schema before known, and without."""
    before = read(connection)
    for statement in statements:
        connection.execute(statement.encode())

    for catalog in (before, Catalog()):
        results = verify(connection, plan_of(catalog, *statements), catalog)
        wrong = [result.message for result in results if result.status != "passed" and result.check != "derivable"]
        assert wrong == []
