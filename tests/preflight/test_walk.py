"""All checks at once, where everything is wrong, asked by a superuser and by a role that may see little.

A check that is added is walked over too. What it looks for has to be wrong here: see world().
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from fix_postgres import Connect, Connection, Role
from fix_verify import plan_of
from migsafe.model.checks import CheckResult
from migsafe.model.own_checks import OwnCheck
from migsafe.model.plan import Plan
from migsafe.postgres.catalog import read
from migsafe.postgres.connection import Database
from migsafe.preflight import all_checks, preflight
from migsafe.settings import Settings

TABLES = """
    CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
    CREATE TABLE customers (id int PRIMARY KEY);
    CREATE TABLE orders (id smallserial, code int, note text, customer int);
    INSERT INTO orders (code, note) VALUES (1, 'a long note'), (1, NULL), (NULL, 'x');
    UPDATE orders SET customer = 7;
    ALTER TABLE orders ADD CONSTRAINT positive CHECK (code > 0) NOT VALID;
    CREATE VIEW orders_of_today AS SELECT * FROM orders;
    CREATE TABLE lines (code int, number smallserial);
    SELECT setval('lines_number_seq', 32700);
    CREATE TABLE stays (id int);
    CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER watched AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION nothing();
    ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
    ALTER TABLE orders FORCE ROW LEVEL SECURITY;
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (parent int REFERENCES parent);
"""
STATEMENTS = (
    "CREATE EXTENSION no_such_extension",
    "CREATE EXTENSION pg_stat_statements",
    "ALTER TABLE orders ALTER id TYPE bigint",
    "ALTER TABLE orders ALTER note TYPE varchar(3)",
    "ALTER TABLE orders ALTER code SET NOT NULL",
    "ALTER TABLE orders ADD CONSTRAINT one_code UNIQUE (code)",
    "ALTER TABLE orders ADD CONSTRAINT known FOREIGN KEY (customer) REFERENCES customers",
    "ALTER TABLE orders ADD CONSTRAINT large CHECK (code > 100)",
    "UPDATE orders SET code = 3",
    "CREATE INDEX CONCURRENTLY orders_code ON orders (code)",
    "ALTER TABLE lines ADD PRIMARY KEY (code)",
    "DROP TABLE parent CASCADE",
    "CREATE TABLE fresh (id int)",
    "GRANT SELECT ON fresh TO no_such_role",
)
# What they look for needs more than one server of pip's making; the tests of their own have it.
ELSEWHERE = {
    "scheduled-jobs": "pg_cron",
    "sharded-tables": "TimescaleDB or Citus",
    "connections": "a server with few connections",
    "replication-lag": "a standby",
    "standby-conflicts": "a standby",
    "synchronous-commit": "a standby",
}


@pytest.fixture
def plan(connection: Connection) -> Plan:
    """The plan of STATEMENTS, of a revision with a name too long, on the tables of TABLES."""
    connection.execute(TABLES)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY orders_once ON orders (customer)")
    made = plan_of(read(connection), *STATEMENTS, "THIS IS NO STATEMENT")
    return msgspec.structs.replace(made, steps=(msgspec.structs.replace(made.steps[0], revision="x" * 40),))


@pytest.fixture
def world(connection: Connection, connect: Connect, plan: Plan) -> Iterator[Plan]:
    """What is wrong about sessions: who holds locks, a transaction that is open, a build that waits for it."""
    connection.execute("CREATE TABLE fresh (id int)")
    holder, builder = connect(autocommit=False, application_name="report"), connect()
    holder.execute("SELECT FROM orders, parent")
    holder.execute("INSERT INTO customers VALUES (1)")
    build = threading.Thread(target=builder.execute, args=(b"CREATE INDEX CONCURRENTLY ON customers (id)",))
    build.start()
    try:
        while not connection.execute("SELECT FROM pg_stat_progress_create_index").fetchall():
            time.sleep(0.01)
        yield plan
    finally:
        holder.rollback()
        build.join()


def settings_for(folder: Path) -> Settings:
    return Settings(
        min_postgres="99",
        max_transaction_age=0.0001,
        required_env=("MIGSAFE_TEST_NOT_SET",),
        declared_free=0,
        directory=str(folder),
        check=(OwnCheck(name="own", sql="SELECT * FROM orders", expect="no rows"),),
    )


@pytest.fixture
def answers(connection: Connection, connect: Connect, role: Role, world: Plan, tmp_path: Path) -> "Answers":
    """What the superuser and an unprivileged role say to the same plan."""
    app: Database = role("app")
    catalog, settings = read(connection), settings_for(tmp_path)
    found = [
        preflight(
            asker,
            world,
            settings,
            catalog=catalog,
            unknown_heads=("abc",),
            backup_kind="evidence",
        )
        for asker in (connection, connect(app))
    ]
    return Answers(found[0], found[1])


class Answers(msgspec.Struct, frozen=True):
    superuser: tuple[CheckResult, ...]
    unprivileged: tuple[CheckResult, ...]


def names(results: tuple[CheckResult, ...], *, passed: bool) -> set[str]:
    return {each.check for each in results if (each.status == "passed") == passed}


def test_no_check_says_passed_of_what_the_superuser_sees_is_not(answers: Answers) -> None:
    against = {(each.check, each.subject) for each in answers.superuser if each.status != "passed"}
    wrongly = {(each.check, each.subject) for each in answers.unprivileged if each.status == "passed"} & against
    assert wrongly == set()
    silent = names(answers.superuser, passed=False) - names(answers.unprivileged, passed=False)
    assert silent == set()


def test_every_check_that_needs_a_privilege_has_something_to_find_here(answers: Answers) -> None:
    found = names(answers.superuser, passed=False) | names(answers.unprivileged, passed=False)
    needing = {check.name for check in all_checks() if check.privilege != "none"}
    assert needing - found <= set(ELSEWHERE)


def test_what_is_unknown_names_what_would_let_it_see(answers: Answers) -> None:
    assert all(each.remedy for each in answers.unprivileged if each.status != "passed")
    own = next(each for each in answers.unprivileged if each.check == "own")
    assert (own.status, own.group) == ("unknown", "own")
