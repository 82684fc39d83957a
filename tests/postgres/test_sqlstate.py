"""What drivers' exceptions say, from a real server through each driver."""

import asyncio
from collections.abc import Callable

import asyncpg
import psycopg
import psycopg2
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from fix_postgres import Connect
from migsafe.postgres.connection import Database
from migsafe.postgres.sqlstate import RETRYABLE, ServerMessage, is_connection_loss, name, server_message, sqlstate_of

REFUSED = """DO $$ BEGIN
    RAISE EXCEPTION 'no such thing' USING ERRCODE = '55P03', DETAIL = 'the detail', HINT = 'the hint';
END $$"""
END = "SELECT pg_terminate_backend(pg_backend_pid())"

Failing = Callable[[Database, str], BaseException]


def _psycopg(database: Database, statement: str) -> BaseException:
    with pytest.raises(psycopg.Error) as caught, psycopg.connect(database.url()) as connection:
        connection.execute(statement)
    return caught.value


def _psycopg2(database: Database, statement: str) -> BaseException:
    connection = psycopg2.connect(database.url())
    try:
        with pytest.raises(psycopg2.Error) as caught, connection.cursor() as cursor:
            cursor.execute(statement)
        return caught.value
    finally:
        connection.close()


def _asyncpg(database: Database, statement: str) -> BaseException:
    async def run() -> None:
        connection = await asyncpg.connect(database.url())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    with pytest.raises(asyncpg.PostgresError) as caught:
        asyncio.run(run())
    error: BaseException = caught.value
    return error


def _sqlalchemy(driver: str) -> Failing:
    def run(database: Database, statement: str) -> BaseException:
        engine = sqlalchemy.create_engine(database.url(driver), poolclass=sqlalchemy.NullPool)
        with pytest.raises(sqlalchemy.exc.DBAPIError) as caught, engine.connect() as connection:
            connection.exec_driver_sql(statement)
        return caught.value

    return run


def _sqlalchemy_asyncpg(database: Database, statement: str) -> BaseException:
    async def run() -> None:
        engine = create_async_engine(database.url("asyncpg"), poolclass=sqlalchemy.NullPool)
        async with engine.connect() as connection:
            await connection.exec_driver_sql(statement)

    with pytest.raises(sqlalchemy.exc.DBAPIError) as caught:
        asyncio.run(run())
    return caught.value


DRIVERS = {
    "psycopg": _psycopg,
    "psycopg2": _psycopg2,
    "asyncpg": _asyncpg,
    "sqlalchemy+psycopg": _sqlalchemy("psycopg"),
    "sqlalchemy+psycopg2": _sqlalchemy("psycopg2"),
    "sqlalchemy+asyncpg": _sqlalchemy_asyncpg,
}


@pytest.mark.parametrize("driver", DRIVERS)
def test_code_and_message_are_read_from_every_driver(driver: str, database: Database) -> None:
    error = DRIVERS[driver](database, REFUSED)
    assert sqlstate_of(error) == "55P03"
    assert sqlstate_of(error) in RETRYABLE
    assert server_message(error) == ServerMessage("no such thing", "the detail", "the hint")
    assert not is_connection_loss(error)


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_ended_session_is_a_connection_loss(driver: str, database: Database) -> None:
    assert is_connection_loss(DRIVERS[driver](database, END))


def _raise_while_handling(cause: BaseException) -> None:
    try:
        raise cause
    except psycopg.Error:
        raise RuntimeError("the revision failed")  # noqa: B904  what revisions do


def _raise_from_none(cause: BaseException) -> None:
    try:
        raise cause
    except psycopg.Error:
        raise RuntimeError("first line\nsecond line") from None


def test_what_was_raised_while_handling_it_leads_back_to_it(database: Database) -> None:
    with pytest.raises(RuntimeError) as caught:
        _raise_while_handling(_psycopg(database, REFUSED))
    assert sqlstate_of(caught.value) == "55P03"
    assert server_message(caught.value).primary == "no such thing"


def test_from_none_ends_the_chain(database: Database) -> None:
    with pytest.raises(RuntimeError) as caught:
        _raise_from_none(_psycopg(database, REFUSED))
    assert sqlstate_of(caught.value) is None
    assert server_message(caught.value) == ServerMessage("first line")


def test_a_closed_connection_is_a_connection_loss(connect: Connect) -> None:
    connection = connect()
    connection.close()
    with pytest.raises(psycopg.OperationalError) as caught:
        connection.execute("SELECT 1")
    assert is_connection_loss(caught.value)
    assert is_connection_loss(ConnectionResetError())
    assert not is_connection_loss(ValueError("connection was closed"))


def test_an_exception_that_leads_to_itself_ends() -> None:
    error = ValueError()
    error.__context__ = error
    assert sqlstate_of(error) is None
    assert server_message(error).primary == "ValueError"


def test_codes_have_the_names_of_the_manual() -> None:
    assert [name(code) for code in ("55P03", "40P01", "25001", "42P07", "nope!")] == [
        "lock_not_available",
        "deadlock_detected",
        "active_sql_transaction",
        "duplicate_table",
        "nope!",
    ]
