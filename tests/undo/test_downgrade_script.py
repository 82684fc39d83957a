"""downgrade.sql brings the schema back, says what it loses, and stops where there is no way back."""

import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from fix_postgres import VERSION, Connect
from fix_way_back import HISTORY, dumped, psql, step
from migsafe.model.catalog import Catalog, Column, Relation
from migsafe.model.plan import Plan
from migsafe.model.report import Undo
from migsafe.postgres.catalog import read
from migsafe.postgres.connection import Database
from migsafe.undo import write_downgrade
from migsafe.undo.losses import losses

Revision = tuple[str, str, Sequence[str], Sequence[str]]
"""Revision, down_revision, upgrade statements, downgrade statements."""

BEFORE = (
    HISTORY,
    "INSERT INTO alembic_version VALUES ('r0')",
    "CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL)",
    "CREATE TABLE orders (id bigint PRIMARY KEY, user_id integer REFERENCES users, note text)",
    "INSERT INTO users (name) SELECT 'user ' || n FROM generate_series(1, 50) n",
    "INSERT INTO orders SELECT n, 1 + n % 50, 'note' FROM generate_series(1, 200) n",
    "ANALYZE",
)
FIRST: Revision = (
    "r1",
    "r0",
    (
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        "ALTER TABLE users ADD COLUMN mood mood",
        "CREATE TABLE audit (id serial PRIMARY KEY, order_id bigint REFERENCES orders, said text DEFAULT 'a''b')",
        "CREATE VIEW moods AS SELECT id, mood FROM users",
    ),
    ("DROP VIEW moods", "DROP TABLE audit", "ALTER TABLE users DROP COLUMN mood -- gone", "DROP TYPE mood;"),
)
SECOND: Revision = (
    "r2",
    "r1",
    ("CREATE INDEX CONCURRENTLY ix_orders_note ON orders (note)", "ALTER TABLE orders ADD COLUMN paid boolean"),
    ("ALTER TABLE orders DROP COLUMN paid", "DROP INDEX CONCURRENTLY ix_orders_note"),
)

Migrated = Callable[..., Undo]


@pytest.fixture
def migrated(connect: Connect, tmp_path: Path) -> Migrated:
    """`migrated(*revisions)`: their upgrades have run, and downgrade.sql is written."""

    def migrate(*revisions: Revision) -> Undo:
        connection = connect()
        catalog, steps, back = read(connection), [], []
        for revision, down, upgrade, _ in revisions:
            one, catalog = step(revision, down, upgrade, catalog)
            steps.append(one)
            for statement in upgrade:
                connection.execute(statement)
        end = catalog
        for revision, down, _, downgrade in reversed(revisions):
            one, catalog = step(revision, down, downgrade, catalog)
            back.append(one)
        current, target = revisions[0][1], revisions[-1][0]
        connection.execute("UPDATE alembic_version SET version_num = %s", (target,))
        there = Plan((current,), (target,), tuple(steps), version_table="public.alembic_version")
        way_back = replace(there, current=(target,), target=(current,), steps=tuple(back), direction="downgrade")
        return write_downgrade(tmp_path, way_back, there, end)

    connection = connect()
    for statement in BEFORE:
        connection.execute(statement)
    return migrate


def test_the_schema_and_the_rows_of_before_come_back(database: Database, migrated: Migrated, tmp_path: Path) -> None:
    before = dumped(database)
    undo = migrated(FIRST, SECOND)
    assert dumped(database) != before
    assert undo.downgrade_sql == str(tmp_path / "downgrade.sql")
    done = psql(database, tmp_path / "downgrade.sql")
    assert (done.returncode, done.stderr) == (0, "")
    assert dumped(database) == before
    assert "undoing revision r2 -> r1: what r2 does\nundoing revision r1 -> r0: what r1 does" in done.stdout


def test_only_its_owner_reads_it_and_it_names_the_lines(migrated: Migrated, tmp_path: Path) -> None:
    migrated(FIRST)
    path = tmp_path / "downgrade.sql"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "-- versions/a.py:3\nALTER TABLE users DROP COLUMN mood -- gone\n;\n" in text
    assert "-- revision r1 -> r0: what r1 does\n" in text


def test_what_it_would_lose_is_said_with_the_number_of_rows(migrated: Migrated, tmp_path: Path) -> None:
    undo = migrated(FIRST, SECOND)
    losses = {loss.what: loss for loss in undo.losses}
    assert set(losses) == {"column public.orders.paid", "table public.audit", "column public.users.mood"}
    assert losses["column public.orders.paid"].revision == "r2"
    assert losses["column public.orders.paid"].because == (
        "downgrade() drops or rewrites the column: what was written there since the upgrade is lost (about 200 rows)"
    )
    text = " ".join((tmp_path / "downgrade.sql").read_text().replace("\n--   ", " ").split())
    assert "LOSS 1: column public.orders.paid (revision r2): downgrade() drops" in text


def test_data_that_the_upgrade_destroyed_or_changed_are_said_not_to_come_back(migrated: Migrated) -> None:
    undo = migrated(
        (
            "r1",
            "r0",
            ("ALTER TABLE orders DROP COLUMN note", "UPDATE users SET name = upper(name)"),
            ("ALTER TABLE orders ADD COLUMN note text",),
        )
    )
    losses = {loss.what: loss.because for loss in undo.losses}
    assert losses["column public.orders.note"] == (
        "the upgrade destroyed its data at versions/a.py:1, and downgrade() makes it again, empty: "
        "only a backup has them"
    )
    assert losses["rows public.users"].startswith("UPDATE at versions/a.py:2: rows that it changed stay changed")


