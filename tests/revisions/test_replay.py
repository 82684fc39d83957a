"""What cannot be rendered is run on a scratch database, in a process of its own, and nowhere else."""

import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from fix_postgres import Connect
from fix_stories import (
    FIRST_LINE,
    CreateDatabase,
    EnterStory,
    RunTo,
    outcomes,
    previewed,
    with_driver,
    write_chain,
    write_revision,
)
from migsafe.model.plan import Plan
from migsafe.postgres.connection import Database
from migsafe.postgres.stand_ins import stand_ins
from migsafe.revisions.config import open_environment
from migsafe.revisions.read import read
from migsafe.revisions.replay import MARKER, Job, Result, replay

pytestmark = [
    pytest.mark.alembic_matrix,
    pytest.mark.filterwarnings("ignore:invalid escape sequence"),
    pytest.mark.filterwarnings("ignore:'get_engine' is deprecated"),
]

ASK = "sa.inspect(op.get_bind()).get_table_names()"


def objects(connect: Connect, database: Database) -> list[tuple[object, ...]]:
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    return connect(database).execute(query).fetchall()


def replayed(scratch: Database, *revisions: str) -> Result:
    return replay(open_environment(), Job(scratch.url(), revisions, "unused"))


def test_a_marked_database_is_run_on(
    enter_story: EnterStory, create_database: CreateDatabase, database: Database, connect: Connect
) -> None:
    enter_story("generic")
    scratch = create_database()
    stand_ins(scratch, marker=MARKER)
    result = replayed(scratch, "3f1c8a5d2b90", "7be04d19c6a3")
    assert result.error is None
    assert [(step.revision, step.read, len(step.pieces)) for step in result.steps] == [
        ("3f1c8a5d2b90", "replayed", 2),
        ("7be04d19c6a3", "replayed", 2),
    ]
    assert ("orders",) in objects(connect, scratch)
    assert objects(connect, database) == []


@pytest.mark.parametrize("story", ["generic", "percent", "async"])
def test_a_database_without_the_marker_is_refused_before_anything_is_run(
    story: str, enter_story: EnterStory, create_database: CreateDatabase, connect: Connect
) -> None:
    enter_story(story)
    other = create_database()
    result = replayed(other, open_environment().heads[0])
    assert result.steps == ()
    assert result.error == "env.py did not connect to the scratch database; nothing was run"
    assert objects(connect, other) == []


