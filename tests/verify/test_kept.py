"""What a migration must not change: it passes undisturbed, and is blocked when it was changed."""

from collections.abc import Callable

import pytest

from fix_postgres import Connect, Connection, Role
from fix_verify import plan_of, summary
from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.catalog import read
from migsafe.verify import Baseline, Proof, derive, take, verify

T = '"T x"'
SETUP = (
    f'CREATE TABLE {T} (id serial PRIMARY KEY, "a b" text, n int);'
    f"INSERT INTO {T} (\"a b\", n) SELECT 'x' || g, nullif(g % 4, 0) FROM generate_series(1, 100) g; ANALYZE {T};"
    "CREATE TABLE alembic_version AS SELECT 'ae1' AS version_num"
)
Migrated = Callable[..., tuple[Plan, Catalog, tuple[Proof, ...], Baseline]]


@pytest.fixture
def migrated(connection: Connection) -> Migrated:
    """`migrated(*statements, setup="", roles=())`: executed over a table of 100 rows, its baseline taken before."""

    def run(
        *statements: str, setup: str = "", roles: tuple[str, ...] = ()
    ) -> tuple[Plan, Catalog, tuple[Proof, ...], Baseline]:
        connection.execute((SETUP + ";" + setup).encode())
        before = read(connection)
        plan = plan_of(before, *statements)
        baseline = take(connection, plan, before, roles)
        for statement in statements:
            connection.execute(statement.encode())
        return plan, before, derive(plan, before, baseline), baseline

    return run


def answers(connection: Connection, asked: tuple[Plan, Catalog, tuple[Proof, ...], Baseline]) -> list[CheckResult]:
    plan, before, proofs, _ = asked
    return list(verify(connection, plan, before, proofs))


def failed(results: list[CheckResult]) -> list[str]:
    return summary(tuple(results), "blocked", "unknown", "warned")


def test_rows_that_are_there_pass_and_an_emptied_table_is_blocked(migrated: Migrated, connection: Connection) -> None:
    asked = migrated(f"ALTER TABLE {T} ADD COLUMN c int")
    results = answers(connection, asked)
    assert failed(results) == []
    assert "rows-kept public.T x" in summary(tuple(results), "passed")

    connection.execute(f"TRUNCATE {T}")
    results = answers(connection, asked)

    assert failed(results) == ["rows-kept public.T x"]
    blocked = next(result for result in results if result.status == "blocked")
    assert blocked.evidence == {
        "expected": "its 100 rows, or more where the application wrote meanwhile",
        "found": "0 rows",
    }


def test_what_the_application_writes_meanwhile_is_no_finding(migrated: Migrated, connection: Connection) -> None:
    asked = migrated(f"ALTER TABLE {T} ADD COLUMN c int")
    connection.execute(f"INSERT INTO {T} (n) VALUES (1), (2)")

    results = answers(connection, asked)

    assert failed(results) == []
    said = next(result for result in results if result.check == "rows-kept")
    assert said.evidence["found"] == "102 rows: more were written meanwhile"


def test_rows_that_are_missing_without_a_reason_are_unknown_until_the_server_has_counted(
    migrated: Migrated, connection: Connection
) -> None:
    asked = migrated(f"ALTER TABLE {T} ADD COLUMN c int")
    connection.execute(f"DELETE FROM {T} WHERE id <= 3")

    results = answers(connection, asked)

    said = next(result for result in results if result.check == "rows-kept")
    assert said.status in ("unknown", "passed")
    assert said.evidence["found"].startswith("97 rows: ")


def test_of_a_table_that_the_plan_itself_writes_rows_are_not_compared(
    migrated: Migrated, connection: Connection
) -> None:
    asked = migrated(f"DELETE FROM {T} WHERE n = 1", f"ALTER TABLE {T} ADD COLUMN c int")

    assert "rows-kept public.T x" not in summary(tuple(answers(connection, asked)), "passed", "blocked", "unknown")


