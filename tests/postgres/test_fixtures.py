"""The server that the other tests stand on."""

from fix_postgres import VERSION, Connect, Role
from migsafe.postgres.connection import Database


def test_every_test_has_an_empty_database_on_the_server_that_was_asked_for(connect: Connect) -> None:
    connection = connect()
    assert connection.info.server_version // 10000 == VERSION
    assert (
        connection.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchall() == []
    )


def test_a_role_of_the_fixture_is_unprivileged(role: Role, connect: Connect, over_tcp: Database) -> None:
    app = role("app")
    row = connect(app).execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (app.parameters["user"], False)
