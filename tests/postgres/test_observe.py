"""What is observed on a real server, against what was measured on PostgreSQL 18 by probing every relation.

observed.jsonl holds measured cases: statement, set-up, strongest lock a relation (no transient ones), and the rest.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fix_postgres import VERSION, Connect, Connection, Role
from migsafe.model.effects import Build
from migsafe.model.locks import Lock, LockMode
from migsafe.postgres.observe import observe


class Case(msgspec.Struct):
    """`scans` is None where the planner decides."""

    id: str
    setup: str
    statement: str
    in_transaction: bool
    locks: set[tuple[str, str]]
    rewrites: list[str]
    scans: list[str] | None
    builds: list[str]
    truncates: list[str]
    waits_for: list[str]


CASES = [
    msgspec.json.decode(line, type=Case)
    for line in Path(__file__).with_name("observed.jsonl").read_bytes().splitlines()
]

# Since 18 the unique index behind a referenced key is opened, and stays locked.
KEY_INDEX = {"fk.add_not_valid", "create_table.references"}


def measured_locks(case: Case) -> set[tuple[str, str]]:
    """The locks of a case on the server of the tests."""
    older = VERSION < 18 and case.id in KEY_INDEX
    return case.locks - {("public.customers_pkey", "ACCESS SHARE")} if older else case.locks


@pytest.fixture
def scratch(connect: Connect) -> Iterator[Connection]:
    connection = connect()
    yield connection
    assert connection.execute("SELECT count(*) FROM pg_locks WHERE relation >= 16384").fetchone() == (0,)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_it_sees_what_was_measured(case: Case, scratch: Connection, connect: Connect) -> None:
    connect().execute(case.setup.encode())
    seen = observe(case.statement, scratch)
    assert seen.unknown is None
    assert seen.source == "observed"
    assert {(lock.relation, lock.mode.text) for lock in seen.locks} == measured_locks(case)
    assert list(seen.rewrites) == case.rewrites
    assert case.scans is None or list(seen.scans) == case.scans
    assert [build.index for build in seen.builds] == case.builds
    assert list(seen.truncates) == case.truncates
    assert list(seen.waits_for) == case.waits_for
    assert seen.in_transaction == case.in_transaction


def test_the_statement_is_rolled_back_unless_it_is_kept(scratch: Connection) -> None:
    scratch.execute("CREATE TABLE t (x int)")
    observe("ALTER TABLE t ADD COLUMN y int", scratch)
    columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0"
    assert scratch.execute(columns).fetchone() == (1,)
    observe("ALTER TABLE t ADD COLUMN y int", scratch, keep=True)
    assert scratch.execute(columns).fetchone() == (2,)


def test_a_failing_statement_says_so_and_leaves_nothing(scratch: Connection) -> None:
    seen = observe("ALTER TABLE nowhere ADD COLUMN y int", scratch)
    assert seen.unknown == '42P01: relation "nowhere" does not exist'
    assert (seen.locks, seen.in_transaction) == ((), True)
    seen = observe("CREATE INDEX CONCURRENTLY i ON nowhere (x)", scratch)
    assert seen.unknown == '42P01: relation "nowhere" does not exist'


def test_kinds_are_those_of_the_json_contract(scratch: Connection) -> None:
    scratch.execute("CREATE TABLE p (id int PRIMARY KEY) PARTITION BY HASH (id)")
    scratch.execute("CREATE VIEW v AS SELECT * FROM p")
    scratch.execute("CREATE SEQUENCE s")
    seen = observe("DROP VIEW v; DROP TABLE p; DROP SEQUENCE s", scratch)
    assert {(lock.relation, lock.kind) for lock in seen.locks} == {
        ("public.v", "view"),
        ("public.p", "partitioned table"),
        ("public.p_pkey", "partitioned index"),
        ("public.s", "sequence"),
    }


def test_a_relation_of_the_statement_itself_is_left_out(scratch: Connection) -> None:
    scratch.execute("CREATE TABLE t (id int PRIMARY KEY)")
    seen = observe("CREATE TABLE u (t_id int REFERENCES t)", scratch)
    assert seen.locks == (Lock("public.t", "table", LockMode.SHARE_ROW_EXCLUSIVE), *seen.locks[1:])
    assert {lock.relation for lock in seen.locks} <= {"public.t", "public.t_pkey"}


@pytest.mark.pgvector
def test_an_hnsw_index_names_its_method(scratch: Connection) -> None:
    scratch.execute("CREATE EXTENSION vector")
    scratch.execute("CREATE TABLE docs (e vector(3))")
    seen = observe("CREATE INDEX CONCURRENTLY i ON docs USING hnsw (e vector_l2_ops)", scratch)
    assert seen.builds == (Build("public.i", "public.docs", concurrently=True, method="hnsw"),)
    assert seen.concurrently
    assert seen.locks == (Lock("public.docs", "table", LockMode.SHARE_UPDATE_EXCLUSIVE),)


def test_a_concurrent_build_that_fails_leaves_its_reason(scratch: Connection) -> None:
    scratch.execute("CREATE TABLE t AS SELECT 1 AS x FROM generate_series(1, 2)")
    seen = observe("CREATE UNIQUE INDEX CONCURRENTLY i ON t (x)", scratch)
    assert seen.unknown is not None
    assert seen.unknown.startswith("23505: ")
    assert not seen.in_transaction


def test_settings_of_the_session_survive(scratch: Connection) -> None:
    scratch.execute("CREATE TABLE t (x int)")
    scratch.execute("SET client_min_messages = error")
    scratch.execute("SET search_path = public, pg_catalog")
    for statement in ("CREATE INDEX ON t (x)", "CREATE INDEX CONCURRENTLY ON t (x)"):
        observe(statement, scratch)
        assert scratch.execute("SHOW client_min_messages").fetchone() == ("error",)
        assert scratch.execute("SHOW search_path").fetchone() == ("public, pg_catalog",)


def test_an_unprivileged_owner_can_observe(scratch: Connection, role: Role, connect: Connect) -> None:
    app = role("app")
    scratch.execute(f"GRANT CREATE ON SCHEMA public TO {app.parameters['user']}")
    connection = connect(app)
    connection.execute("CREATE TABLE mine (x int)")
    seen = observe("CREATE INDEX CONCURRENTLY i ON mine (x)", connection)
    assert [(lock.relation, lock.mode) for lock in seen.locks] == [("public.mine", LockMode.SHARE_UPDATE_EXCLUSIVE)]
    assert seen.waits_for == ("older snapshots", "writers of public.mine")
