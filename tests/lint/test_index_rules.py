"""Hazards of indexes that no peer names, and the statements beside them that are harmless."""

import pytest

from migsafe.lint import lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.findings import Finding

SETUP = """
CREATE TABLE users (
    id bigint PRIMARY KEY, email text CONSTRAINT users_email_key UNIQUE, name text, age integer, at timestamptz,
    seen tsrange, CONSTRAINT users_seen EXCLUDE USING gist (seen WITH &&)
);
CREATE INDEX ix_users_age ON users (age);
CREATE UNIQUE INDEX ix_users_name ON users (name);
CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX ix_events_id ON events (id);
CREATE INDEX ix_events_at ON ONLY events (at);
CREATE FUNCTION slug(text) RETURNS text LANGUAGE sql AS $$ SELECT lower($1) $$;
CREATE FUNCTION fixed(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower($1) $$;
"""

HAZARDS = [
    ("DROP INDEX users_pkey", "drop-index-of-constraint"),
    ("DROP INDEX users_email_key CASCADE", "drop-index-of-constraint"),
    ("DROP INDEX CONCURRENTLY users_email_key", "drop-index-of-constraint"),
    ("DROP INDEX users_seen", "drop-index-of-constraint"),
    ("DROP INDEX events_2025_id_idx", "drop-index-of-constraint"),
    ("DROP INDEX CONCURRENTLY ix_users_name", "drop-unique-breaks-on-conflict"),
    ("ALTER TABLE users DROP CONSTRAINT users_email_key", "drop-unique-breaks-on-conflict"),
    ("CREATE INDEX IF NOT EXISTS ix_events_at ON events (at)", "if-not-exists-over-invalid-index"),
    ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (at)", "concurrently-if-not-exists"),
    ("SET statement_timeout = '5s'; CREATE INDEX CONCURRENTLY i ON users (at)", "concurrently-under-timeout"),
    ("SET lock_timeout = 2000; REINDEX INDEX CONCURRENTLY ix_users_age", "concurrently-under-timeout"),
    ("CREATE INDEX CONCURRENTLY i ON events (at)", "concurrently-on-partitioned-table"),
    ("CREATE INDEX CONCURRENTLY i ON ONLY events (at, id)", "concurrently-on-partitioned-table"),
    ("DROP INDEX CONCURRENTLY ix_events_id", "concurrently-on-partitioned-table"),
    ("CREATE INDEX CONCURRENTLY i ON users (to_char(at, 'YYYY'))", "index-expression-not-immutable"),
    ("CREATE INDEX CONCURRENTLY i ON users (slug(name))", "index-expression-not-immutable"),
    ("CREATE INDEX CONCURRENTLY i ON users (id) WHERE at > now()", "index-expression-not-immutable"),
    ("CREATE INDEX CONCURRENTLY i ON users (id) WHERE at > CURRENT_DATE", "index-expression-not-immutable"),
    ("CREATE INDEX CONCURRENTLY i ON users (age)", "create-index-duplicates-another"),
    ("CREATE INDEX CONCURRENTLY i ON users (id)", "create-index-duplicates-another"),
    ("CREATE TABLE t (id bigint PRIMARY KEY); CREATE INDEX ix_t_id ON t (id)", "create-index-duplicates-another"),
    (f"CREATE INDEX CONCURRENTLY {'i' * 64} ON users (at)", "identifier-truncated"),
    (f'CREATE TABLE t ("{"ä" * 32}" text)', "identifier-truncated"),
]

HARMLESS = [
    "DROP INDEX CONCURRENTLY ix_users_age",
    "CREATE UNIQUE INDEX CONCURRENTLY i ON users (name); DROP INDEX CONCURRENTLY ix_users_name",
    "DROP INDEX CONCURRENTLY ix_users_name; CREATE UNIQUE INDEX CONCURRENTLY i ON users (name)",
    "CREATE UNIQUE INDEX CONCURRENTLY i ON users (email);"
    " ALTER TABLE users DROP CONSTRAINT users_email_key, ADD CONSTRAINT users_email_key UNIQUE USING INDEX i",
    "CREATE INDEX IF NOT EXISTS ix_users_age ON users (age)",
    "CREATE INDEX IF NOT EXISTS ix_events_at ON ONLY events (at);"
    " CREATE INDEX CONCURRENTLY e5 ON events_2025 (at); ALTER INDEX ix_events_at ATTACH PARTITION e5",
    "SET lock_timeout = '5s'; SET lock_timeout = 0; CREATE INDEX CONCURRENTLY i ON users (at)",
    "SET lock_timeout = '5s'; RESET lock_timeout; CREATE INDEX CONCURRENTLY i ON users (at)",
    "BEGIN; SET LOCAL lock_timeout = '5s'; COMMIT; CREATE INDEX CONCURRENTLY i ON users (at)",
    "SET statement_timeout = '4h'; CREATE INDEX CONCURRENTLY i ON users (at)",
    "CREATE INDEX CONCURRENTLY i ON events_2025 (at)",
    "CREATE INDEX CONCURRENTLY i ON users (lower(name))",
    "CREATE INDEX CONCURRENTLY i ON users (fixed(name))",
    "CREATE INDEX CONCURRENTLY i ON users (date_trunc('day', at AT TIME ZONE 'UTC'))",
    "CREATE INDEX CONCURRENTLY i ON users (age) WHERE age > 17",
    "CREATE INDEX CONCURRENTLY i ON users (age, id)",
    "CREATE INDEX CONCURRENTLY i ON users (email text_pattern_ops)",
    "CREATE UNIQUE INDEX CONCURRENTLY i ON users (age)",
    "CREATE INDEX CONCURRENTLY i ON users USING hash (age)",
    "CREATE INDEX CONCURRENTLY i ON users (age); DROP INDEX CONCURRENTLY ix_users_age",
    f"CREATE INDEX CONCURRENTLY {'i' * 63} ON users (at)",
]


def found(script: str, setup: str = SETUP, server_version: int = 18) -> list[Finding]:
    catalog = catalog_of(setup, server_version)
    return list(lint(plan_of(script, catalog)[0], catalog))


@pytest.mark.parametrize(("script", "rule"), HAZARDS)
def test_a_hazard_of_an_index_is_told_once(script: str, rule: str) -> None:
    assert [finding.rule for finding in found(script)] == [rule]


@pytest.mark.parametrize("script", HARMLESS)
def test_what_is_like_it_and_harmless_is_not(script: str) -> None:
    assert [finding.message for finding in found(script)] == []


def test_a_timeout_names_its_value_and_whom_the_build_waits_for() -> None:
    [finding] = found("SET lock_timeout = '5s'; CREATE INDEX CONCURRENTLY i ON users (at)")
    assert finding.message == (
        "CREATE INDEX CONCURRENTLY on public.users waits for writers of public.users and older snapshots, under "
        "lock_timeout = 5s: when that is over before they are, it ends and leaves an INVALID index."
    )


def test_the_index_of_a_constraint_is_dropped_with_its_constraint() -> None:
    [finding] = found("DROP INDEX users_pkey")
    assert finding.fix == 'Write `op.drop_constraint("users_pkey", "users", type_="primary")`.'


def test_a_duplicate_of_the_index_of_a_constraint_is_to_be_left_out() -> None:
    [finding] = found("CREATE INDEX CONCURRENTLY ix_users_id ON users (id)")
    assert finding.fix == "Leave ix_users_id out."