def test_of_data_that_were_saved_first_the_command_that_brings_them_back_is_named() -> None:
    catalog = Catalog(
        relations={"public.orders": Relation("public.orders")},
        columns={"public.orders": {"note": Column("public.orders", "note", "text")}},
    )
    there, catalog = step(
        "r1", "r0", ("ALTER TABLE orders DROP COLUMN note", "DELETE FROM orders WHERE id = 1"), catalog
    )
    back, _ = step("r1", "r0", ("ALTER TABLE orders ADD COLUMN note text",), catalog)
    plans = (Plan(("r1",), ("r0",), (back,), direction="downgrade"), Plan(("r0",), ("r1",), (there,)))
    saved = frozenset({"column public.orders.note", "rows public.orders"})
    told = {loss.what: loss.because for loss in losses(*plans, catalog, saved, "2026_r0_r1")}
    assert told.keys() == saved
    assert all("`migsafe restore 2026_r0_r1`" in because for because in told.values())
    assert not any("only a backup" in because for because in told.values())


def test_a_database_at_another_revision_is_left_alone(
    database: Database, connect: Connect, migrated: Migrated, tmp_path: Path
) -> None:
    migrated(FIRST)
    connect().execute("UPDATE alembic_version SET version_num = 'r0'")
    before = dumped(database)
    done = psql(database, tmp_path / "downgrade.sql")
    assert done.returncode == 3
    assert "the database is at revision r0, and this script goes back from r1" in done.stderr
    assert dumped(database) == before


def test_another_database_is_left_alone(
    create_database: Callable[[], Database], migrated: Migrated, tmp_path: Path
) -> None:
    migrated(FIRST)
    done = psql(create_database(), tmp_path / "downgrade.sql")
    assert done.returncode == 3
    assert "there is no version table public.alembic_version here" in done.stderr


def test_a_failure_leaves_its_step_undone_and_the_next_run_goes_on(
    database: Database, connect: Connect, migrated: Migrated, tmp_path: Path
) -> None:
    before = dumped(database)
    migrated(FIRST, SECOND)
    connect().execute("CREATE VIEW in_the_way AS SELECT id FROM audit")
    done = psql(database, tmp_path / "downgrade.sql")
    assert done.returncode == 3
    assert "cannot drop table audit" in done.stderr
    assert connect().execute("SELECT version_num FROM alembic_version").fetchall() == [("r1",)]
    assert connect().execute("SELECT to_regclass('moods') IS NOT NULL").fetchone() == (True,)
    connect().execute("DROP VIEW in_the_way")
    again = psql(database, tmp_path / "downgrade.sql")
    assert (again.returncode, again.stderr) == (0, "")
    assert "undoing revision r2" not in again.stdout
    assert dumped(database) == before


def test_a_lock_is_waited_for_no_longer_than_asked(
    database: Database, connect: Connect, migrated: Migrated, tmp_path: Path
) -> None:
    migrated(FIRST)
    holder = connect(autocommit=False)
    holder.execute("SELECT FROM users")
    done = psql(database, tmp_path / "downgrade.sql", "-v", "lock_timeout=100ms")
    assert done.returncode == 3
    assert "canceling statement due to lock timeout" in done.stderr


def test_an_empty_downgrade_after_a_schema_change_stops_the_script_there(
    database: Database, connect: Connect, migrated: Migrated, tmp_path: Path
) -> None:
    undo = migrated(("r1", "r0", FIRST[2], ()), SECOND)
    reason = "its downgrade() is empty, and its upgrade() changes the schema"
    assert [(loss.revision, loss.because) for loss in undo.impossible] == [("r1", reason)]
    done = psql(database, tmp_path / "downgrade.sql")
    assert done.returncode == 3
    assert f"revision r1 has no way back: {reason}" in done.stderr
    assert connect().execute("SELECT version_num FROM alembic_version").fetchall() == [("r1",)]
    assert f"-- STOPS at revision r1: {reason}" in (tmp_path / "downgrade.sql").read_text()


def test_a_downgrade_that_raises_stops_the_script_with_its_reason(
    database: Database, connect: Connect, tmp_path: Path
) -> None:
    connection = connect()
    for statement in (HISTORY, "INSERT INTO alembic_version VALUES ('r1')"):
        connection.execute(statement)
    catalog = read(connection)
    there, _ = step("r1", "r0", ("CREATE TABLE a (id int)",), catalog)
    back = replace(there, statements=(), read="unreadable", unreadable="line 9: RuntimeError: 100% 'never'")
    upgrade = Plan(("r0",), ("r1",), (there,))
    undo = write_downgrade(tmp_path, Plan(("r1",), ("r0",), (back,), "downgrade", VERSION), upgrade, catalog)
    assert undo.impossible[0].because.endswith("line 9: RuntimeError: 100% 'never'")
    done = psql(database, tmp_path / "downgrade.sql")
    assert done.returncode == 3
    assert "line 9: RuntimeError: 100% 'never'" in done.stderr


def test_an_empty_downgrade_of_a_revision_that_changed_nothing_is_a_way_back(
    database: Database, connect: Connect, migrated: Migrated, tmp_path: Path
) -> None:
    undo = migrated(("r1", "r0", (), ()))
    assert (undo.impossible, undo.losses) == ((), ())
    assert psql(database, tmp_path / "downgrade.sql").returncode == 0
    assert connect().execute("SELECT version_num FROM alembic_version").fetchall() == [("r0",)]
