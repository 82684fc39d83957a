"""Ways to another version, libraries that must be loaded, bugs of versions."""

import psycopg
import pytest

from fix_postgres import Connect, Connection, Role
from fix_preflight import asked, only
from migsafe.preflight.checks.extension_state import of_hnsw, of_preload
from migsafe.settings import Settings

STATEMENTS = "CREATE EXTENSION pg_stat_statements"


def test_an_update_goes_by_the_scripts_of_the_package(connection: Connection) -> None:
    connection.execute("CREATE EXTENSION pg_stat_statements VERSION '1.4'")
    update = "ALTER EXTENSION pg_stat_statements UPDATE"
    passed = only(asked("extension-state", connection, f"{update} TO '1.6'"))
    assert (passed.status, passed.message) == ("passed", "pg_stat_statements can be updated from 1.4 to 1.6.")
    assert only(asked("extension-state", connection, update)).status == "passed"
    blocked = only(asked("extension-state", connection, f"{update} TO '99'"))
    assert (blocked.status, "no way from there to 99" in blocked.message) == ("blocked", True)
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        connection.execute(f"{update} TO '99'".encode())
    settings = Settings(extensions={"pg_stat_statements": "1.7"})
    short = asked("extension-state", connection, f"{update} TO '1.6'", settings=settings)
    assert only(short).status == "blocked"
    assert {each.status for each in asked("extensions", connection, update, settings=settings)} == {"passed"}


def test_a_library_that_is_not_loaded_is_told(connection: Connection, connect: Connect, role: Role) -> None:
    result = only(asked("extension-state", connection, STATEMENTS))
    assert (result.status, "restart the server" in (result.remedy or "")) == ("warned", True)
    connection.execute(STATEMENTS)
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        connection.execute("SELECT * FROM pg_stat_statements")
    connection.execute("DROP EXTENSION pg_stat_statements")
    app = role("app")
    hidden = only(asked("extension-state", connection, STATEMENTS, by=connect(app)))
    assert hidden.status == "unknown"
    assert hidden.remedy == f"GRANT pg_read_all_settings TO {app.parameters['user']};"


def test_some_cannot_even_be_created() -> None:
    assert of_preload("pg_cron", "pg_stat_statements", "me").status == "blocked"
    assert of_preload("pg_cron", '"$libdir/pg_cron", x', "me").status == "passed"
    assert of_preload("pg_cron", None, "me").status == "unknown"


@pytest.mark.parametrize(
    ("version", "workers", "bugs"),
    [("0.5.1", 2, 1), ("0.6.2", 2, 2), ("0.8.1", 2, 2), ("0.8.1", 0, 1), ("0.8.2", 2, 1), ("0.8.3", 2, 0)],
)
def test_versions_of_pgvector_have_their_bugs(version: str, workers: int, bugs: int) -> None:
    found = list(of_hnsw(version, workers))
    assert [each.status for each in found] == ["warned"] * bugs
    assert all(each.remedy for each in found)


@pytest.mark.pgvector
def test_only_a_plan_that_builds_hnsw_is_told(connection: Connection) -> None:
    connection.execute("CREATE EXTENSION vector; CREATE TABLE documents (id int, embedding vector(3))")
    # What the server says of itself, as of an old package.
    connection.execute("UPDATE pg_extension SET extversion = '0.8.1' WHERE extname = 'vector'")
    index = "CREATE INDEX CONCURRENTLY ON documents USING {} (embedding vector_l2_ops)"
    results = asked("extension-state", connection, index.format("hnsw"))
    assert [each.status for each in results] == ["warned", "warned"]
    assert "CVE-2026-3172" in results[0].message
    assert asked("extension-state", connection, index.format("ivfflat")) == ()
