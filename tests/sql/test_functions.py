"""functions.txt is what pg_proc of PostgreSQL 18 says. `python tests/sql/test_functions.py URL` writes it anew."""

import sys
import textwrap
from pathlib import Path

import psycopg
import pytest

from fix_postgres import VERSION, Connect
from migsafe.postgres.catalog import read
from migsafe.postgres.observe import observe
from migsafe.sql import expressions
from migsafe.sql.predict import predict

FILE = Path(expressions.__file__).with_name("functions.txt")
HEADER = """\
# The functions of PostgreSQL 18 by volatility (pg_proc); the most volatile one counts where a name has several.
# Made by tests/sql/test_functions.py; that test fails when it is stale.
"""
QUERY = """
    SELECT proname, max(CASE provolatile WHEN 'v' THEN 2 WHEN 's' THEN 1 ELSE 0 END)
    FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY proname ORDER BY proname COLLATE "C"
"""


# What older servers say of functions that are there in 18 too; 14: timezone(text, timetz) is volatile.
OTHERWISE = {14: {"timezone": "v", "interval_out": "i"}}


def _volatilities(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, str]:
    return {str(name): "isv"[int(str(number))] for name, number in connection.execute(QUERY)}


def _text(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    found = _volatilities(connection)
    parts = [HEADER]
    for letter, title in (("v", "volatile"), ("s", "stable"), ("i", "immutable")):
        words = " ".join(name for name, volatility in found.items() if volatility == letter)
        parts.append(f"[{title}]\n{textwrap.fill(words, 118, break_long_words=False, break_on_hyphens=False)}\n")
    return "".join(parts)


@pytest.mark.needs_18
def test_the_table_of_functions_is_that_of_the_server(connect: Connect) -> None:
    assert FILE.read_text(encoding="utf-8") == _text(connect())


def test_of_the_functions_of_an_older_server_the_table_says_the_same_but_for_two(connect: Connect) -> None:
    known = expressions.builtin_volatility()
    found = {name: letter for name, letter in _volatilities(connect()).items() if name in known}
    assert len(found) > 2500
    assert {name: letter for name, letter in found.items() if known[name] != letter} == OTHERWISE.get(VERSION, {})


@pytest.mark.parametrize(
    "default",
    [
        "timezone('utc', now())",
        "timezone('utc', '2020-01-01')",
        "timezone('utc', current_time(3))",
        "timezone('utc', localtime)",
        "timezone('utc', now()::timetz)",
        "timezone(INTERVAL '1 hour', current_time)",
        "(current_time AT TIME ZONE 'utc')",
    ],
)
def test_a_time_in_another_zone_is_volatile_where_the_server_says_so(default: str, connect: Connect) -> None:
    connection = connect()
    connection.execute("CREATE TABLE t (a int)")
    kind = "timestamp" if "now())" in default or "2020" in default else "timetz"
    statement = f"ALTER TABLE t ADD b {kind} DEFAULT {default}"
    predicted = predict(statement, read(connection), VERSION)
    assert predicted.rewrites == observe(statement, connection).rewrites
    assert VERSION < 15 or not predicted.rewrites


if __name__ == "__main__":
    with psycopg.connect(sys.argv[1]) as server:
        FILE.write_text(_text(server), encoding="utf-8")
