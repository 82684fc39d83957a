"""What is set in a session, and taken back."""

from fix_pooler import pooler
from fix_postgres import Connect, Connection
from migsafe.postgres.connection import Database
from migsafe.postgres.connection import connect as connect_to
from migsafe.postgres.leftovers import drop_index, find_indexes
from migsafe.postgres.session import looking_in, never_idle

INVALID = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix'::regclass"


def settings(connection: Connection) -> dict[str, str]:
    """What was set in the session, and not taken back."""
    found = connection.execute("SELECT name, setting FROM pg_settings WHERE source = 'session'")
    return {name: setting for name, setting in found if not name.startswith("transaction_")}


def test_a_search_path_is_looked_in_and_taken_back(connect: Connect) -> None:
    connection = connect()
    with looking_in(connection, ["one", "two, three"]):
        assert settings(connection) == {"search_path": '"one", "two, three"'}
    assert settings(connection) == {}


def test_a_search_path_that_was_set_is_put_back(connect: Connect) -> None:
    connection = connect()
    connection.execute("SET search_path = mine, public")
    with looking_in(connection, ["other"]):
        assert settings(connection) == {"search_path": '"other"'}
    assert settings(connection) == {"search_path": "mine, public"}


def test_a_session_of_ours_is_kept_however_long_it_is_idle(database: Database) -> None:
    with connect_to(database) as connection:
        never_idle(connection)
        assert settings(connection) == {"idle_session_timeout": "0"}


def test_a_session_of_a_pooler_stays_as_it_is(over_tcp: Database) -> None:
    with pooler(over_tcp, "session") as pooled, connect_to(pooled) as connection:
        never_idle(connection)
        assert settings(connection) == {}


def test_dropping_an_invalid_index_leaves_no_timeout_set(connect: Connect) -> None:
    connection = connect()
    connection.execute("CREATE TABLE t (id integer)")
    connection.execute("CREATE INDEX ix ON t (id)")
    connection.execute(INVALID)
    (index,) = find_indexes(connection, names=["public.ix"])
    assert drop_index(connection, index, 10.0)
    assert find_indexes(connection, names=["public.ix"]) == ()
    assert settings(connection) == {}
