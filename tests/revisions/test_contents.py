"""What is rendered does to a database exactly what Alembic does: percent signs, backslashes, tabs, quotes, values."""

import re

import pytest
from alembic import command
from alembic.config import Config

from fix_postgres import Connect, Connection
from fix_stories import CreateDatabase, EnterStory, with_driver, write_chain
from migsafe.revisions.config import open_environment
from migsafe.revisions.read import read

pytestmark = [pytest.mark.alembic_matrix, pytest.mark.filterwarnings("ignore:invalid escape sequence")]

VALUES = r"""
op.create_table(
    "t",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("body", sa.Text, server_default="50% \\ 'of' :it", comment="100% %s \\d"),
    sa.Column("at", sa.DateTime(timezone=True)),
    sa.Column("amount", sa.Numeric(8, 2)),
    sa.Column("yes", sa.Boolean),
    sa.Column("key", sa.Uuid),
    sa.Column("day", sa.Date),
)
import datetime, decimal, uuid
t = sa.table(
    "t", sa.column("id", sa.Integer), sa.column("body", sa.Text), sa.column("at", sa.DateTime(timezone=True)),
    sa.column("amount", sa.Numeric), sa.column("yes", sa.Boolean), sa.column("key", sa.Uuid), sa.column("day", sa.Date),
)
at = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)
op.bulk_insert(t, [{"id": 1, "body": "tab\t%s%% \\n \n '' \" $1 :a ; -- no", "at": at, "yes": True}])
op.bulk_insert(t, [{"id": 2, "amount": decimal.Decimal("10.50"), "key": uuid.UUID(int=7), "day": at.date()}])
bind = op.get_bind()
bind.execute(sa.text("INSERT INTO t (id, body) VALUES (3, :body), (4, 'a:b ' || :body)"), {"body": r"C:\new 100%"})
bind.execute(t.insert(), [{"id": 5, "body": "five"}, {"id": 6, "body": None}])
bind.execute(t.update().where(t.c.id == sa.bindparam("it")).values(body=t.c.body + "%"), {"it": 3})
bind.execute(t.delete().where(t.c.id.in_([4, 99])))
op.execute(t.update().where(t.c.body.like("five%")).values(amount=decimal.Decimal("0.10")))
op.execute(r"UPDATE t SET body = body || E'\t' || 'c\:\:d' WHERE id = 5")
bind.exec_driver_sql("UPDATE t SET yes = false WHERE body ~ '^five'")
"""

TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
SCHEMA = (
    "SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull,"
    " pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)"
    " FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
    f" WHERE attnum > 0 AND attrelid::regclass::text IN ({TABLES})",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT proname, prosrc, obj_description(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "SELECT relname, relrowsecurity FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "SELECT enumlabel FROM pg_enum",
)

CLOCK = re.compile(r"[\d-]{10} \d\d:\d\d:\d\d\.\d+\+00")


def contents(connection: Connection) -> dict[str, list[str]]:
    """Every row of every table but the version table, and everything that a schema says about them."""
    connection.execute("DROP TABLE IF EXISTS alembic_version")
    names = [name for (name,) in connection.execute(TABLES)]
    queries = (*SCHEMA, *(f"SELECT x::text FROM {name} x" for name in names))
    found = {query: connection.execute(query.encode()).fetchall() for query in queries}
    return {query: sorted(CLOCK.sub("now", repr(row)) for row in rows) for query, rows in found.items()}


DRIVERS = ("psycopg", "psycopg2", "asyncpg")


@pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
@pytest.mark.parametrize("story", ["percent", "helpers", *DRIVERS])
def test_the_rendered_sql_does_what_alembic_does(
    story: str, offline: bool, enter_story: EnterStory, create_database: CreateDatabase, connect: Connect
) -> None:
    if story in DRIVERS:
        write_chain(with_driver(enter_story, story), VALUES)
    else:
        enter_story(story)
    steps = read(open_environment(), "head", start=() if offline else None).steps
    assert [step.unreadable for step in steps] == [None] * len(steps)
    other = connect(create_database())
    for piece in (piece for step in steps for piece in step.pieces):
        other.execute(piece.sql.encode())
    command.upgrade(Config("alembic.ini"), "head")
    assert contents(other) == contents(connect())
