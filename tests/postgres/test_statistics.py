"""What `migsafe stats` reads: sizes, rates and ages, as much of it as a role may see."""

import time

import pytest

from fix_postgres import Connect, Role
from migsafe.model.statistics import DatabaseStatistics, RelationStatistics
from migsafe.postgres.connection import Database
from migsafe.postgres.connection import connect as open_session
from migsafe.postgres.statistics import read_statistics, rounded, rounded_up

SCHEMA = """
CREATE TABLE customers AS SELECT g AS id, repeat('x', 100) AS note FROM generate_series(1, 1234) g;
CREATE INDEX customers_id ON customers (id);
CREATE TABLE empty (id int);
CREATE TABLE events (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
INSERT INTO events SELECT g, date '2026-06-01' + (g % 2) * 365 FROM generate_series(1, 400) g;
ANALYZE;
CREATE TABLE unknown AS SELECT 1 AS id;
"""


@pytest.fixture
def filled(connect: Connect) -> None:
    connect().execute(SCHEMA)


def found(database: Database) -> DatabaseStatistics:
    with open_session(database, read_only=True) as connection:
        return read_statistics(connection)


def by_name(statistics: DatabaseStatistics) -> dict[str, RelationStatistics]:
    return {each.name.removeprefix("public."): each for each in statistics.relations}


def test_rows_and_bytes_are_told_rounded_up_and_partitions_summed(filled: None, database: Database) -> None:
    statistics = by_name(found(database))
    assert sorted(statistics) == ["customers", "empty", "events", "unknown"]
    customers = statistics["customers"]
    assert customers.rows == 1300
    assert (customers.bytes or 0) >= 1234 * 100
    assert (customers.index_bytes or 0) > 0
    assert (statistics["empty"].rows, statistics["empty"].bytes) == (0, 0)
    assert statistics["events"].rows == 400
    assert statistics["events"].bytes == 17_000
    assert statistics["unknown"].rows is None


def test_an_open_transaction_is_in_it_and_no_name_of_its_query(
    filled: None, connect: Connect, database: Database
) -> None:
    holder = connect(autocommit=False)
    holder.execute("SELECT 'a secret', pg_sleep(0.2)")
    statistics = found(database)
    assert (statistics.longest_transaction or 0) > 0.1
    assert "secret" not in str(statistics)


def test_a_role_without_privileges_sees_all_sizes_and_is_told_which_grant_it_lacks(
    filled: None, connect: Connect, database: Database, role: Role
) -> None:
    holder = connect(autocommit=False)
    holder.execute("SELECT 1")
    app = role()
    statistics = found(app)
    assert by_name(statistics)["customers"].rows == 1300
    assert (statistics.longest_transaction, statistics.longest_query) == (None, None)
    assert f'GRANT pg_read_all_stats TO "{app.parameters["user"]}"' in statistics.notes[0]
    connect().execute(f'GRANT pg_read_all_stats TO "{app.parameters["user"]}"'.encode())
    assert found(app).longest_transaction is not None


def test_a_table_that_somebody_locks_is_not_waited_for(filled: None, connect: Connect, database: Database) -> None:
    holder = connect(autocommit=False)
    holder.execute("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
    assert by_name(found(database.replace(options="-c lock_timeout=100")))["customers"].rows == 1300


def test_rates_are_of_the_time_since_the_counters_began(filled: None, connect: Connect, database: Database) -> None:
    writer = connect()
    writer.execute("UPDATE customers SET note = 'y'")
    # A session hands over its counters when it ends; before 15 that takes a moment.
    writer.close()
    until = time.monotonic() + 10
    while not by_name(found(database))["customers"].writes and time.monotonic() < until:
        time.sleep(0.1)
    statistics = found(database)
    assert statistics.since is not None
    assert by_name(statistics)["customers"].writes


def test_numbers_have_two_digits() -> None:
    assert [rounded_up(value) for value in (0, 0.2, 7, 99.5, 101, 123_456)] == [0, 1, 7, 100, 110, 130_000]
    assert [rounded(value) for value in (0.0, 0.004, 0.0312, 7.77, 1234.5)] == [0.0, 0.0, 0.03, 7.8, 1200.0]
