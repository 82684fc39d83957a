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
# What they read belongs to extensions that are not on this server: pg_cron, Citus, TimescaleDB.
OF_EXTENSIONS = ("preflight_cron", "preflight_distributed", "preflight_hypertables")
_NOT_THERE = (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable)


def _all() -> list[str]:
    return sorted(queries._queries())


def test_every_heading_is_read() -> None:
    texts = [file.read_text() for file in files("migsafe.postgres").iterdir() if file.name.endswith(".sql")]
    assert len(_all()) == sum(len(re.findall(r"^-- name:", text, re.MULTILINE)) for text in texts)


def _is_template(name: str) -> bool:
    """Those of verify.sql, and what names a relation or schema that only a plan knows: they run when filled."""
    return name.startswith("verify_") or re.search(r"(?<!')\{\w+\}", queries.query(name)) is not None


@pytest.mark.parametrize("name", [name for name in _all() if not _is_template(name)])
def test_every_query_is_accepted_by_the_server(name: str, connect: Connect) -> None:
    text = queries.query(name)
    named = dict.fromkeys(re.findall(r"%\((\w+)\)s", text))
    # Without placeholders (`%I` is format()'s) a text is sent as it is.
    placed = 0 if "%I" in text else len(re.findall(r"(?<!%)%s", text))
    parameters = named or (None,) * placed
    connection = connect()
    is_there = SINCE.get(name, 0) <= VERSION and name not in OF_EXTENSIONS
    known = contextlib.nullcontext() if is_there else pytest.raises(_NOT_THERE)
    with known, connection.transaction(force_rollback=True):
        connection.execute(text, parameters or None)
    assert queries.privilege(name)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        queries.query("no_such_query")
