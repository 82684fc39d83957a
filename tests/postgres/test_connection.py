"""Where a database is: what users write, what drivers get, and what is said when it cannot be reached."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy
from rich.pretty import pretty_repr
from sqlalchemy.ext.asyncio import create_async_engine

from fix_postgres import Connect, Role
from migsafe.errors import ConnectionFailed, UsageError
from migsafe.postgres.connection import Database, connect, redact

SECRET = "p@ss/w:rd %#'\"ü"


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("postgresql://u:p@h:5433/d", {"user": "u", "password": "p", "host": "h", "port": "5433", "dbname": "d"}),
        ("postgres://h/d", {"host": "h", "dbname": "d"}),
        (
            "postgresql+psycopg2://u@/d?host=/var/run/postgresql",
            {"user": "u", "dbname": "d", "host": "/var/run/postgresql"},
        ),
        (
            "postgresql+asyncpg://u:p%40ss@h/d?ssl=require",
            {"user": "u", "password": "p@ss", "host": "h", "dbname": "d", "sslmode": "require"},
        ),
        (
            "postgresql+psycopg://h/d?sslmode=verify-full&prepare_threshold=0",
            {"host": "h", "dbname": "d", "sslmode": "verify-full"},
        ),
        ("postgresql://%2Ftmp%2Fpg/d", {"host": "/tmp/pg", "dbname": "d"}),
        ("postgresql://u:p/q#r@h/d", {"user": "u", "password": "p/q#r", "host": "h", "dbname": "d"}),
        ("postgresql://[::1]:5432/d", {"host": "::1", "port": "5432", "dbname": "d"}),
        ("postgresql://a:1,b:2/d", {"host": "a,b", "port": "1,2", "dbname": "d"}),
        ("postgresql+psycopg://u@/d?host=a:1&host=b:2", {"user": "u", "host": "a,b", "port": "1,2", "dbname": "d"}),
        ("postgresql://h/d?options=-csearch_path%3Dapp", {"host": "h", "dbname": "d", "options": "-csearch_path=app"}),
        ("host=h port=5433 dbname=d password='a b'", {"host": "h", "port": "5433", "dbname": "d", "password": "a b"}),
        ("postgresql://", {}),
    ],
)
def test_urls_of_libpq_and_sqlalchemy_are_read(url: str, parameters: dict[str, str]) -> None:
    assert Database.from_url(url).parameters == parameters


@pytest.mark.parametrize(
    "url", ["mysql+pymysql://u:hunter2@h/d", "sqlite:///x.db", "h hunter2", "password=hunter2 'x", ""]
)
def test_another_dialect_is_refused_without_showing_the_url(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Database.from_url(url)
    assert "hunter2" not in f"{caught.value}{caught.value.remedy}"
    assert caught.value.remedy


def test_keywords_of_drivers_become_those_of_libpq() -> None:
    asyncpg = {
        "host": "h",
        "port": 5433,
        "user": "u",
        "password": "p",
        "database": "d",
        "ssl": True,
        "timeout": 7.5,
        "statement_cache_size": 0,
        "server_settings": {"search_path": "app, public", "application_name": "shop"},
    }
    assert Database.from_parameters(asyncpg).parameters == {
        "host": "h",
        "port": "5433",
        "user": "u",
        "password": "p",
        "dbname": "d",
        "connect_timeout": "8",
        "sslmode": "require",
        "application_name": "shop",
        "options": r"-c search_path=app,\ public",
    }
    psycopg2 = {"dsn": "host=h dbname=d", "user": "u", "cursor_factory": object(), "password": lambda: "called"}
    expected = {"host": "h", "dbname": "d", "user": "u", "password": "called"}
    assert Database.from_parameters(psycopg2).parameters == expected


def test_no_way_of_printing_it_shows_the_password() -> None:
    database = Database({"user": "u", "password": SECRET, "host": "h", "port": "5432", "dbname": "d"})
    assert database.label == "u@h:5432/d"
    for text in (repr(database), str(database), f"{database}", pretty_repr(database)):
        assert SECRET not in text
        assert "u@h:5432/d" in text


def test_redact_finds_every_spelling_of_the_password() -> None:
    database = Database({"user": "u", "password": SECRET, "host": "h", "dbname": "d"})
    text = f"plain {SECRET} url {database.url()} repr {SECRET!r} done"
    cleaned = redact(text, database)
    assert "w:rd" not in cleaned
    assert "w%3Ard" not in cleaned
    assert cleaned.startswith("plain *** url postgresql://u:***@h/d")
    assert redact("nothing to hide", Database({"host": "h"})) == "nothing to hide"


def test_a_short_password_is_redacted_as_a_word() -> None:
    database = Database({"password": "abc"})
    assert redact("abc abcd 'abc' x:abc@db", database) == "*** abcd '***' x:***@db"
    assert redact("S3cr3tPwd", Database({"password": "S3cr3tPw"})) == "***d"


def test_redact_knows_the_password_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "from-environment")
    assert redact("it is from-environment", Database({})) == "it is ***"


def test_programs_get_the_connection_in_their_environment() -> None:
    database = Database.from_url("postgresql://u:p@h:5433/d?sslmode=require&connect_timeout=3&keepalives=1")
    assert database.environment() == {
        "PGHOST": "h",
        "PGPORT": "5433",
        "PGUSER": "u",
        "PGPASSWORD": "p",
        "PGDATABASE": "d",
        "PGSSLMODE": "require",
        "PGCONNECT_TIMEOUT": "3",
    }


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_sqlalchemy_connects_with_the_url_over_socket_and_tcp(
    driver: str, database: Database, over_tcp: Database
) -> None:
    for where in (database, over_tcp.replace(password=SECRET)):
        engine = sqlalchemy.create_engine(where.url(driver), poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            assert connection.scalar(sqlalchemy.text("SELECT current_database()")) == database.dbname


def test_asyncpg_connects_with_the_url(database: Database, over_tcp: Database) -> None:
    async def name(where: Database) -> object:
        engine = create_async_engine(where.url("asyncpg"), poolclass=sqlalchemy.NullPool)
        async with engine.connect() as connection:
            return await connection.scalar(sqlalchemy.text("SELECT current_database()"))

    for where in (database, over_tcp.replace(password=SECRET, sslmode="disable", application_name="x")):
        assert asyncio.run(name(where)) == database.dbname


@pytest.mark.parametrize(
    "parameters", [{"host": "h", "port": "1", "user": "a b", "password": SECRET, "dbname": "d-ü"}, {"host": "::1"}]
)
def test_a_url_reads_back_as_it_was(parameters: dict[str, str]) -> None:
    database = Database(parameters)
    assert Database.from_url(database.url()) == database


def test_a_connection_is_made_with_the_settings_asked_for(database: Database, role: Role) -> None:
    app = role("app")
    with connect(
        database, application_name="x", statement_timeout=1.5, read_only=True, role=app.parameters["user"]
    ) as connection:
        assert connection.autocommit
        row = connection.execute(
            "SELECT current_setting('application_name'), current_setting('statement_timeout'),"
            " current_setting('transaction_read_only'), current_user::text"
        ).fetchone()
    assert row == ("x", "1500ms", "on", app.parameters["user"])


def _failure(database: Database, **settings: str) -> ConnectionFailed:
    with pytest.raises(ConnectionFailed) as caught:
        connect(database, **settings)  # type: ignore[arg-type]  # str and bool keywords alike
    assert caught.value.remedy
    assert caught.value.__suppress_context__
    return caught.value


def test_a_wrong_password_is_named_and_not_shown(role: Role) -> None:
    wrong = role("app", asks_password=True).replace(host="127.0.0.1", password="wrong-and-secret")
    error = _failure(wrong)
    assert f'the password for user "{wrong.parameters["user"]}" is wrong' in error.message
    assert "wrong-and-secret" not in f"{error.message}{error.remedy}"


def test_a_right_password_lets_in(role: Role, connect: Connect) -> None:
    app = role("app", asks_password=True).replace(host="127.0.0.1")
    assert connect(app).execute("SELECT 1").fetchone() == (1,)


def test_a_missing_password_is_named(role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    error = _failure(role("app", asks_password=True).replace(host="127.0.0.1", password=""))
    assert "none was given" in error.message


def test_an_absent_database_is_named(database: Database) -> None:
    assert 'the database "no_such" does not exist' in _failure(database.replace(dbname="no_such")).message


def test_an_absent_role_is_named(database: Database) -> None:
    assert 'the role "nobody_here" does not exist' in _failure(database.replace(user="nobody_here")).message


def test_a_role_that_may_not_be_set_is_named(role: Role) -> None:
    assert 'may not SET ROLE "postgres"' in _failure(role("app"), role="postgres").message


def test_a_full_server_is_named(role: Role) -> None:
    assert "no free connection" in _failure(role("app", "CONNECTION LIMIT 0")).message


def test_a_port_where_nobody_listens_is_named(database: Database) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = _failure(database.replace(host="127.0.0.1", port=str(taken.getsockname()[1])))
    assert "connection refused" in error.message


def test_a_missing_socket_is_named(database: Database) -> None:
    assert "there is no server socket" in _failure(database.replace(host="/tmp")).message


def test_an_unknown_host_is_named(database: Database) -> None:
    assert 'there is no host "db.invalid"' in _failure(database.replace(host="db.invalid")).message


def test_a_server_without_ssl_is_named(over_tcp: Database) -> None:
    assert "offers no SSL" in _failure(over_tcp.replace(sslmode="require")).message


@pytest.fixture
def web_server() -> Iterator[int]:
    """A port where something answers that is not PostgreSQL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for _ in range(2):
                try:
                    peer, _address = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(100)
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_something_else_that_listens_is_named(database: Database, web_server: int) -> None:
    error = _failure(database.replace(host="127.0.0.1", port=str(web_server)))
    assert "is not PostgreSQL" in error.message


def test_a_wrong_keyword_is_a_clear_failure(database: Database) -> None:
    assert "sslmode" in _failure(database.replace(host="127.0.0.1", sslmode="sometimes")).message
