"""`op.verify`, `op.enable_extension` and `op.disable_extension`, online, offline and under migsafe."""

import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

import migsafe_alembic.operations
from fix_alembic import Environment, Run
from fix_postgres import Connect
from migsafe.postgres.connection import Database
from migsafe_alembic.operations import DisableExtensionOp, EnableExtensionOp, OwnVerify, VerifyFailed

pytestmark = pytest.mark.alembic_matrix

Op = Any  # Alembic adds operations at run time, a type checker sees none of them


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    engine = sa.create_engine(database.url("psycopg"), poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        yield connection


@pytest.fixture
def op(connection: sa.Connection) -> Op:
    return Operations(MigrationContext.configure(connection))


@pytest.fixture
def sent(connection: sa.Connection) -> list[str]:
    statements: list[str] = []

    @sa.event.listens_for(connection, "before_cursor_execute")
    def remember(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    return statements


def offline(write: Callable[[Op], object], dialect: str = "postgresql") -> str:
    buffer = io.StringIO()
    context = MigrationContext.configure(dialect_name=dialect, opts={"as_sql": True, "output_buffer": buffer})
    write(Operations(context))
    return buffer.getvalue()


HOLDS: list[dict[str, Any]] = [
    {"sql": "SELECT true"},
    {"sql": "SELECT 1 + 1", "equals": 2},
    {"sql": "SELECT '5%' LIKE '%\\%'"},
    {"sql": "SELECT '12:30'::time::text", "equals": "12:30:00"},
    {"sql": "SELECT NULL", "equals": None},
    {"sql": "SELECT FROM pg_class WHERE false;", "no_rows": True},
    {"sql": "SELECT 'a;b' ; ", "equals": "a;b"},
]

FAILS: list[tuple[dict[str, Any], str]] = [
    ({"sql": "SELECT count(*) FROM generate_series(1, 1)"}, "the query returned 1, expected True"),
    ({"sql": "SELECT false", "equals": 0}, "the query returned False, expected 0"),
    ({"sql": "SELECT NULL"}, "the query returned None, expected True"),
    ({"sql": "SELECT 1 WHERE false", "equals": 1}, "the query returned no row, expected 1"),
    ({"sql": "SELECT 1, 2", "equals": 1}, "the query returned 2 columns, expected 1"),
    ({"sql": "SELECT generate_series(1, 9)", "equals": 1}, "the query returned several rows, expected 1"),
    (
        {"sql": "SELECT 7, 'x'", "no_rows": True, "name": "nothing left"},
        "verification failed: nothing left: the query returned rows, the first is (7, 'x'), expected no rows",
    ),
    ({"sql": "SET application_name = 'x'"}, "op.verify needs a query that returns rows: SET application_name = 'x'"),
]


@pytest.mark.parametrize("arguments", HOLDS, ids=str)
def test_a_check_that_holds_passes(arguments: dict[str, Any], op: Op) -> None:
    op.verify(**arguments)


@pytest.mark.parametrize(("arguments", "message"), FAILS, ids=str)
def test_a_check_that_does_not_hold_says_what_came_instead(arguments: dict[str, Any], message: str, op: Op) -> None:
    with pytest.raises(VerifyFailed) as caught:
        op.verify(**arguments)
    assert message in str(caught.value)


def test_offline_a_check_becomes_a_comment() -> None:
    script = offline(lambda op: op.verify("SELECT count(*)\n  FROM orders;\n", equals=0, name="no orders\nyet"))
    assert script == "-- verify: no orders\n-- yet\n-- SELECT count(*)\n--   FROM orders\n-- expected: 0\n\n"
    assert offline(lambda op: op.verify("SELECT true")) == "-- verify: SELECT true\n-- expected: True\n\n"
    assert offline(lambda op: op.verify("SELECT 1", no_rows=True)).endswith("-- expected: no rows\n\n")


def test_a_collector_gets_the_check_and_the_server_is_not_asked(
    op: Op, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    collected: list[OwnVerify] = []
    monkeypatch.setattr(migsafe_alembic.operations, "collector", collected.append)
    op.verify("SELECT false", name="never asked")
    assert offline(lambda op: op.verify("SELECT 2", equals=2)) == ""
    assert sent == []
    assert collected == [
        OwnVerify("SELECT false", True, False, "never asked"),
        OwnVerify("SELECT 2", 2, False, None),
    ]


def test_an_extension_is_created_once(op: Op, sent: list[str]) -> None:
    for _ in range(2):
        op.enable_extension("hstore")
    assert [statement for statement in sent if "CREATE" in statement] == ["CREATE EXTENSION IF NOT EXISTS hstore"]


def test_an_extension_goes_into_its_schema_with_what_it_needs(op: Op, connection: sa.Connection) -> None:
    op.execute('CREATE SCHEMA "Ext: 1"')
    op.enable_extension("earthdistance", schema="Ext: 1", cascade=True)
    query = "SELECT extname, extnamespace::regnamespace::text FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"
    assert [tuple(row) for row in connection.exec_driver_sql(query)] == [
        ("cube", '"Ext: 1"'),
        ("earthdistance", '"Ext: 1"'),
    ]


@pytest.mark.pgvector
def test_an_enabled_vector_has_its_index_method(op: Op) -> None:
    op.enable_extension("vector")
    op.execute("CREATE TABLE messages (embedding vector(3))")
    op.execute("CREATE INDEX ON messages USING hnsw (embedding vector_cosine_ops)")
    op.verify("SELECT count(*) FROM pg_indexes WHERE tablename = 'messages' AND indexdef LIKE '%hnsw%'", equals=1)


def test_an_installed_extension_of_another_version_stays_and_is_told(
    op: Op, sent: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    op.enable_extension("hstore")
    sent.clear()
    with caplog.at_level(logging.WARNING, "alembic.migsafe"):
        op.enable_extension("hstore", version="0.9")
    assert not any("CREATE" in statement for statement in sent)
    assert "not 0.9" in caplog.text


def test_disabling_an_extension_that_is_in_use_fails_instead_of_dropping_columns(
    op: Op, connection: sa.Connection
) -> None:
    op.enable_extension("hstore")
    op.execute("CREATE TABLE settings (settings hstore)")
    with pytest.raises(sa.exc.DBAPIError, match="other objects depend on it"), connection.begin_nested():
        op.disable_extension("hstore")
    op.drop_table("settings")
    op.disable_extension("hstore")
    assert connection.exec_driver_sql("SELECT FROM pg_extension WHERE extname = 'hstore'").first() is None


def test_offline_the_extension_is_created_if_not_exists() -> None:
    def write(op: Op) -> None:
        op.enable_extension("vector", schema="select", version="0.8'0", cascade=True)
        op.disable_extension("uuid-ossp")

    assert offline(write) == (
        "CREATE EXTENSION IF NOT EXISTS vector SCHEMA \"select\" VERSION '0.8''0' CASCADE;\n\n"
        'DROP EXTENSION "uuid-ossp";\n\n'
    )


def test_extensions_are_refused_on_another_database() -> None:
    for write in (lambda op: op.enable_extension("vector"), lambda op: op.disable_extension("vector")):
        with pytest.raises(CommandError, match="is for PostgreSQL; this migration runs on mysql"):
            offline(write, dialect="mysql")


def test_each_extension_operation_reverses_into_the_other() -> None:
    assert isinstance(EnableExtensionOp("vector").reverse(), DisableExtensionOp)
    assert DisableExtensionOp("vector").reverse().to_diff_tuple() == ("enable_extension", "vector")
    assert EnableExtensionOp("vector").reverse().to_diff_tuple() == ("disable_extension", "vector")


def test_inside_a_batch_they_act_at_once_and_the_batch_still_runs(op: Op, connection: sa.Connection) -> None:
    op.create_table("settings", sa.Column("id", sa.Integer(), primary_key=True))
    with op.batch_alter_table("settings") as batch:
        batch.add_column(sa.Column("name", sa.Text()))
        op.enable_extension("hstore")
        op.verify("SELECT count(*) FROM pg_extension WHERE extname = 'hstore'", equals=1)
        op.verify("SELECT FROM pg_attribute WHERE attname = 'name' AND attrelid = 'settings'::regclass", no_rows=True)
    assert [column["name"] for column in sa.inspect(connection).get_columns("settings")] == ["id", "name"]


REVISION = '''
"""check the shop"""
from alembic import op
import migsafe_alembic.operations  # Alembic before 1.18 loads no plugins

revision = "f0f0f0f0f0f0"
down_revision = {head!r}


def upgrade():
    op.enable_extension("citext")
    op.execute("CREATE TABLE checked (email citext)")
    op.verify("SELECT count(*) FROM checked", equals={rows}, name="nobody has {rows} per cent: 5%")


def downgrade():
    op.drop_table("checked")
    op.disable_extension("citext")
'''

COLLECT = """
import migsafe_alembic.operations
from alembic.config import main
migsafe_alembic.operations.collector = lambda check: print(check.revision, check.line, check.wanted)
main(argv=["upgrade", "head"])
"""

# One story a driver.
DRIVERS = {"generic": "c05b3e86d7f1", "percent": "636363636363", "async": "3f90b2cd56e7"}


def with_revision(folder: Path, head: str, rows: int) -> Path:
    path = folder / "migrations" / "versions" / "f0f0f0f0f0f0_check_the_shop.py"
    path.write_text(REVISION.format(head=head, rows=rows))
    return folder


@pytest.mark.parametrize("story", DRIVERS)
def test_plain_alembic_runs_them_with_every_driver(
    story: str, environment: Environment, database: Database, connect: Connect, alembic: Run
) -> None:
    folder = with_revision(environment(story, database), DRIVERS[story], rows=0)
    done = alembic(folder, "upgrade head", "downgrade -1", "upgrade head")
    assert done.returncode == 0, done.stderr
    assert connect().execute("SELECT version_num FROM alembic_version").fetchone() == ("f0f0f0f0f0f0",)


def test_a_failed_check_rolls_back_and_names_its_line(
    environment: Environment, database: Database, connect: Connect, alembic: Run
) -> None:
    folder = with_revision(environment("generic", database), DRIVERS["generic"], rows=3)
    done = alembic(folder, "upgrade head")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "f0f0f0f0f0f0_check_the_shop.py:13: verification failed: nobody has 3 per cent: 5%" in said
    assert "the query returned 0, expected 3" in said
    assert "Traceback" not in said
    assert connect().execute("SELECT to_regclass('checked'), to_regclass('orders')").fetchone() == (None, None)


def test_a_check_knows_the_revision_that_wrote_it(environment: Environment, database: Database, python: Run) -> None:
    folder = with_revision(environment("generic", database), DRIVERS["generic"], rows=3)
    done = python(folder, "-c", COLLECT)
    assert (done.returncode, done.stdout) == (0, "f0f0f0f0f0f0 13 3\n"), done.stderr
