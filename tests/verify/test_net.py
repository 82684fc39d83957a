"""Proofs are of what all statements together leave behind."""

import msgspec

from fix_postgres import Connection
from fix_verify import Migrate, catalog_of, plan_of, summary
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects, Object, Rename
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement
from migsafe.verify import derive, verify


def names(plan: Plan, catalog: Catalog) -> list[str]:
    return [f"{proof.name} {proof.subject}" for proof in derive(plan, catalog)]


def test_what_was_created_and_dropped_again_must_be_gone(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate(
        "CREATE TABLE scratch (id int PRIMARY KEY, a text)",
        "CREATE INDEX ix ON scratch (a)",
        "ALTER TABLE t ADD COLUMN tmp int",
        "DROP TABLE scratch",
        "ALTER TABLE t DROP COLUMN tmp",
        setup=("CREATE TABLE t (id int)",),
    )

    assert names(plan, before) == [
        "relation-gone public.scratch",
        "column-gone public.t.tmp",
        "no-invalid-index public.t",
        "no-leftovers public",
        "version-table alembic_version",
    ]
    assert summary(verify(connection, plan, before), "blocked", "unknown") == []


def test_renamed_things_are_looked_for_under_their_last_name(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate(
        "CREATE TABLE a (id int PRIMARY KEY, note text NOT NULL)",
        "CREATE INDEX a_note ON a (note)",
        "ALTER TABLE a ADD CONSTRAINT long CHECK (length(note) > 3)",
        "ALTER TABLE a RENAME note TO body",
        "ALTER TABLE a RENAME TO b",
        "ALTER INDEX a_note RENAME TO b_body",
        "ALTER TABLE b RENAME CONSTRAINT long TO not_short",
        "ALTER TABLE b RENAME TO c",
        "CREATE SCHEMA archive",
        "ALTER TABLE c SET SCHEMA archive",
    )

    results = verify(connection, plan, before)

    assert summary(results, "blocked") == []
    there = summary(results, "passed")
    assert {"column-there archive.c.body", "constraint-there archive.c.not_short", "relation-there archive.c"} <= {
        *there
    }
    assert {"relation-gone public.a", "relation-gone public.b", "relation-gone public.c"} <= {*there}
    index = next(proof for proof in derive(plan, before) if proof.name == "index-there")
    assert (index.subject, index.expected) == ("archive.b_body", "valid btree index on archive.c (body)")


def test_two_tables_that_change_names_are_both_there(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate(
        "ALTER TABLE old RENAME TO tmp",
        "ALTER TABLE new RENAME TO old",
        "ALTER TABLE tmp RENAME TO new",
        setup=("CREATE TABLE old (a int)", "CREATE TABLE new (b text)"),
    )

    assert summary(verify(connection, plan, before), "passed")[:3] == [
        "relation-there public.old",
        "relation-gone public.tmp",
        "relation-there public.new",
    ]


def test_a_later_alter_wins(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate(
        "ALTER TABLE t ADD COLUMN a varchar(10) DEFAULT 'x'",
        "ALTER TABLE t ALTER a TYPE varchar(20)",
        "ALTER TABLE t ALTER a SET NOT NULL",
        "ALTER TABLE t ALTER a DROP DEFAULT",
        setup=("CREATE TABLE t ()",),
    )

    (proof,) = [
        proof for proof in derive(plan, before) if (proof.name, proof.subject) == ("column-there", "public.t.a")
    ]

    assert proof.expected == "character varying(20), not null, no default"
    assert proof.place == "versions/ae1.py:4"
    assert summary(verify(connection, plan, before), "blocked", "unknown") == []


def test_the_way_back_is_proven_too(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate("ALTER TABLE t DROP COLUMN a", setup=("CREATE TABLE t (a int)",))
    plan = msgspec.structs.replace(plan, target=(), direction="downgrade")
    connection.execute("DELETE FROM alembic_version")

    assert summary(verify(connection, plan, before), "passed") == [
        "column-gone public.t.a",
        "no-invalid-index public.t",
        "no-leftovers public",
        "version-table alembic_version",
    ]


def test_what_only_its_session_can_see_is_not_asked_for(migrate: Migrate) -> None:
    plan, before = migrate("CREATE TEMPORARY TABLE seen (id serial PRIMARY KEY)")

    assert names(plan, before) == ["version-table alembic_version"]


def test_a_table_that_the_catalog_did_not_know_is_looked_for_by_its_name(connection: Connection) -> None:
    connection.execute("CREATE TABLE alembic_version AS SELECT 'ae1' AS version_num; CREATE TABLE u ()")
    renamed = Effects(renames=(Rename(Object("table", "public.t"), Object("table", "public.u")),))
    plan = Plan((), ("ae1",), (Step("ae1", (), "ae1.py", statements=(Statement("…", renamed),)),))

    results = verify(connection, plan, Catalog())
    assert summary(results, "passed")[:2] == ["relation-gone public.t", "relation-there public.u"]
    connection.execute("DROP TABLE u")
    assert summary(verify(connection, plan, Catalog()), "blocked") == ["relation-there public.u"]


def test_of_an_unknown_statement_nothing_is_proven_and_that_is_said(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate(
        "ALTER TABLE t ADD COLUMN a int", "DO $$ BEGIN EXECUTE lower('SELECT 1'); END $$", setup=("CREATE TABLE t ()",)
    )
    assert plan.statements[1].effects.unknown

    (result,) = [result for result in verify(connection, plan, before) if result.status == "unknown"]

    assert result.subject == "versions/ae1.py:2: DO $$ BEGIN EXECUTE lower('SELECT 1'); END $$"
    assert "nothing can be derived" in result.message
    assert plan.statements[1].effects.unknown in result.message
    assert result.remedy is not None
    assert "op.verify" in result.remedy


def test_of_an_unreadable_revision_nothing_is_proven_and_that_is_said(connection: Connection) -> None:
    connection.execute("CREATE TABLE alembic_version AS SELECT 'ae1' AS version_num")
    step = Step("ae1", (), "versions/ae1.py", read="unreadable", unreadable="it asks the database for rows")

    results = verify(connection, Plan((), ("ae1",), (step,)), Catalog())

    assert summary(results, "passed") == ["version-table alembic_version"]
    assert summary(results, "unknown") == ["derivable revision ae1 (versions/ae1.py), what it could not read"]
    assert "it asks the database for rows" in results[1].message


def test_what_an_unknown_statement_may_have_changed_is_unknown_not_blocked(
    migrate: Migrate, connection: Connection
) -> None:
    plan, before = migrate(
        "ALTER TABLE t ADD COLUMN a int",
        "DO $$ BEGIN EXECUTE 'ALTER TABLE t DROP COLUMN a ' || lower('CASCADE'); END $$",
        "ALTER TABLE t ADD COLUMN b int",
        setup=("CREATE TABLE t ()",),
    )
    connection.execute("ALTER TABLE t DROP COLUMN b")

    results = verify(connection, plan, before)

    assert summary(results, "blocked") == ["column-there public.t.b"]
    doubted = next(result for result in results if result.subject == "public.t.a")
    assert doubted.status == "unknown"
    assert "versions/ae1.py:2 came later" in doubted.message


def test_an_invalid_index_on_a_touched_table_is_found_whoever_left_it(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate(
        "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)",
        setup=("CREATE TABLE t (a int)", "INSERT INTO t VALUES (1), (1)"),
        failing=True,
    )

    results = verify(connection, plan, before)
    assert summary(results, "blocked") == ["index-there public.u"]
    assert "INVALID: CREATE UNIQUE INDEX u" in next(r.message for r in results if r.status == "blocked")

    untouched = plan_of(before, "ALTER TABLE t ADD COLUMN b int")
    connection.execute("ALTER TABLE t ADD COLUMN b int")
    connection.execute("ALTER INDEX u RENAME TO u_ccnew")
    results = verify(connection, untouched, before)
    assert summary(results, "blocked") == ["no-invalid-index public.t"]
    assert "found public.u_ccnew is invalid" in next(r.message for r in results if r.status == "blocked")


def test_if_not_exists_on_an_invalid_index_does_not_pass(migrate: Migrate, connection: Connection) -> None:
    setup = ("CREATE TABLE t (a int)", "INSERT INTO t VALUES (1), (1)")
    migrate("CREATE UNIQUE INDEX CONCURRENTLY u ON t (a)", setup=setup, failing=True)
    again = catalog_of(*setup, "CREATE UNIQUE INDEX u ON t (a)")
    retry = plan_of(again, "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON t (a)")
    connection.execute("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON t (a)")

    assert summary(verify(connection, retry, again), "blocked") == ["no-invalid-index public.t"]


def test_an_index_on_the_parent_only_is_meant_to_be_invalid(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate(
        "CREATE INDEX ix ON ONLY p (a)",
        setup=("CREATE TABLE p (a int) PARTITION BY RANGE (a)", "CREATE TABLE p1 PARTITION OF p DEFAULT"),
    )

    assert summary(verify(connection, plan, before), "blocked", "unknown") == []


def test_partitions_and_their_indexes_are_proven_with_the_parent(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate(
        "CREATE TABLE p (id int PRIMARY KEY, a text NOT NULL) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (10)",
        "CREATE INDEX ix ON p (a)",
    )

    results = verify(connection, plan, before)

    assert summary(results, "blocked", "unknown") == []
    assert "index-there public.ix" in summary(results, "passed")
    connection.execute("ALTER TABLE p DETACH PARTITION p1")
    assert summary(verify(connection, plan, before), "blocked") == ["relation-there public.p1"]


def test_what_is_not_looked_up_is_said(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate(
        "CREATE CAST (text AS t) WITH INOUT",
        "GRANT SELECT ON t TO CURRENT_USER",
        setup=("CREATE TABLE t ()",),
    )

    results = verify(connection, plan, before)

    assert summary(results, "unknown") == [
        "derivable versions/ae1.py:1: CREATE CAST (text AS t) WITH INOUT",
        "derivable versions/ae1.py:2: GRANT SELECT ON t TO CURRENT_USER",
    ]


def test_of_rows_nothing_is_derived_and_of_grants_and_comments_all_is(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate(
        "UPDATE t SET a = 1",
        "GRANT SELECT ON t TO public",
        "COMMENT ON TABLE t IS 'x'",
        setup=("CREATE TABLE t (a int)",),
    )

    assert summary(verify(connection, plan, before), "blocked", "unknown") == []


def test_a_name_that_only_the_proof_itself_has_does_not_keep_an_expression_from_being_compared(
    migrate: Migrate, connection: Connection
) -> None:
    plan, before = migrate(
        "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 0)",
        "ALTER TABLE o RENAME n TO m",
        setup=("CREATE TABLE t (b int)", "CREATE TABLE o (n int)"),
    )
    assert summary(verify(connection, plan, before), "blocked", "unknown") == []

    connection.execute("ALTER TABLE t DROP CONSTRAINT c; ALTER TABLE t ADD CONSTRAINT c CHECK (b > 1)")

    assert summary(verify(connection, plan, before), "blocked") == ["constraint-there public.t.c"]