POOLED = """
import os
import sqlalchemy as sa
from alembic.config import Config

engine = sa.create_engine(os.environ["DATABASE_URL"], pool_size=1, max_overflow=0)
with engine.connect() as connection:
    connection.execute(sa.text("SELECT 1"))


def configure():
    config = Config()
    config.set_main_option("script_location", "migrations")
    return config
"""
ENV = """
from alembic import context
from shop import engine

with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""


def test_an_engine_with_a_pooled_connection_to_production_never_runs_a_preview_there(
    enter_story: EnterStory, database: Database, connect: Connect, postgres: Database
) -> None:
    folder = enter_story("programmatic")
    (folder / "shop.py").write_text(POOLED)
    (folder / "migrations" / "env.py").write_text(ENV)
    write_chain(folder, f'{ASK}\nop.execute("CREATE TABLE touched (id integer)")')
    seen, *_ = previewed(open_environment(config_from="shop:configure"), scratch_url=postgres.url())
    (step,) = seen.plan.steps
    assert step.read == "unreadable"
    assert f"{step.unreadable}".endswith("env.py did not connect to the scratch database; nothing was run")
    assert objects(connect, database) == []


def plan_for(scratch_url: str, story: Path | None = None) -> Plan:
    return previewed(open_environment(), scratch_url=scratch_url)[0].plan


def test_revisions_that_read_rows_are_read_in_full(
    enter_story: EnterStory, postgres: Database, connect: Connect, database: Database
) -> None:
    enter_story("reads_rows")
    plan = plan_for(postgres.url())
    assert [step.read for step in plan.steps] == ["offline", "offline", "replayed", "replayed", "replayed"]
    cents, index, slug = plan.steps[2:]
    updates = [(each.line, each.sql) for each in cents.statements if each.sql.startswith("UPDATE")]
    assert updates == [
        (29, f"UPDATE products SET price_cents = {cents} WHERE id = {number}")
        for number, cents in ((1, 350), (2, 1200), (3, 4990))
    ]
    assert [(each.line, each.operation, each.sql) for each in index.statements] == [
        (25, "op.create_index", "CREATE INDEX ix_products_name ON products (name)")
    ]
    assert [(each.line, each.operation) for each in slug.statements][-1] == (39, "op.alter_column")
    assert any(each.sql.startswith("UPDATE products SET slug") and each.line == 38 for each in slug.statements)
    assert "without rows" in cents.notes[-1]
    assert objects(connect, database) == []


def test_a_replay_starts_from_a_copy_of_the_schema_without_its_rows(
    enter_story: EnterStory, postgres: Database, connect: Connect
) -> None:
    enter_story("generic")
    write_chain(
        enter_story("generic"),
        'for row in op.get_bind().execute(sa.text("SELECT 1 FROM kept")): op.execute("SELECT 2")\n'
        'op.execute("ALTER TABLE kept ADD COLUMN later text")',
    )
    connect().execute("CREATE TABLE kept (id integer)")
    connect().execute("INSERT INTO kept VALUES (1)")
    (step,) = plan_for(postgres.url()).steps
    assert [each.sql for each in step.statements] == ["SELECT 1 FROM kept", "ALTER TABLE kept ADD COLUMN later text"]
    assert step.read == "replayed"


def test_the_way_back_is_replayed_too(enter_story: EnterStory, postgres: Database) -> None:
    folder = enter_story("generic")
    (folder / "migrations" / "versions" / "f0_written.py").unlink(missing_ok=True)
    down = f'if "t" in {ASK}:\n    op.drop_table("t")'
    write_revision(folder, "f0", "c05b3e86d7f1", 'op.execute("CREATE TABLE t (id integer)")', down)
    seen, *_ = previewed(open_environment(), scratch_url=postgres.url())
    assert seen.back is not None
    assert [(each.sql, each.line) for each in seen.back.steps[0].statements] == [("DROP TABLE t", FIRST_LINE + 5)]
    assert seen.back.steps[0].read == "replayed"


def test_a_downgrade_that_looks_at_the_database_is_replayed(enter_story: EnterStory, postgres: Database) -> None:
    folder = enter_story("generic")
    down = f'if "t" in {ASK}:\n    op.drop_table("t")'
    write_revision(folder, "f0", "c05b3e86d7f1", 'op.execute("CREATE TABLE t (id integer)")', down)
    command.upgrade(Config("alembic.ini"), "f0")
    seen, *_ = previewed(open_environment(), "-1", direction="downgrade", scratch_url=postgres.url())
    (step,) = seen.plan.steps
    assert [(each.sql, each.line) for each in step.statements] == [("DROP TABLE t", FIRST_LINE + 5)]
    assert (step.revision, step.read) == ("f0", "replayed")


@pytest.mark.parametrize("story", ["generic", "percent", "async", "flask"])
def test_every_driver_tells_what_it_sent(story: str, enter_story: EnterStory, postgres: Database) -> None:
    folder = enter_story(story)
    write_chain(
        folder,
        f"{ASK}\n"
        'op.create_table("t", sa.Column("n", sa.Integer), sa.Column("b", sa.Text, server_default="50%"))\n'
        "op.execute(\"INSERT INTO t (b) VALUES ('100% %s')\")\n"
        'op.get_bind().execute(sa.text("UPDATE t SET b = :b WHERE n = :n"), {"b": "it\'s 5% \\\\ $1", "n": 2})\n'
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("ix", "t", ["n"], postgresql_concurrently=True)\n'
        "op.execute(\"COMMENT ON TABLE t IS '%'\")",
    )
    (step,) = plan_for(postgres.url()).steps
    sent = [(each.line or 0, each.operation, each.transaction, " ".join(each.sql.split())) for each in step.statements]
    assert sent == [
        (FIRST_LINE + 1, "op.create_table", 0, "CREATE TABLE t ( n INTEGER, b TEXT DEFAULT '50%' )"),
        (FIRST_LINE + 2, "op.execute", 0, "INSERT INTO t (b) VALUES ('100% %s')"),
        (FIRST_LINE + 3, None, 0, next(form for form in UPDATES if form == sent[2][3])),
        (FIRST_LINE + 5, "op.create_index", None, "CREATE INDEX CONCURRENTLY ix ON t (n)"),
        (FIRST_LINE + 6, "op.execute", 1, "COMMENT ON TABLE t IS '%'"),
    ]


# A value with a backslash is quoted in two ways that mean the same.
UPDATES = (
    r"UPDATE t SET b = 'it''s 5% \ $1' WHERE n = 2",
    r"UPDATE t SET b = E'it''s 5% \\ $1' WHERE n = 2",
    r"UPDATE t SET b = 'it''s 5% \ $1'::VARCHAR WHERE n = 2::INTEGER",
    r"UPDATE t SET b =  E'it''s 5% \\ $1' WHERE n = 2",
)


def test_an_extension_that_the_scratch_server_lacks_has_a_stand_in(
    enter_story: EnterStory, postgres: Database, connect: Connect
) -> None:
    available = connect().execute("SELECT FROM pg_available_extensions WHERE name = 'pgcrypto'").fetchone() is not None
    write_chain(
        enter_story("generic"),
        'op.execute("CREATE EXTENSION IF NOT EXISTS pgcrypto")\n'
        "op.execute(\"CREATE TABLE t (k bytea DEFAULT gen_random_bytes(16), h bytea DEFAULT digest('a', 'md5'))\")\n"
        f"{ASK}",
    )
    (step,) = plan_for(postgres.url()).steps
    assert step.unreadable is None
    assert [each.line for each in step.statements] == [FIRST_LINE, FIRST_LINE + 1]
    noted = "extension pgcrypto is not on the scratch server; stand-ins were used for it" in step.notes
    assert noted == (not available)


def test_a_replay_that_fails_says_where_and_keeps_what_was_rendered(
    enter_story: EnterStory, postgres: Database
) -> None:
    write_chain(
        enter_story("generic"),
        'op.execute("CREATE TABLE t (id integer)")',
        'assert op.get_bind().scalar(sa.text("SELECT count(*) FROM t")) > 0, "t is empty"',
        'op.execute("ALTER TABLE t ADD COLUMN n integer")',
    )
    first, second, third = plan_for(postgres.url()).steps
    assert (first.read, second.read, third.read) == ("offline", "unreadable", "offline")
    reason = f"line {FIRST_LINE}: reads the database (scalar); on a scratch server: "
    assert second.unreadable == f"{reason}AssertionError: t is empty"
    assert [each.sql for each in third.statements] == ["ALTER TABLE t ADD COLUMN n integer"]


def test_without_a_scratch_server_it_is_said_to_be_unreadable(enter_story: EnterStory) -> None:
    write_chain(enter_story("generic"), ASK)
    (step,) = plan_for("postgresql://127.0.0.1:1/none").steps
    assert step.read == "unreadable"
    assert "on a scratch server: Cannot connect to 127.0.0.1:1/none" in f"{step.unreadable}"


def test_a_child_that_cannot_start_says_why(enter_story: EnterStory, postgres: Database) -> None:
    folder = enter_story("programmatic")
    write_chain(folder, ASK)
    environment = open_environment(config_from="migrate:configure")
    (folder / "migrate.py").unlink()
    del sys.modules["migrate"]
    (step,) = previewed(environment, scratch_url=postgres.url())[0].plan.steps
    assert "on a scratch server: config_from 'migrate:configure': ModuleNotFoundError" in f"{step.unreadable}"


def test_a_version_table_with_capitals_is_copied(enter_story: EnterStory, run_to: RunTo, postgres: Database) -> None:
    folder = enter_story("version_table_schema")
    env_py = folder / "migrations" / "env.py"
    env_py.write_text(env_py.read_text().replace("shop_revision", "ShopRevision").replace('="bookkeeping', '="Books'))
    env_py.write_text(env_py.read_text().replace("EXISTS bookkeeping", 'EXISTS \\"Books\\"'))
    assert outcomes(run_to()) == ["done", "done"]
    write_revision(folder, "f0", "d1d1d1d1d1d1", f'{ASK}\nop.execute("ALTER TABLE carts ADD COLUMN late text")')
    plan = plan_for(postgres.url())
    assert plan.version_table == "Books.ShopRevision"
    (step,) = plan.steps
    assert (step.unreadable, [each.sql for each in step.statements]) == (
        None,
        ["ALTER TABLE carts ADD COLUMN late text"],
    )
    assert outcomes(run_to()) == ["done"]


@pytest.mark.parametrize(
    ("driver", "arguments"),
    [
        ("psycopg", {"options": "-csearch_path=app,public", "sslmode": "require"}),
        ("psycopg2", {"options": "-c search_path=app,public", "sslmode": "require"}),
        ("asyncpg", {"server_settings": {"search_path": "app,public"}}),
    ],
)
def test_what_env_py_sets_for_its_session_holds_on_another_server_too(
    driver: str,
    arguments: dict[str, object],
    enter_story: EnterStory,
    create_database: CreateDatabase,
    connect: Connect,
) -> None:
    folder = with_driver(enter_story, driver)
    env_py = folder / "migrations" / "env.py"
    env_py.write_text(env_py.read_text().replace("poolclass=", f"connect_args={arguments}, poolclass="))
    other = create_database()
    connect(other).execute("CREATE SCHEMA app")
    reading = read(open_environment(), "head", url=other.url())
    assert reading.search_path == ("app", "public")
    assert reading.connection is not None
    assert Database.from_parameters(reading.connection).dbname == other.dbname
