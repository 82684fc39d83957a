"""What plain Alembic does with each story of tests/environments: the claims that the other tests build on."""

import importlib.metadata
from subprocess import CompletedProcess
from typing import Any

import pytest

from fix_alembic import Environment, Run
from fix_postgres import Connect, Connection
from migsafe.postgres.connection import Database

pytestmark = pytest.mark.alembic_matrix

ALEMBIC = tuple(int(part) for part in importlib.metadata.version("alembic").split(".")[:2])

# story: its head, a table it makes
WORKING = {
    "generic": ("c05b3e86d7f1", "orders"),
    "async": ("3f90b2cd56e7", "articles"),
    "own_commit": ("5f66778899aa", "releases"),
    "reads_rows": ("505050505050", "products"),
    "percent": ("636363636363", "discounts"),
    "autocommit": ("727272727272", "devices"),
    "helpers": ("838383838383", "stores"),
    "kwargs": ("a1a1a1a1a1a1", "role"),
    "offline_refused": ("b1b1b1b1b1b1", "incidents"),
    "offline_raises": ("b1b1b1b1b1b1", "incidents"),
    "own_timeouts": ("e2e2e2e2e2e2", "meters"),
}


def said(done: CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def tables(connection: Connection, schema: str = "public") -> set[object]:
    query = f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'"
    return {name for (name,) in rows(connection, query)} - {"alembic_version"}


@pytest.mark.parametrize("story", WORKING)
def test_the_story_goes_up_down_and_up_again(
    story: str, environment: Environment, database: Database, connect: Connect, alembic: Run
) -> None:
    head, table = WORKING[story]
    done = alembic(environment(story, database), "upgrade head", "downgrade base", "upgrade head")
    assert done.returncode == 0, done.stderr
    assert rows(connect(), "SELECT version_num FROM alembic_version") == [(head,)]
    assert table in tables(connect())


def test_pyproject_needs_an_alembic_that_reads_it(
    environment: Environment, database: Database, connect: Connect, alembic: Run
) -> None:
    done = alembic(environment("pyproject", database), "upgrade head", "downgrade base", "upgrade head")
    if ALEMBIC < (1, 16):
        assert "No 'script_location' key found in configuration" in said(done)
        assert tables(connect()) == set()
    else:
        assert done.returncode == 0, done.stderr
        assert tables(connect()) == {"invoices"}


def test_flask_migrates_by_its_own_command_and_not_by_alembics(
    environment: Environment, database: Database, connect: Connect, alembic: Run, python: Run
) -> None:
    folder = environment("flask", database)
    by_flask = python(folder, "-m", "flask", "db", "upgrade")
    assert by_flask.returncode == 0, by_flask.stderr
    assert tables(connect()) == {"entries"}
    by_alembic = alembic(folder, "-c migrations/alembic.ini upgrade head")
    assert by_alembic.returncode != 0
    assert "No 'script_location' key found in configuration" in said(by_alembic)


def test_programmatic_migrates_by_its_own_script(
    environment: Environment, database: Database, connect: Connect, python: Run
) -> None:
    done = python(environment("programmatic", database), "migrate.py", "head")
    assert done.returncode == 0, done.stderr
    assert tables(connect()) == {"packages"}


def test_an_external_transaction_makes_an_upgrade_succeed_and_keep_nothing(
    environment: Environment, database: Database, connect: Connect, alembic: Run
) -> None:
    folder = environment("external_transaction", database)
    done = alembic(folder, "upgrade 1b2233445566")
    assert done.returncode == 0, done.stderr
    assert "Running upgrade 0a1122334455 -> 1b2233445566" in done.stderr
    assert rows(connect(), "SELECT nspname FROM pg_namespace WHERE nspname = 'app'") == []
    assert tables(connect()) == set()
    assert "AssertionError" in alembic(folder, "upgrade head").stderr


def test_branches_need_heads_and_follow_depends_on(
    environment: Environment, database: Database, connect: Connect, alembic: Run
) -> None:
    folder = environment("branches", database)
    assert "Multiple head revisions are present" in said(alembic(folder, "upgrade head"))
    done = alembic(folder, "upgrade billing@bb0000000001", "upgrade reports@head")
    assert done.returncode == 0, done.stderr
    assert tables(connect()) == {"accounts", "charges", "parcels", "reports"}
    done = alembic(folder, "downgrade base", "upgrade heads")
    assert done.returncode == 0, done.stderr
    assert rows(connect(), "SELECT count(*) FROM charges_by_account") == [(0,)]


def test_two_heads_are_an_error_to_upgrade_head(
    environment: Environment, database: Database, connect: Connect, alembic: Run
) -> None:
    folder = environment("two_heads_error", database)
    assert "Multiple head revisions are present" in said(alembic(folder, "upgrade head"))
    assert tables(connect()) == set()
    assert alembic(folder, "upgrade heads").returncode == 0


def test_rows_cannot_be_read_offline_and_parameters_are_lost(
    environment: Environment, database: Database, alembic: Run
) -> None:
    folder = environment("reads_rows", database)
    bound = alembic(folder, "upgrade 101010101010:202020202020 --sql")
    assert "UPDATE products SET name = NULL WHERE id = NULL" in bound.stdout
    for start, end in (("202020202020", "303030303030"), ("303030303030", "404040404040"), ("404040404040", "head")):
        assert alembic(folder, f"upgrade {start}:{end} --sql").returncode != 0


def test_rows_are_changed_online(environment: Environment, database: Database, connect: Connect, alembic: Run) -> None:
    alembic(environment("reads_rows", database), "upgrade head")
    assert rows(connect(), "SELECT name, price_cents, slug FROM products ORDER BY id") == [
        ("Tea", 350, "tea"),
        ("Mug", 1200, "mug"),
        ("Kettle", 4990, "kettle"),
    ]


def test_percents_backslashes_and_tabs_arrive_as_written(
    environment: Environment, database: Database, connect: Connect, alembic: Run
) -> None:
    alembic(environment("percent", database), "upgrade head")
    assert rows(connect(), "SELECT label, path, kind FROM discounts ORDER BY id") == [
        ("100% off", "C:\\tmp\\new", "percent"),
        ("5 %s%", "C:\\tmp\\new", "percent"),
        ("one\ttab; and -- no comment", "C:\\tmp\\new", "percent"),
    ]
    assert rows(connect(), "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname ~ 'pattern'") == [
        ("CHECK ((code ~ '^[A-Z]\\d+$'::text))",)
    ]


def test_a_failed_concurrent_build_leaves_half_a_revision_that_cannot_be_repeated(
    environment: Environment, database: Database, connect: Connect, alembic: Run
) -> None:
    folder = environment("autocommit", database)
    assert alembic(folder, "upgrade 707070707070").returncode == 0
    connect().execute("INSERT INTO devices (serial) VALUES ('S1'), ('S1')")
    assert "could not create unique index" in alembic(folder, "upgrade head").stderr
    assert rows(connect(), "SELECT version_num FROM alembic_version") == [("707070707070",)]
    assert rows(connect(), "SELECT indisvalid FROM pg_index WHERE indexrelid = 'uq_devices_serial'::regclass") == [
        (False,)
    ]
    assert 'column "model" of relation "devices" already exists' in alembic(folder, "upgrade head").stderr


@pytest.mark.parametrize(
    ("story", "message"), [("broken", "SyntaxError"), ("missing_import", "ModuleNotFoundError: No module named 'shop'")]
)
def test_one_bad_file_stops_even_the_revisions_before_it(
    story: str, message: str, environment: Environment, database: Database, connect: Connect, alembic: Run
) -> None:
    done = alembic(environment(story, database), "upgrade +1")
    assert done.returncode != 0
    assert message in done.stderr
    assert tables(connect()) == set()


@pytest.mark.parametrize(("story", "status"), [("offline_refused", 0), ("offline_raises", 1)])
def test_refused_offline_mode_prints_no_sql(
    story: str, status: int, environment: Environment, database: Database, alembic: Run
) -> None:
    done = alembic(environment(story, database), "upgrade head --sql")
    assert done.returncode == status
    assert "CREATE TABLE" not in done.stdout


def test_the_version_table_is_where_env_py_says(
    environment: Environment, database: Database, connect: Connect, alembic: Run
) -> None:
    done = alembic(environment("version_table_schema", database), "upgrade head", "downgrade base", "upgrade head")
    assert done.returncode == 0, done.stderr
    assert tables(connect()) == {"carts"}
    assert rows(connect(), "SELECT version_num FROM bookkeeping.shop_revision") == [("d1d1d1d1d1d1",)]
