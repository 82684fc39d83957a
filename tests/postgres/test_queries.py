"""The `.sql` files of the package."""

import contextlib
import re
from importlib.resources import files

import psycopg
import pytest

from fix_postgres import VERSION, Connect
from migsafe.postgres import queries

# What they read came with that version; catalog.py asks older servers in another way, or not at all.
SINCE = {"catalog_constraints": 18, "catalog_published_schemas": 15}
_NOT_THERE = (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable)


def _all() -> list[str]:
    return sorted(queries._queries())


def test_every_heading_is_read() -> None:
    texts = [file.read_text() for file in files("migsafe.postgres").iterdir() if file.name.endswith(".sql")]
    assert len(_all()) == sum(len(re.findall(r"^-- name:", text, re.MULTILINE)) for text in texts)


# verify.sql holds templates, which tests/verify fills in and runs.
@pytest.mark.parametrize("name", [name for name in _all() if not name.startswith("verify_")])
def test_every_query_is_accepted_by_the_server(name: str, connect: Connect) -> None:
    text = queries.query(name)
    parameters = dict.fromkeys(re.findall(r"%\((\w+)\)s", text))
    connection = connect()
    known = contextlib.nullcontext() if SINCE.get(name, 0) <= VERSION else pytest.raises(_NOT_THERE)
    with known, connection.transaction(force_rollback=True):
        connection.execute(text, parameters or None)
    assert queries.privilege(name)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        queries.query("no_such_query")
