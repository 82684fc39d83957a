"""functions.txt is what pg_proc of PostgreSQL 18 says. `python tests/sql/test_functions.py URL` writes it anew."""

import sys
import textwrap
from pathlib import Path

import psycopg

from fix_postgres import Connect
from migsafe.sql import expressions

FILE = Path(expressions.__file__).with_name("functions.txt")
HEADER = """\
# The functions of PostgreSQL 18 by volatility (pg_proc); the most volatile one counts where a name has several.
# Made by tests/sql/test_functions.py; that test fails when it is stale.
"""
QUERY = """
    SELECT proname, max(CASE provolatile WHEN 'v' THEN 2 WHEN 's' THEN 1 ELSE 0 END)
    FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY proname ORDER BY proname COLLATE "C"
"""


def _text(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    rows = connection.execute(QUERY).fetchall()
    parts = [HEADER]
    for number, title in ((2, "volatile"), (1, "stable"), (0, "immutable")):
        words = " ".join(str(name) for name, volatility in rows if volatility == number)
        parts.append(f"[{title}]\n{textwrap.fill(words, 118, break_long_words=False, break_on_hyphens=False)}\n")
    return "".join(parts)


def test_the_table_of_functions_is_that_of_the_server(connect: Connect) -> None:
    assert FILE.read_text(encoding="utf-8") == _text(connect())


if __name__ == "__main__":
    with psycopg.connect(sys.argv[1]) as server:
        FILE.write_text(_text(server), encoding="utf-8")
