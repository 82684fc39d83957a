"""env.py is run as it is, and still every revision has a transaction of its own and is kept."""

import pytest
import sqlalchemy as sa
from alembic.config import Config

from fix_postgres import Connect
from fix_stories import EnterStory, RunTo, outcomes, write_chain
from migsafe.errors import UsageError
from migsafe.postgres.connection import Database
from migsafe.revisions import drive
from migsafe.revisions.config import from_config, open_environment
from migsafe.revisions.read import read

pytestmark = [
    pytest.mark.alembic_matrix,
    # Flask-Migrate's own template tries the old name first.
    pytest.mark.filterwarnings("ignore:'get_engine' is deprecated"),
    pytest.mark.filterwarnings("ignore:invalid escape sequence"),
]

STORIES = {
    "generic": ("c05b3e86d7f1", "orders"),
    "percent": ("636363636363", "discounts"),
    "async": ("3f90b2cd56e7", "articles"),
    "flask": ("7d4e5f607182", "entries"),
    "programmatic": ("9f6071829304", "packages"),
    "helpers": ("838383838383", "stores"),
    "kwargs": ("a1a1a1a1a1a1", "role"),
    "own_commit": ("5f66778899aa", "releases"),
    "autocommit": ("727272727272", "devices"),
    "own_timeouts": ("e2e2e2e2e2e2", "meters"),
    "external_transaction": ("2c3344556677", "app.tickets"),
    "offline_raises": ("b1b1b1b1b1b1", "incidents"),
}

BEGINS = """
from alembic import context
from sqlalchemy import engine_from_config, pool, text

engine = engine_from_config(context.config.get_section("alembic"), prefix="sqlalchemy.", poolclass=pool.NullPool)
with engine.begin() as connection:
    connection.execute(text("SET search_path TO public"))
    context.configure(connection=connection)
    context.run_migrations()
"""

GIVEN = """
from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
"""


def version(connect: Connect, schema: str = "public") -> list[tuple[object, ...]]:
    return connect().execute(f"SELECT version_num FROM {schema}.alembic_version".encode()).fetchall()


