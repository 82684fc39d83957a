"""Space: what a plan takes, and what is free where that can be known."""

import sys
from pathlib import Path

import pytest

from fix_postgres import Connect, Connection, Role
from fix_preflight import asked, only
from fix_verify import plan_of
from migsafe.model.catalog import Catalog
from migsafe.postgres.catalog import read
from migsafe.preflight.free import on_this_machine, said_by
from migsafe.preflight.space import Space, needed
from migsafe.settings import Settings

REWRITE = "ALTER TABLE orders ALTER id TYPE bigint"
GB = 1024**3


@pytest.fixture
def orders(connection: Connection) -> Connection:
    connection.execute("CREATE TABLE orders (id int PRIMARY KEY, note text)")
    connection.execute("INSERT INTO orders SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i")
    connection.execute("ANALYZE orders")
    return connection


def sizes(connection: Connection, relation: str) -> tuple[int, int]:
    row = connection.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", (relation, relation)).fetchone()
    assert row is not None
    return row[0], row[1]


def space_of(connection: Connection, *statements: str) -> Space:
    catalog = read(connection)
    return needed(connection, plan_of(catalog, *statements), catalog)


def test_a_rewrite_takes_table_indexes_and_wal(orders: Connection) -> None:
    (item,) = space_of(orders, REWRITE).items
    assert item.files == sum(sizes(orders, "orders"))
    assert item.wal > item.files


def test_a_build_is_estimated_near_its_size(orders: Connection) -> None:
    (item,) = space_of(orders, "CREATE INDEX CONCURRENTLY orders_other ON orders (id)").items
    orders.execute("CREATE INDEX orders_other ON orders (id)")
    row = orders.execute("SELECT pg_relation_size('orders_other')").fetchone()
    assert row is not None
    assert 0.7 < item.files / row[0] < 1.5


def test_an_index_of_unknown_width_is_bounded_by_its_table(orders: Connection) -> None:
    (item,) = space_of(orders, "CREATE INDEX orders_other ON orders (lower(note))").items
    assert item.files == sizes(orders, "orders")[0]


def test_an_update_of_all_rows_is_counted(orders: Connection) -> None:
    (item,) = space_of(orders, "UPDATE orders SET note = ''").items
    assert item.bytes > 3 * sum(sizes(orders, "orders"))
    assert space_of(orders, "UPDATE orders SET note = '' WHERE id = 1").items == ()


def test_a_partitioned_table_is_the_sum_of_its_partitions(connection: Connection) -> None:
    connection.execute("CREATE TABLE events (id int, at int) PARTITION BY RANGE (at)")
    for i in range(2):
        connection.execute(f"CREATE TABLE events_{i} PARTITION OF events FOR VALUES FROM ({i}) TO ({i + 1})".encode())
    connection.execute("INSERT INTO events SELECT i, i % 2 FROM generate_series(1, 5000) i")
    space = space_of(connection, "ALTER TABLE events ALTER id TYPE bigint")
    assert sum(item.files for item in space.items) == sum(sizes(connection, f"events_{i}")[0] for i in range(2))


def test_a_table_that_the_plan_makes_takes_nothing(connection: Connection) -> None:
    made = "CREATE TABLE orders (id int)"
    assert space_of(connection, made, REWRITE, "CREATE INDEX ON orders (id)", "UPDATE orders SET id = 1") == Space()


def test_metadata_takes_nothing(orders: Connection) -> None:
    assert asked("disk", orders, "ALTER TABLE orders ADD flag boolean DEFAULT false") == ()


def test_the_servers_own_disk_is_found_on_this_machine(orders: Connection) -> None:
    result = only(asked("disk", orders, REWRITE, settings=Settings(min_free=0)))
    assert result.status == "passed"
    assert result.evidence["from"].startswith("the file system of")


def test_too_little_blocks(orders: Connection) -> None:
    result = only(asked("disk", orders, REWRITE, settings=Settings(declared_free=GB, min_free=GB)))
    assert result.status == "blocked"
    assert "public.orders" in result.message


def test_enough_declared_passes(orders: Connection) -> None:
    assert only(asked("disk", orders, REWRITE, settings=Settings(declared_free=3 * GB, min_free=GB))).status == "passed"


def test_without_a_way_to_know_it_is_unknown_with_what_is_needed(
    orders: Connection, connect: Connect, role: Role
) -> None:
    asker = connect(role("app"))
    result = only(asked("disk", orders, REWRITE, by=asker))
    assert result.status == "unknown"
    assert "needs up to" in result.message
    assert "pg_read_all_settings" in (result.remedy or "")
    assert "disk_command" in (result.remedy or "")
    settings = Settings(declared_free=10 * GB)
    assert only(asked("disk", orders, REWRITE, by=asker, settings=settings)).status == "passed"


def test_a_command_may_say_it(orders: Connection) -> None:
    settings = Settings(disk_command=f"{sys.executable} -c 'print(12)'")
    result = only(asked("disk", orders, REWRITE, settings=settings))
    assert (result.status, result.evidence["free"]) == ("blocked", "12")


@pytest.mark.parametrize("command", ["no-such-program", "false", "echo plenty", "'", ""])
def test_a_command_that_does_not_say_it_is_unknown(orders: Connection, command: str) -> None:
    result = only(asked("disk", orders, REWRITE, settings=Settings(disk_command=command)))
    assert result.status == "unknown"
    assert "disk_command" in (result.remedy or "")


def test_a_command_is_not_run_by_a_shell() -> None:
    assert said_by("echo 1; echo 2").bytes is None


def test_another_servers_directory_is_no_answer(orders: Connection, tmp_path: Path) -> None:
    row = orders.execute(
        "SELECT current_setting('data_directory'), extract(epoch FROM pg_postmaster_start_time())::float8,"
        " system_identifier FROM pg_control_system()"
    ).fetchone()
    assert row is not None
    directory, started, identifier = Path(row[0]), row[1], row[2]
    assert on_this_machine(directory, started, identifier, ()).bytes is not None
    assert on_this_machine(directory, started, identifier + 1, ()).bytes is None
    assert on_this_machine(directory, started + 3600, identifier, ()).bytes is None
    assert on_this_machine(tmp_path, started, identifier, ()).bytes is None


def test_what_is_not_there_is_unknown(connection: Connection) -> None:
    catalog = Catalog()
    results = asked("disk", connection, plan=plan_of(catalog, REWRITE))
    assert [result.status for result in results] == ["unknown"]
