"""Severity by size: what takes long on a large table is information on a small one, and unknown is large."""

from datetime import UTC, datetime

import msgspec
import pytest

from fix_postgres import Connect
from migsafe.lint import lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.lint.sizes import size_of
from migsafe.model.catalog import Catalog
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan
from migsafe.model.statistics import DatabaseStatistics, RelationStatistics
from migsafe.postgres.catalog import read
from migsafe.settings import LintSettings

SETUP = """
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, note text, user_id bigint);
CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
"""
MB = 1024**2


def sized(**sizes: tuple[float | None, int | None]) -> Catalog:
    catalog = catalog_of(SETUP)
    known = {
        name: msgspec.structs.replace(relation, rows=None)
        if name.removeprefix("public.") not in sizes
        else msgspec.structs.replace(
            relation, rows=sizes[name.removeprefix("public.")][0], bytes=sizes[name.removeprefix("public.")][1]
        )
        for name, relation in catalog.relations.items()
    }
    return msgspec.structs.replace(catalog, relations=known)


def found(script: str, catalog: Catalog, settings: LintSettings | None = None) -> tuple[Finding, ...]:
    return lint(plan_of(script, catalog)[0], catalog, settings or LintSettings())


def severities(script: str, catalog: Catalog, settings: LintSettings | None = None) -> list[str]:
    return [finding.severity for finding in found(script, catalog, settings)]


NOT_NULL = "ALTER TABLE orders ALTER COLUMN note SET NOT NULL"


def test_a_small_table_makes_an_error_information_and_says_why() -> None:
    [finding] = found(NOT_NULL, sized(orders=(40, 8192)))
    assert finding.severity == "info"
    assert "reads and writes of public.orders wait. About 40 rows: over in seconds at most; the wait for" in (
        finding.message
    )


@pytest.mark.parametrize(
    ("size", "severity"),
    [
        ((10_000, 16 * MB), "info"),
        ((10_001, 8192), "error"),
        ((40, 16 * MB + 1), "error"),
        ((None, 8192), "error"),
        ((40, None), "error"),
        ((0, None), "error"),
        ((0, 0), "info"),
    ],
)
def test_both_rows_and_bytes_must_be_known_to_be_small(size: tuple[float | None, int | None], severity: str) -> None:
    assert severities(NOT_NULL, sized(orders=size)) == [severity]


def test_the_settings_say_what_is_small_and_a_severity_that_they_give_is_kept() -> None:
    catalog = sized(orders=(40, 8192))
    assert severities(NOT_NULL, catalog, LintSettings(small_rows=39)) == ["error"]
    assert severities(NOT_NULL, catalog, LintSettings(small_bytes=8191)) == ["error"]
    [finding] = found(NOT_NULL, catalog, LintSettings(severity={"set-not-null-without-check": "error"}))
    assert finding.severity == "error"
    assert "over in seconds" not in finding.message


def test_what_the_plan_has_filled_is_of_unknown_size() -> None:
    fill = "INSERT INTO orders SELECT g FROM generate_series(1, 1000000) g;"
    assert "error" in severities(fill + NOT_NULL, sized(orders=(40, 8192)))


@pytest.mark.parametrize("statement", ["DROP TABLE orders", "ALTER TABLE orders DROP COLUMN note", "TRUNCATE orders"])
def test_lost_data_weighs_the_same_however_little_it_is_but_not_where_there_is_none(statement: str) -> None:
    assert severities(statement, sized(orders=(40, 8192))) == ["error"]
    assert severities(statement, sized(orders=(0, 8192))) == ["error"]
    [finding] = found(statement, sized(orders=(0, 0)))
    assert finding.severity == "warning"
    assert finding.message.endswith("There is no row in it now.")


def test_a_partitioned_table_is_as_large_as_its_partitions() -> None:
    assert size_of(sized(events=(5, None)), "public.events") is None
    assert size_of(sized(events=(5, None), events_1=(70, 8192)), "public.events") == (70, 8192)


def test_a_vector_index_takes_long_on_few_rows_too() -> None:
    catalog = catalog_of("CREATE EXTENSION vector; CREATE TABLE m (id bigint, e vector(3));")
    small = msgspec.structs.replace(catalog.relations["public.m"], rows=40, bytes=8192)
    catalog = msgspec.structs.replace(catalog, relations={**catalog.relations, "public.m": small})
    script = "CREATE INDEX i ON m USING hnsw (e vector_l2_ops)"
    assert "error" in severities(script, catalog)


def test_a_live_table_of_a_few_rows_is_small_once_analysed(connect: Connect) -> None:
    connection = connect()
    connection.execute(SETUP.encode())
    connection.execute("INSERT INTO orders SELECT g, 'x', g FROM generate_series(1, 40) g")
    assert severities(NOT_NULL, read(connection)) == ["error"]
    connection.execute("ANALYZE orders")
    assert severities(NOT_NULL, read(connection)) == ["info"]


def production(*relations: RelationStatistics) -> DatabaseStatistics:
    return DatabaseStatistics(server_version="18.0", written=datetime.now(UTC).isoformat(), relations=relations)


def test_statistics_of_production_stand_in_for_a_database() -> None:
    catalog = catalog_of(SETUP)
    small = production(RelationStatistics(name="public.orders", rows=0, bytes=0))
    plan = plan_of(NOT_NULL + "; DROP TABLE orders", catalog)[0]
    judged = lint(plan, catalog, each_alone=True, statistics=small)
    # What had no rows when they were written is small now, but not known to be empty.
    assert [finding.severity for finding in judged] == ["info", "error"]
    assert [finding.severity for finding in lint(plan, catalog, each_alone=True)] == ["error", "error"]


def test_statistics_hold_for_a_table_that_an_earlier_revision_of_the_range_made() -> None:
    empty = Catalog(complete=True)
    first, after = plan_of("CREATE TABLE orders (id bigint PRIMARY KEY, note text)", empty)
    second, _ = plan_of(NOT_NULL, after)
    plan = Plan((), ("b",), first.steps + second.steps)
    small = production(RelationStatistics(name="public.orders", rows=40, bytes=8192))
    assert [finding.severity for finding in lint(plan, empty, each_alone=True, statistics=small)] == ["info"]
    assert [finding.severity for finding in lint(plan, empty, each_alone=True)] == ["error"]
