"""The database of the chat application: a role with a password, 200,000 rows, some thousand embeddings."""

import secrets
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from migsafe.errors import ToolMissing
from migsafe.postgres.connection import Database, connect

BATCH = 200

_FILL = (
    """
    INSERT INTO users (name, last_seen_at)
    SELECT 'user ' || n, now() - n * interval '1 minute' FROM generate_series(1, %(users)s) n
    """,
    """
    INSERT INTO chat_messages (user_id, role, content, created_at)
    SELECT 1 + n %% %(users)s, CASE n %% 2 WHEN 0 THEN 'assistant' ELSE 'user' END,
           'message ' || n || ': ' || repeat(md5(n::text) || ' ', 3), now() - (%(messages)s - n) * interval '1 second'
      FROM generate_series(1, %(messages)s) n
    """,
    """
    INSERT INTO chat_sources (message_id, title, url)
    SELECT 1 + n %% %(messages)s, 'source ' || n, 'https://help.example/' || md5(n::text)
      FROM generate_series(1, %(sources)s) n
    """,
)
# Deterministic vectors of length 1 in directions of their own, as a model's embeddings are.
_EMBED = """
    UPDATE chat_messages SET embedding = (
        SELECT l2_normalize(array_agg(sin(id * 0.7 + n * (1 + id %% 97)))::real[]::vector(1536))
          FROM generate_series(1, 1536) n)
     WHERE id BETWEEN %s AND %s
"""


class Size(msgspec.Struct, frozen=True):
    """Rows a table, and how many messages get an embedding."""

    users: int
    messages: int
    sources: int
    embeddings: int


class Counts(msgspec.Struct, frozen=True):
    """Rows, and a hash over every message and embedding, of what has an id up to the one in `Mark`."""

    users: int
    chat_messages: int
    chat_sources: int
    embeddings: int
    content: str


class Mark(msgspec.Struct, frozen=True):
    """The last ids at a moment. Only one session writes: what has a smaller id was there at that moment."""

    message: int
    source: int


def sized(rows: int) -> Size:
    """`rows` rows in all, as a chat application has them: far more messages than users."""
    users, sources = rows // 100, rows * 2 // 5
    return Size(users, rows - users - sources, sources, rows // 100)


def own(database: Database) -> Database:
    """The same database to a role `chat` that owns it and has a password: superuser, as in the usual container.

    Raises ToolMissing when the server has no pgvector.
    """
    password = f"demo/{secrets.token_hex(8)}@'50%"
    with connect(database) as connection:
        if connection.execute("SELECT FROM pg_available_extensions WHERE name = 'vector'").fetchone() is None:
            raise ToolMissing(
                "The demo needs pgvector, which this server does not have",
                'pip install "alembic-migsafe[embedded]": its server has it.',
            )
        owner = sql.SQL("CREATE ROLE chat SUPERUSER LOGIN PASSWORD {}").format(sql.Literal(password))
        connection.execute(owner)
        name = sql.Identifier(database.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO chat").format(name))
    return database.replace(user="chat", password=password)


def fill(database: Database, size: Size) -> None:
    """Put `size` rows into the tables of revision 0001."""
    with connect(database, autocommit=False) as connection:
        for statement in _FILL:
            connection.execute(statement, msgspec.structs.asdict(size))
    with connect(database) as connection:
        connection.execute("VACUUM ANALYZE")


def embed(database: Database, size: Size) -> None:
    """Give the first messages their embedding, a few hundred a transaction as a careful team does it."""
    with connect(database) as connection:
        for first in range(1, size.embeddings + 1, BATCH):
            connection.execute(_EMBED, (first, min(first + BATCH - 1, size.embeddings)))
        connection.execute("ANALYZE chat_messages")


def version(database: Database) -> str:
    """Where Alembic says that the database is."""
    with connect(database, read_only=True) as connection:
        return str(_row(connection, "SELECT version_num FROM alembic_version")[0])


def mark(database: Database) -> Mark:
    """The last ids there are now."""
    with connect(database) as connection:
        return Mark(*_row(connection, "SELECT (SELECT max(id) FROM chat_messages), (SELECT max(id) FROM chat_sources)"))


def count(database: Database, until: Mark | None = None) -> Counts:
    """What is there, all of it or only what was there at the moment `until`."""
    # No id is as large as the largest bigint.
    until = until or Mark(2**63 - 1, 2**63 - 1)
    with connect(database, read_only=True) as connection:
        return Counts(*_row(connection, _COUNT, msgspec.structs.asdict(until)))


_COUNT = """
    SELECT (SELECT count(*) FROM users),
           (SELECT count(*) FROM chat_messages WHERE id <= %(message)s),
           (SELECT count(*) FROM chat_sources WHERE id <= %(source)s),
           (SELECT count(embedding) FROM chat_messages WHERE id <= %(message)s),
           (SELECT md5(string_agg(md5(concat_ws('|', id, user_id, role, content, embedding)), '' ORDER BY id))
              FROM chat_messages WHERE id <= %(message)s)
"""


def _row(connection: psycopg.Connection[Any], query: str, values: dict[str, Any] | None = None) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query, values).fetchone()
    assert row is not None
    return row
