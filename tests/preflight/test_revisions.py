"""Checks of the groups revisions and configuration."""

import msgspec
import pytest

from fix_postgres import Connection
from fix_preflight import asked, only
from fix_verify import plan_of
from migsafe.model.catalog import Catalog
from migsafe.settings import Settings

VERSIONS = "CREATE TABLE {} (version_num varchar({}) PRIMARY KEY)"


def test_a_revision_that_the_scripts_know_passes(connection: Connection) -> None:
    assert only(asked("heads", connection)).status == "passed"


def test_a_revision_that_they_do_not_know_blocks(connection: Connection) -> None:
    result = only(asked("heads", connection, unknown_heads=("f00d", "beef")))
    assert result.status == "blocked"
    assert "f00d" in result.message
    assert "beef" in result.message


def test_a_second_version_table_is_warned_of(connection: Connection) -> None:
    connection.execute("CREATE SCHEMA app")
    connection.execute(VERSIONS.format("public.alembic_version", 32).encode())
    assert only(asked("heads", connection)).status == "passed"
    connection.execute(VERSIONS.format("app.alembic_version", 32).encode())
    known, elsewhere = asked("heads", connection)
    assert (known.status, elsewhere.status, elsewhere.subject) == ("passed", "warned", "app.alembic_version")


def plan_with(revision: str, **changes: str):  # type: ignore[no-untyped-def]
    plan = plan_of(Catalog(), "SELECT 1")
    step = msgspec.structs.replace(plan.steps[0], revision=revision)
    return msgspec.structs.replace(plan, steps=(step,), **changes)


@pytest.mark.parametrize(("length", "status"), [(32, "passed"), (33, "blocked")])
def test_alembics_own_table_holds_32_characters(connection: Connection, length: int, status: str) -> None:
    assert only(asked("revision-id-length", connection, plan=plan_with("r" * length))).status == status
    connection.execute(VERSIONS.format("alembic_version", 32).encode())
    assert only(asked("revision-id-length", connection, plan=plan_with("r" * length))).status == status


def test_the_table_may_be_wider(connection: Connection) -> None:
    connection.execute(VERSIONS.format("alembic_version", 32).encode())
    refused = only(asked("revision-id-length", connection, plan=plan_with("r" * 40)))
    statement = (refused.remedy or "").partition("first: ")[2].partition(";")[0]
    connection.execute(statement.encode())
    assert only(asked("revision-id-length", connection, plan=plan_with("r" * 40))).status == "passed"


def test_the_version_table_of_the_plan_counts(connection: Connection) -> None:
    connection.execute("CREATE SCHEMA app")
    connection.execute(VERSIONS.format("public.versions", 100).encode())
    connection.execute(VERSIONS.format("app.versions", 8).encode())
    plan = plan_with("r" * 10, version_table="app.versions")
    assert only(asked("revision-id-length", connection, plan=plan)).status == "blocked"
    plan = plan_with("r" * 10, version_table="versions")
    assert only(asked("revision-id-length", connection, plan=plan)).status == "passed"


def test_a_plan_that_is_understood_says_nothing(connection: Connection) -> None:
    assert asked("plan-readable", connection, "CREATE TABLE t (id int)") == ()


def test_what_cannot_be_read_is_unknown(connection: Connection) -> None:
    result = only(asked("plan-readable", connection, "THIS IS NO STATEMENT"))
    assert (result.status, result.subject) == ("unknown", "versions/ae1.py:1")
    plan = plan_of(Catalog())
    step = msgspec.structs.replace(plan.steps[0], read="unreadable", unreadable="it reads rows")
    result = only(asked("plan-readable", connection, plan=msgspec.structs.replace(plan, steps=(step,))))
    assert "it reads rows" in result.message


def test_variables_must_be_set_and_are_not_shown(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(required_env=("MIGSAFE_ONE", "MIGSAFE_TWO"))
    monkeypatch.setenv("MIGSAFE_ONE", "its-value")
    monkeypatch.setenv("MIGSAFE_TWO", "")
    missing = only(asked("required-env", connection, settings=settings))
    assert (missing.status, missing.message) == ("blocked", "Not set: MIGSAFE_TWO.")
    monkeypatch.setenv("MIGSAFE_TWO", "another-value")
    there = only(asked("required-env", connection, settings=settings))
    assert there.status == "passed"
    assert "value" not in repr(missing) + repr(there)


def test_a_version_table_that_is_not_found_where_it_is_looked_for_is_warned_of(connection: Connection) -> None:
    connection.execute("CREATE SCHEMA app")
    connection.execute(VERSIONS.format("app.alembic_version", 32).encode())
    known, elsewhere = asked("heads", connection)
    assert (known.status, elsewhere.status, elsewhere.subject) == ("passed", "warned", "app.alembic_version")
    assert "version_table_schema='app'" in (elsewhere.remedy or "")
    connection.execute("SET search_path = app")
    assert only(asked("heads", connection)).status == "passed"
