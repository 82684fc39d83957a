"""The statements of the recorded cases on the server at hand: what is observed there is what is predicted."""

import re
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
from fix_postgres import VERSION, Connection
from migsafe.model.effects import Effects
from migsafe.postgres.connection import Database
from migsafe.postgres.observe import observe
from migsafe.sql.predict import predict

PARTS = 12
ROLES = ("app_owner", "app_user", "readonly")
# Looking for rows that reference a leaving partition, the planner may read fewer tables than predicted: on 14 it does
# after other statements have left their counts of rows in pg_class, which no rollback takes back (measured).
PLANNED = {"tree.detach_from_tree"}
PGVECTOR = re.compile(r"\b(?:vector|halfvec)\b")


@pytest.fixture
def maintenance(postgres: Database) -> Iterator[Connection]:
    """A superuser's session in a cluster that has the roles of the cases."""
    with _session(postgres) as connection:
        for role in ROLES:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        yield connection
        for role in ROLES:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_observed_is_what_is_predicted(part: int, postgres: Database, maintenance: Connection) -> None:
    assert not _all_differences(postgres, maintenance, _setups(with_pgvector=False)[part::PARTS])


@pytest.mark.pgvector
def test_it_is_also_with_embeddings(postgres: Database, maintenance: Connection) -> None:
    setups = _setups(with_pgvector=True)
    assert setups
    assert not _all_differences(postgres, maintenance, setups)


def _setups(*, with_pgvector: bool) -> list[tuple[str, list[Case]]]:
    """The cases by what they start from, without those of which nothing succeeds on this version."""
    ordered = sorted(every_case(VERSION), key=lambda case: str(case["setup_id"]))
    groups = [(setup, list(group)) for setup, group in groupby(ordered, key=lambda case: str(case["setup_id"]))]
    return [
        (setup, group)
        for setup, group in groups
        if any(case["ok"] for case in group) and _needs_pgvector(group) == with_pgvector
    ]


def _needs_pgvector(group: list[Case]) -> bool:
    return any(PGVECTOR.search(case["setup_sql"] + " " + case["statement"]) for case in group)


def _all_differences(
    postgres: Database, maintenance: Connection, setups: list[tuple[str, list[Case]]]
) -> dict[str, Any]:
    wrong: dict[str, Any] = {}
    for setup, group in setups:
        wrong |= _differences(postgres, maintenance, f"case_{setup}", group)
    return wrong


def _differences(postgres: Database, maintenance: Connection, name: str, group: list[Case]) -> dict[str, Any]:
    """Statement, observed and predicted by id. One database a setup, one more for each statement that stays done."""
    wrong: dict[str, Any] = {}
    with _database(maintenance, name, "template0") as fresh:
        if group[0]["setup_sql"]:
            with _session(postgres.replace(dbname=fresh)) as connection:
                connection.execute(group[0]["setup_sql"].encode())
        rolled_back = [case for case in group if case["ok"] and case["in_txn_allowed"]]
        with _session(postgres.replace(dbname=fresh)) as connection:
            for case in rolled_back:
                wrong |= _difference(case, observe(case["statement"], connection))
            _forget_subscriptions(connection)
        for case in group:
            if case not in rolled_back:
                with (
                    _database(maintenance, f"{name}_once", fresh) as once,
                    _session(postgres.replace(dbname=once)) as connection,
                ):
                    wrong |= _difference(case, observe(case["statement"], connection))
    return wrong


def _difference(case: Case, observed: Effects) -> dict[str, Any]:
    if (case["id"], VERSION) in DISAGREEMENTS:
        return {}
    if observed.unknown is not None:
        return {case["id"]: (case["statement"], observed.unknown)} if case["ok"] else {}
    predicted = predict(case["statement"], schema(case["setup_sql"], VERSION), VERSION)
    seen, said = scored(case, words_of(observed)), scored(case, words_of(_visible(predicted, observed)))
    if case["id"] in PLANNED:
        said["scans"] = [name for name in said["scans"] if name in seen["scans"]]
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
    strategy = " STRATEGY wal_log" if VERSION >= 15 else ""
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