def test_a_table_that_is_too_large_to_count_must_have_rows(
    migrated: Migrated, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("migsafe.verify.baseline.COUNTED_ROWS", 10)
    asked = migrated(f"ALTER TABLE {T} ADD COLUMN c int")
    results = answers(connection, asked)
    assert failed(results) == []
    said = next(result for result in results if result.check == "rows-kept")
    assert said.evidence["expected"] == "rows in it (about 100 before: too many to count)"

    connection.execute(f"TRUNCATE {T}")
    assert failed(answers(connection, asked)) == ["rows-kept public.T x"]


def test_values_that_became_null_behind_a_change_of_type_are_blocked(
    migrated: Migrated, connection: Connection
) -> None:
    asked = migrated(f"ALTER TABLE {T} ALTER n TYPE bigint", f"ANALYZE {T}")
    assert failed(answers(connection, asked)) == []

    # Not counted as written: a table of another name, with other rows, takes its place.
    connection.execute(
        f'CREATE TABLE u (LIKE {T} INCLUDING ALL); INSERT INTO u SELECT id, "a b", NULL FROM {T};'
        f'ALTER SEQUENCE "T x_id_seq" OWNED BY NONE; DROP TABLE {T}; ALTER TABLE u RENAME TO {T};'
    )
    said = next(result for result in answers(connection, asked) if result.check == "nulls-kept")
    assert said.evidence["expected"] == "25 of 100 values NULL, as before"
    assert said.evidence["found"].startswith("100 of 100 rows")


def test_a_column_that_was_replaced_before_all_its_values_were_copied_is_blocked(
    migrated: Migrated, connection: Connection
) -> None:
    asked = migrated(
        f'ALTER TABLE {T} ADD COLUMN "a c" text',
        f'UPDATE {T} SET "a c" = "a b" WHERE id <= 2',
        f'ALTER TABLE {T} DROP COLUMN "a b"',
        f'ALTER TABLE {T} RENAME "a c" TO "a b"',
    )

    said = next(result for result in answers(connection, asked) if result.check == "nulls-kept")

    assert (said.status, said.subject) == ("blocked", "public.T x.a b")
    assert said.evidence == {"expected": "0 of 100 values NULL, as before", "found": "98 of 100 rows"}


def test_statistics_that_a_change_of_type_threw_away_are_a_warning_with_the_analyze_to_type(
    migrated: Migrated, connection: Connection
) -> None:
    asked = migrated(
        f"ALTER TABLE {T} ALTER n TYPE bigint",
        setup=f"INSERT INTO {T} (n) SELECT g FROM generate_series(1, 5000) g",
    )

    results = answers(connection, asked)

    (warned,) = [result for result in results if result.status == "warned"]
    assert (warned.check, warned.remedy) == ("statistics-there", 'ANALYZE public."T x" (n);')
    connection.execute((warned.remedy or "").encode())
    assert failed(answers(connection, asked)) == []


def test_a_sequence_that_is_behind_its_column_is_blocked(migrated: Migrated, connection: Connection) -> None:
    asked = migrated(f"ALTER TABLE {T} ALTER id TYPE bigint", f"ANALYZE {T}")
    assert failed(answers(connection, asked)) == []

    connection.execute("SELECT setval('\"T x_id_seq\"', 50)")
    results = answers(connection, asked)

    assert failed(results) == ["sequence-ahead public.T x_id_seq"]
    blocked = next(result for result in results if result.status == "blocked")
    assert blocked.evidence["found"] == "next 51, largest value 100"
    connection.execute((blocked.remedy or "").encode())
    assert failed(answers(connection, asked)) == []


def test_a_table_of_batch_mode_that_is_left_is_found(migrated: Migrated, connection: Connection) -> None:
    asked = migrated(f"ALTER TABLE {T} ADD COLUMN c int")
    connection.execute("CREATE TABLE _alembic_tmp_orders (id int)")

    assert failed(answers(connection, asked)) == ["no-leftovers public"]


def test_grants_that_a_replaced_view_has_lost_are_blocked_and_the_remedy_brings_them_back(
    migrated: Migrated, connection: Connection, role: Role
) -> None:
    app = role("App").parameters["user"]
    asked = migrated(
        'DROP VIEW "v 1"',
        f'CREATE VIEW "v 1" AS SELECT id, n FROM {T}',
        setup=f'CREATE VIEW "v 1" AS SELECT id FROM {T}; GRANT SELECT ON "v 1" TO "{app}"',
    )

    results = answers(connection, asked)

    assert failed(results) == ["grants-kept public.v 1"]
    blocked = next(result for result in results if result.status == "blocked")
    assert blocked.evidence == {"expected": f"still SELECT of {app}", "found": f"not any more: SELECT of {app}"}
    connection.execute((blocked.remedy or "").encode())
    assert failed(answers(connection, asked)) == []


def test_a_privilege_that_the_plan_revokes_is_not_missed(
    migrated: Migrated, connection: Connection, role: Role
) -> None:
    app = role().parameters["user"]
    asked = migrated(f"REVOKE UPDATE ON {T} FROM {app}", setup=f"GRANT SELECT, UPDATE ON {T} TO {app}", roles=(app,))

    assert failed(answers(connection, asked)) == []
    connection.execute(f"REVOKE SELECT ON {T} FROM {app}".encode())
    assert failed(answers(connection, asked)) == ["grants-kept public.T x", f"application-can {app} on public.T x"]


def test_what_the_application_could_do_it_can_do_after_a_table_was_put_in_the_place_of_another(
    migrated: Migrated, connection: Connection, role: Role
) -> None:
    group, app = role("readers").parameters["user"], role("App").parameters["user"]
    asked = migrated(
        "CREATE TABLE new (id int PRIMARY KEY, n int)",
        f"ALTER TABLE {T} RENAME TO old",
        f"ALTER TABLE new RENAME TO {T}",
        setup=f'GRANT {group} TO "{app}"; GRANT SELECT, INSERT (n) ON {T} TO {group}',
        roles=(app,),
    )

    results = answers(connection, asked)

    blocked = {f"{result.check} {result.subject}": result for result in results if result.status == "blocked"}
    assert blocked[f"application-can {app} on public.T x"].evidence == {
        "expected": "INSERT (n), SELECT",
        "found": "not INSERT (n), SELECT",
    }
    assert "rows-kept public.T x" in blocked


def test_a_new_table_is_for_the_application_what_all_the_others_are(
    migrated: Migrated, connection: Connection, role: Role
) -> None:
    app = role("App").parameters["user"]
    asked = migrated(
        "CREATE TABLE new (id serial PRIMARY KEY)",
        setup=f'GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO "{app}"',
        roles=(app, "nobody at all"),
    )
    results = answers(connection, asked)
    expected = [f"application-can {app} on public.new", f"application-can {app} on public.new_id_seq"]
    assert failed(results) == expected
    assert asked[3].missing == ("nobody at all",)

    for result in results:
        if result.status == "blocked":
            connection.execute((result.remedy or "").encode())
    assert failed(answers(connection, asked)) == []


def test_a_baseline_costs_one_short_transaction_and_raises_nothing_for_what_it_may_not_see(
    connection: Connection, connect: Connect, role: Role
) -> None:
    connection.execute(SETUP)
    before = read(connection)
    plan = plan_of(before, f"ALTER TABLE {T} ADD COLUMN c int")

    baseline = take(connect(role()), plan, before)

    assert baseline.relations[0].rows is None
    assert baseline.unseen == ("the rows of public.T x: permission denied for table T x",)
    assert take(connection, plan, before).relations[0].rows == 100


def test_a_column_that_the_plan_takes_from_the_application_is_not_missed(
    migrated: Migrated, connection: Connection, role: Role
) -> None:
    app = role().parameters["user"]
    asked = migrated(
        f"REVOKE SELECT (n) ON {T} FROM {app}", setup=f"GRANT SELECT (id, n) ON {T} TO {app}", roles=(app,)
    )

    assert failed(answers(connection, asked)) == []

    connection.execute(f"REVOKE SELECT (id) ON {T} FROM {app}".encode())
    assert failed(answers(connection, asked)) == [f"application-can {app} on public.T x"]


def test_the_rows_of_a_table_are_not_counted_for_a_privilege_on_all_of_its_schema(
    migrated: Migrated, connection: Connection
) -> None:
    *_, baseline = migrated("GRANT SELECT ON ALL TABLES IN SCHEMA public TO pg_monitor")

    assert {each.name: each.rows for each in baseline.relations}["public.T x"] is None