@pytest.mark.parametrize("story", STORIES)
def test_a_story_goes_up_and_down_and_is_kept(
    story: str, enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    head, table = STORIES[story]
    enter_story(story)
    environment = open_environment(config_from="migrate:configure") if story == "programmatic" else open_environment()
    schema = table.rpartition(".")[0] or "public"
    up = run_to("head", environment=environment)
    assert (set(outcomes(up)), up.failure) == ({"done"}, None)
    assert version(connect, schema) == [(head,)]
    assert connect().execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone() == (True,)
    down = run_to("base", environment=environment, direction="downgrade")
    assert (set(outcomes(down)), down.failure) == ({"done"}, None)
    assert len(down.steps) == len(up.steps)
    assert version(connect, schema) == []
    assert connect().execute("SELECT to_regclass(%s)", (table,)).fetchone() == (None,)
    leftover = "SELECT count(*) FROM pg_class WHERE relname = 'migsafe_progress'"
    assert connect().execute(leftover).fetchone() == (0,)


def test_a_connection_that_env_py_began_a_transaction_on_is_mended(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    folder = enter_story("autocommit")
    (folder / "migrations" / "env.py").write_text(BEGINS)
    assert outcomes(run_to("head")) == ["done"] * 3
    assert version(connect) == [("727272727272",)]
    valid = "SELECT count(*) FROM pg_index WHERE indrelid = 'devices'::regclass AND indisvalid"
    assert connect().execute(valid).fetchone() == (4,)


def test_a_revision_has_its_own_transaction_even_where_env_py_asks_for_one(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    folder = enter_story("generic")
    env_py = folder / "migrations" / "env.py"
    asks = "transaction_per_migration=False, transactional_ddl=False, connection=connection"
    env_py.write_text(env_py.read_text().replace("connection=connection", asks))
    write_chain(folder, *(f'op.execute("CREATE TABLE {name} (id integer)")' for name in "abc"), "1 / 0")
    assert outcomes(run_to("head")) == ["done", "done", "done", "failed"]
    assert version(connect) == [("f02",)]


def test_a_failure_in_the_third_revision_leaves_the_first_two(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    enter_story("generic")
    connect().execute("CREATE TABLE ix_orders_customer_id (id integer)")
    ran = run_to("head")
    assert outcomes(ran) == ["done", "done", "failed", "not-reached"]
    assert f"{ran.failure}".startswith("migrations/versions/a92d5e7f0c14_index_orders_by_customer.py:23: relation")
    assert version(connect) == [("7be04d19c6a3",)]


def given(database: Database, begin: bool) -> tuple[Config, sa.Connection]:
    connection = sa.create_engine(database.url("psycopg"), poolclass=sa.pool.NullPool).connect()
    if begin:
        connection.execute(sa.text("CREATE TABLE mine (id integer)"))
    config = Config("alembic.ini")
    config.attributes["connection"] = connection
    return config, connection


def test_a_transaction_of_the_calling_program_is_left_alone(
    enter_story: EnterStory, database: Database, connect: Connect
) -> None:
    (enter_story("generic") / "migrations" / "env.py").write_text(GIVEN)
    config, connection = given(database, begin=True)
    with connection, pytest.raises(UsageError, match=r"connection in config\.attributes is inside a transaction"):
        read(from_config(config), "head")
    assert connect().execute("SELECT to_regclass('mine')").fetchone() == (None,)


def test_a_connection_of_the_calling_program_is_used(
    enter_story: EnterStory, database: Database, run_to: RunTo, connect: Connect
) -> None:
    (enter_story("generic") / "migrations" / "env.py").write_text(GIVEN)
    config, connection = given(database, begin=False)
    with connection:
        assert outcomes(run_to("head", environment=from_config(config))) == ["done"] * 4
        assert not connection.in_transaction()
    assert version(connect) == [("c05b3e86d7f1",)]


def test_somebody_migrating_meanwhile_stops_the_run_before_anything(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    folder = enter_story("generic")
    env_py = folder / "migrations" / "env.py"
    # Between the preview and the run, somebody puts the database elsewhere.
    race = (
        "        if context._proxy.context_opts.get('dont_mutate') is None:\n"
        "            connection.exec_driver_sql('CREATE TABLE alembic_version (version_num varchar(32))')\n"
        "            connection.exec_driver_sql(\"INSERT INTO alembic_version VALUES ('c05b3e86d7f1')\")\n"
    )
    marker = "        context.configure(\n            connection=connection"
    env_py.write_text(env_py.read_text().replace(marker, race + marker))
    ran = run_to("7be04d19c6a3")
    assert outcomes(ran) == ["failed", "not-reached"]
    assert ran.failure == "the database is at c05b3e86d7f1, not at base where the plan starts"
    assert connect().execute("SELECT to_regclass('customers')").fetchone() == (None,)


def test_the_version_row_that_env_py_takes_back_is_missed(
    enter_story: EnterStory, run_to: RunTo, connect: Connect
) -> None:
    folder = enter_story("generic")
    env_py = folder / "migrations" / "env.py"
    undo = "lambda ctx, **_: ctx.connection.exec_driver_sql('DELETE FROM alembic_version')"
    env_py.write_text(
        env_py.read_text().replace("connection=connection", f"on_version_apply={undo}, connection=connection")
    )
    ran = run_to("head")
    assert outcomes(ran) == ["unknown"] + ["not-reached"] * 3
    assert "the version table holds nothing instead of 3f1c8a5d2b90" in f"{ran.failure}"
    assert "`migsafe current` shows it" in f"{ran.remedy}"


def test_nothing_is_watched_any_more_after_a_failure(
    enter_story: EnterStory, run_to: RunTo, database: Database
) -> None:
    folder = enter_story("generic")
    (folder / "migrations" / "env.py").write_text(GIVEN)
    write_chain(folder, 'op.execute("SELECT 1 / 0")')
    config, connection = given(database, begin=False)
    with connection:
        ran = run_to("head", environment=from_config(config))
        assert outcomes(ran) == ["failed"]
        listeners = connection.engine.dispatch
        assert [list(event) for event in (listeners.begin, listeners.commit, listeners.rollback)] == [[], [], []]
    assert drive.driving is False
