"""Asking: what may not be asked is unknown with the GRANT, and nothing is ever written."""

import pytest

from fix_postgres import Connect, Connection, Role
from fix_verify import Migrate, summary
from migsafe.model.catalog import Catalog
from migsafe.model.plan import Plan
from migsafe.verify import Proof, derive, verify


def test_a_role_without_privileges_still_sees_the_schema_and_is_told_what_it_lacks(
    migrate: Migrate, role: Role, connect: Connect
) -> None:
    plan, before = migrate("CREATE TABLE t (id serial PRIMARY KEY, a text DEFAULT 'x')", "CREATE INDEX ix ON t (a)")
    app = role()

    results = verify(connect(app), plan, before)

    assert summary(results, "blocked") == []
    assert summary(results, "unknown") == ["version-table alembic_version"]
    assert "permission denied" in results[-1].message
    assert results[-1].remedy == f"GRANT SELECT ON alembic_version TO {app.parameters['user']};"


def test_a_version_table_in_a_schema_names_both_grants(connection: Connection, role: Role, connect: Connect) -> None:
    connection.execute('CREATE SCHEMA "Ops"; CREATE TABLE "Ops".versions AS SELECT \'ae1\' AS version_num')
    plan = Plan((), ("ae1",), version_table="Ops.versions")
    assert summary(verify(connection, plan, Catalog()), "passed") == ["version-table Ops.versions"]
    app = role("App")

    (result,) = verify(connect(app), plan, Catalog())

    user = app.parameters["user"]
    assert result.status == "unknown"
    assert result.remedy == f'GRANT USAGE ON SCHEMA "Ops" TO "{user}"; GRANT SELECT ON "Ops".versions TO "{user}";'


def test_rows_that_a_policy_hides_are_not_taken_for_none(
    migrate: Migrate, connection: Connection, role: Role, connect: Connect
) -> None:
    plan, before = migrate()
    app = role()
    connection.execute("ALTER TABLE alembic_version ENABLE ROW LEVEL SECURITY")
    connection.execute(f"GRANT SELECT ON alembic_version TO {app.parameters['user']}".encode())

    (result,) = verify(connect(app), plan, before)

    assert result.status == "unknown"
    assert result.remedy is not None
    assert "BYPASSRLS" in result.remedy


def test_several_heads_in_any_order_are_one_state(migrate: Migrate, connection: Connection) -> None:
    _, before = migrate()
    connection.execute("INSERT INTO alembic_version VALUES ('A1')")

    (result,) = verify(connection, Plan((), ("ae1", "A1")), before)

    assert result.status == "passed"
    (result,) = verify(connection, Plan((), ()), before)
    assert (result.status, result.evidence["found"]) == ("blocked", "A1, ae1")


@pytest.mark.parametrize("autocommit", [True, False])
def test_verifying_leaves_the_connection_as_it_was(migrate: Migrate, connect: Connect, autocommit: bool) -> None:
    plan, before = migrate("CREATE TABLE t (a int)")
    session = connect(autocommit=autocommit)

    assert summary(verify(session, plan, before), "blocked", "unknown") == []

    session.execute("INSERT INTO t VALUES (1)")
    row = session.execute("SELECT current_setting('statement_timeout'), current_setting('row_security')").fetchone()
    assert row == ("0", "on")


def test_a_lost_connection_is_unknown_for_every_proof(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate("CREATE TABLE t (a int)")
    connection.close()

    results = verify(connection, plan, before)

    assert {result.status for result in results} == {"unknown"}
    assert len(results) == len(derive(plan, before))


def test_a_proof_that_cannot_be_told_is_unknown(connection: Connection) -> None:
    proof = Proof(
        name="no-invalid-index",
        kind="table",
        subject="public.t",
        expected="no invalid index",
        sql="SELECT NULL::boolean AS ok, 'a build that this role may not watch' AS found",
        grant="GRANT pg_read_all_stats TO {role};",
    )

    (result,) = verify(connection, Plan((), ()), Catalog(), (proof,))

    assert result.status == "unknown"
    assert result.remedy == "GRANT pg_read_all_stats TO postgres;"


def test_an_index_that_somebody_is_building_is_not_called_a_leftover(
    migrate: Migrate, connection: Connection, connect: Connect, role: Role
) -> None:
    plan, before = migrate("ALTER TABLE t ADD COLUMN b int", setup=("CREATE TABLE t (a int)",))
    old, builder = connect(autocommit=False), connect()
    old.execute("SELECT txid_current(); LOCK TABLE t IN ROW EXCLUSIVE MODE")
    builder.pgconn.send_query(b"CREATE INDEX CONCURRENTLY ix ON t (a)")
    query = "SELECT count(*) FROM pg_index i JOIN pg_stat_progress_create_index p ON p.index_relid = i.indexrelid"
    while connection.execute(query).fetchone() == (0,):
        pass

    results = verify(connection, plan, before)
    masked = verify(connect(role("app")), plan, before)

    assert summary(results, "blocked") == []
    assert summary(results, "unknown") == ["no-invalid-index public.t"]
    assert summary(masked, "blocked") == []
    old.rollback()
    builder.pgconn.get_result()
    assert summary(verify(connection, plan, before), "blocked", "unknown") == []


def test_a_role_that_may_not_plan_the_query_of_a_view_is_told_what_it_lacks(
    migrate: Migrate, role: Role, connect: Connect
) -> None:
    plan, before = migrate("CREATE VIEW v AS SELECT a FROM t", setup=("CREATE TABLE t (a int)",))
    app = role()

    results = verify(connect(app), plan, before)

    unknown = next(result for result in results if result.subject == "public.v")
    assert unknown.status == "unknown"
    assert "permission denied for table t" in unknown.message
    assert unknown.remedy == f"GRANT SELECT ON public.t TO {app.parameters['user']};"
