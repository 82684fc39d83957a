"""The chat application: reads and writes all the time, knows nothing of migrations, writes down how long it waited.

Run as `python -m migsafe.demo.application LOG`, with the connection in the environment, until its standard input ends.
"""

import json
import random
import select
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

PAUSE = 0.05

# Every column is named: the application goes on working while others are added and taken away.
_USER = "SELECT id, name FROM users WHERE id = %s"
_SEEN = "UPDATE users SET last_seen_at = now() WHERE id = %s"
_HISTORY = "SELECT id, role, content FROM chat_messages WHERE user_id = %s ORDER BY created_at DESC LIMIT 10"
_SOURCES = "SELECT title, url FROM chat_sources WHERE message_id = ANY(%s) ORDER BY id"
_SAY = "INSERT INTO chat_messages (user_id, role, content) VALUES (%s, %s, %s) RETURNING id"
_CITE = "INSERT INTO chat_sources (message_id, title, url) VALUES (%s, %s, %s)"


def main(log: Path) -> None:
    """One transaction after the other; a line of `log` for each: when, for how many seconds, which error."""
    dice = random.Random(1)  # noqa: S311  chooses users, not keys
    with psycopg.connect(application_name="chat application") as connection, log.open("a", encoding="utf-8") as lines:
        (users,) = _first(connection.execute("SELECT count(*) FROM users"))
        connection.commit()
        while not select.select([sys.stdin], [], [], PAUSE)[0]:
            print(json.dumps(_timed(connection, 1 + dice.randrange(users))), file=lines, flush=True)


def _timed(connection: psycopg.Connection[Any], user: int) -> dict[str, Any]:
    at, began, error = time.time(), time.perf_counter(), None
    try:
        with connection.transaction():
            _chat(connection, user)
    except psycopg.Error as problem:
        error = f"{type(problem).__name__}: {problem}"
    return {"at": at, "seconds": time.perf_counter() - began, "error": error}


def _chat(connection: psycopg.Connection[Any], user: int) -> None:
    _, name = _first(connection.execute(_USER, (user,)))
    history = connection.execute(_HISTORY, (user,)).fetchall()
    connection.execute(_SOURCES, ([message for message, _, _ in history],)).fetchall()
    connection.execute(_SAY, (user, "user", f"{name} asks about invoices"))
    (answer,) = _first(connection.execute(_SAY, (user, "assistant", "They are sent on the first of the month.")))
    connection.execute(_CITE, (answer, "Billing", "https://help.example/billing"))
    connection.execute(_SEEN, (user,))


def _first(cursor: psycopg.Cursor[Any]) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        raise psycopg.DataError("a row that was there is gone")
    return row


if __name__ == "__main__":
    main(Path(sys.argv[1]))
