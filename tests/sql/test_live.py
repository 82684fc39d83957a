"""The statements of the recorded cases on the server at hand: what is observed there is what is predicted."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fix_cases import DISAGREEMENTS, Case, every_case, schema, scored, words_of
from fix_postgres import Connection
from migsafe.model.effects import Effects
from migsafe.postgres.connection import Database
from migsafe.postgres.observe import observe
from migsafe.sql.predict import predict

PARTS = 12
ROLES = ("app_owner", "app_user", "readonly")
EXTENSIONS = ("vector", "citext", "hstore", "btree_gist", "uuid-ossp", "pg_trgm")


@pytest.fixture
def maintenance(postgres: Database) -> Iterator[Connection]:
    """A superuser's session in a cluster that has the roles of the cases."""
    with _session(postgres) as connection:
        for role in ROLES:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        yield connection
        for role in ROLES:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def _setups(version: int) -> list[tuple[str, list[Case]]]:
    ordered = sorted(every_case(version), key=lambda case: str(case["setup_id"]))
    return [(setup, list(group)) for setup, group in groupby(ordered, key=lambda case: str(case["setup_id"]))]


@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_observed_is_what_is_predicted(part: int, postgres: Database, maintenance: Connection) -> None:
    version = maintenance.info.server_version // 10000
    installable = {name for (name,) in maintenance.execute("SELECT name FROM pg_available_extensions")}
    wrong: dict[str, Any] = {}
    for setup, group in _setups(version)[part::PARTS]:
        if any(case["ok"] for case in group) and not _missing(group, installable):
            wrong |= _differences(postgres, maintenance, f"case_{setup}", group, version)
    assert not wrong


def _missing(group: list[Case], installable: set[str]) -> bool:
    """Whether the server at hand lacks an extension: builds without contrib, and without pgvector, are among them."""
    texts = " ".join([group[0]["setup_sql"], *(case["statement"] for case in group)])
    return any(name in texts and name not in installable for name in EXTENSIONS)


def _differences(
    postgres: Database, maintenance: Connection, name: str, group: list[Case], version: int
) -> dict[str, Any]:
    """Statement, observed and predicted by id. One database a setup, one more for each statement that stays done."""
    wrong: dict[str, Any] = {}
    with _database(maintenance, name, "template0") as fresh:
        if group[0]["setup_sql"]:
            with _session(postgres.replace(dbname=fresh)) as connection:
                connection.execute(group[0]["setup_sql"].encode())
        rolled_back = [case for case in group if case["ok"] and case["in_txn_allowed"]]
        with _session(postgres.replace(dbname=fresh)) as connection:
            for case in rolled_back:
                wrong |= _difference(case, observe(case["statement"], connection), version)
            _forget_subscriptions(connection)
        for case in group:
            if case not in rolled_back:
                with (
                    _database(maintenance, f"{name}_once", fresh) as once,
                    _session(postgres.replace(dbname=once)) as connection,
                ):
                    wrong |= _difference(case, observe(case["statement"], connection), version)
    return wrong


def _difference(case: Case, observed: Effects, version: int) -> dict[str, Any]:
    if (case["id"], version) in DISAGREEMENTS:
        return {}
    if observed.unknown is not None:
        return {case["id"]: (case["statement"], observed.unknown)} if case["ok"] else {}
    predicted = predict(case["statement"], schema(case["setup_sql"], version), version)
    seen, said = scored(case, words_of(observed)), scored(case, words_of(_visible(predicted, observed)))
    return {} if seen == said else {case["id"]: {"statement": case["statement"], "observed": seen, "predicted": said}}


def _visible(predicted: Effects, observed: Effects) -> Effects:
    """What an observer can see of it: neither locks let go of before it looks, nor those on composite types."""
    held = {lock.relation for lock in observed.locks}
    locks = tuple(
        lock
        for lock in predicted.locks
        if (lock.relation in held or lock.relation not in predicted.transient) and lock.kind != "composite type"
    )
    return msgspec.structs.replace(predicted, locks=locks)


@contextmanager
def _database(maintenance: Connection, name: str, template: str) -> Iterator[str]:
    strategy = " STRATEGY wal_log" if maintenance.info.server_version >= 150000 else ""
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}" + strategy)
    maintenance.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield name
    finally:
        maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _forget_subscriptions(connection: Connection) -> None:
    """A database with one is not dropped, and one with a slot needs its publisher; no case that stays done has any."""
    for (name,) in connection.execute(
        "SELECT quote_ident(subname) FROM pg_subscription WHERE subdbid = (SELECT oid "
        "FROM pg_database WHERE datname = current_database())"
    ).fetchall():
        for words in (
            "ALTER SUBSCRIPTION {} DISABLE",
            "ALTER SUBSCRIPTION {} SET (slot_name = NONE)",
            "DROP SUBSCRIPTION {}",
        ):
            connection.execute(words.format(name).encode())


def _session(database: Database) -> Connection:
    return psycopg.connect(make_conninfo("", **database.parameters), autocommit=True)
