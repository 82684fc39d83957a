"""Faults that a server brings upon itself, in the middle of a statement.

Every DDL command and every INSERT and UPDATE passes here twice, when it begins and when it is about to end; each
passage has a number, which no rollback takes back. That is there for the time of a run only, and after it was planned:
the plan of a database that does such things is another one.
"""

from collections.abc import Callable
from typing import Any

from fix_postgres import Connection
from migsafe.postgres.connection import Database, connect

_INSTALL = """
CREATE SCHEMA faults;
CREATE SEQUENCE faults.passages;
CREATE TABLE faults.plan (at bigint PRIMARY KEY, action text NOT NULL);
CREATE FUNCTION faults.pass() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    passage bigint := nextval('faults.passages');
    action text := (SELECT p.action FROM faults.plan AS p WHERE p.at = passage);
BEGIN
    IF action IS NOT NULL THEN EXECUTE action; END IF;
END $$;
CREATE FUNCTION faults.on_command() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A nextval() that is logged begins a transaction, and DROP INDEX CONCURRENTLY wants to be the first to.
    IF tg_tag <> 'DROP INDEX' OR (SELECT log_cnt > 0 FROM faults.passages) THEN PERFORM faults.pass(); END IF;
END $$;
CREATE FUNCTION faults.on_rows() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM faults.pass(); RETURN NULL; END $$;
"""
_ARM = """
CREATE TRIGGER faults_before BEFORE INSERT OR UPDATE ON {0} FOR EACH STATEMENT EXECUTE FUNCTION faults.on_rows();
CREATE TRIGGER faults_after AFTER INSERT OR UPDATE ON {0} FOR EACH STATEMENT EXECUTE FUNCTION faults.on_rows();
"""
_WATCH = """
CREATE EVENT TRIGGER faults_start ON ddl_command_start EXECUTE FUNCTION faults.on_command();
CREATE EVENT TRIGGER faults_end ON ddl_command_end EXECUTE FUNCTION faults.on_command();
"""

TERMINATE = "SELECT pg_terminate_backend(pg_backend_pid())"
TERMINATE_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name <> 'test' ORDER BY pid = pg_backend_pid()"
)
# Until the test lets it go on.
HOLD = "SELECT pg_advisory_xact_lock(42)"


def terminate(application: str) -> str:
    """The end of our connection of that name. Returns when the session is gone."""
    return (
        "DO $do$ DECLARE victim integer; BEGIN SELECT pid INTO victim FROM pg_stat_activity"
        f" WHERE datname = current_database() AND application_name = '{application}';"
        " PERFORM pg_terminate_backend(victim);"
        " WHILE victim IS NOT NULL AND EXISTS (SELECT FROM pg_stat_get_activity(victim)) LOOP"
        " PERFORM pg_sleep(0.005), pg_stat_clear_snapshot(); END LOOP; END $do$"
    )


def install(connection: Connection, strikes: dict[int, str]) -> None:
    """Have every DDL command and the tables pass from now on; `strikes` are actions (SQL) by passage, from 1."""
    for statement in (_INSTALL, _ARM.format("accounts"), _ARM.format("orders")):
        connection.execute(statement.encode())
    for at, action in strikes.items():
        connection.execute("INSERT INTO faults.plan VALUES (%s, %s)", (at, action))
    connection.execute(_WATCH.encode())


def uninstall(connection: Connection) -> int:
    """Take that away; how many passages there were."""
    row = connection.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM faults.passages").fetchone()
    connection.execute("DROP EVENT TRIGGER faults_start; DROP EVENT TRIGGER faults_end")
    connection.execute("DROP SCHEMA faults CASCADE")
    assert row is not None
    return int(row[0])


def striking(
    planned: Callable[..., bool],
    database: Database,
    strikes: dict[int, str] | None,
    then: Callable[[], None] = lambda: None,
) -> Callable[..., bool]:
    """An observer's `planned` that has `database` strike back from then on (None: never), and calls `then`."""

    def agreed(*arguments: Any) -> bool:
        said = planned(*arguments)
        if strikes is not None:
            with connect(database, application_name="test") as connection:
                install(connection, strikes)
        then()
        return said

    return agreed
