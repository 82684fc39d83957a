"""What other linters report although PostgreSQL does it at once: lint must be silent."""

import pytest

from migsafe.lint import lint
from migsafe.lint.examples import catalog_of, plan_of

SETUP = """
CREATE EXTENSION vector;
CREATE TABLE teams (id bigint PRIMARY KEY);
CREATE TABLE users (
    id bigint PRIMARY KEY, email varchar(255), name text, age integer, price numeric(12,2), team_id bigint,
    embedding vector(3), CONSTRAINT name_there CHECK (name IS NOT NULL AND length(name) > 1)
);
CREATE INDEX ix_users_age ON users (age);
CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
"""

NEW = "CREATE TABLE fresh (id bigint PRIMARY KEY, code integer, team_id bigint);\n"

SAFE = [
    "ALTER TABLE users ADD COLUMN k integer",
    "ALTER TABLE users ADD COLUMN k integer DEFAULT -1",
    "ALTER TABLE users ADD COLUMN k date DEFAULT CURRENT_DATE",
    "ALTER TABLE users ADD COLUMN k timestamptz DEFAULT now()",
    "ALTER TABLE users ADD COLUMN k timestamptz DEFAULT pg_catalog.now()",
    "ALTER TABLE users ADD COLUMN k timestamp DEFAULT timezone('utc', now())",
    "ALTER TABLE users ADD COLUMN k timestamp DEFAULT (now() AT TIME ZONE 'utc')",
    "ALTER TABLE users ADD COLUMN k timestamptz DEFAULT (now() + interval '1 day')",
    "ALTER TABLE users ADD COLUMN k text DEFAULT lower('ABC')",
    "ALTER TABLE users ADD COLUMN k text NOT NULL DEFAULT 'new'",
    "ALTER TABLE users ADD COLUMN k integer GENERATED ALWAYS AS (age * 2) VIRTUAL",
    "ALTER TABLE users ADD COLUMN k vector(1536)",
    "ALTER TABLE users ALTER COLUMN email TYPE varchar(500)",
    "ALTER TABLE users ALTER COLUMN email TYPE text",
    "ALTER TABLE users ALTER COLUMN price TYPE numeric(14,2)",
    "ALTER TABLE users ALTER COLUMN price TYPE numeric",
    "ALTER TABLE users ALTER COLUMN embedding TYPE vector",
    "ALTER TABLE users ALTER COLUMN name SET NOT NULL",
    "ALTER TABLE users ALTER COLUMN age SET DEFAULT 0",
    "ALTER TABLE users ALTER COLUMN email SET STATISTICS 500",
    "ALTER INDEX ix_users_age RENAME TO ix_users_years",
    "CREATE INDEX ix_events_at ON ONLY events (at)",
    "CREATE INDEX CONCURRENTLY ix_users_name ON users (name)",
    "DROP INDEX CONCURRENTLY ix_users_age",
    NEW + "CREATE INDEX ix_fresh_code ON fresh (code); DROP INDEX ix_fresh_code",
    NEW + "ALTER TABLE fresh ALTER COLUMN code SET NOT NULL",
    NEW + "ALTER TABLE fresh ALTER COLUMN code TYPE bigint",
    NEW + "ALTER TABLE fresh ADD COLUMN token uuid DEFAULT gen_random_uuid()",
    NEW + "ALTER TABLE fresh ADD COLUMN slug text UNIQUE",
    NEW + "ALTER TABLE fresh DROP COLUMN code",
    NEW + "UPDATE fresh SET code = 1; DELETE FROM fresh; TRUNCATE fresh",
    NEW + "DROP TABLE fresh",
    NEW + "ALTER TABLE fresh RENAME TO renamed; CREATE INDEX ix_renamed_code ON renamed (code)",
    NEW + "ALTER TABLE fresh RENAME COLUMN code TO number; ALTER TABLE fresh DROP COLUMN number",
    "CREATE TABLE copied AS SELECT id, age FROM users; CREATE INDEX ix_copied_age ON copied (age)",
    "CREATE MATERIALIZED VIEW ages AS SELECT age FROM users; CREATE INDEX ix_ages ON ages (age)",
    "ALTER TABLE users ADD COLUMN k integer; ALTER TABLE users RENAME COLUMN k TO l; ALTER TABLE users DROP COLUMN l",
    "BEGIN; ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people; COMMIT",
    "SELECT set_config('lock_timeout', '5s', false)",
    "INSERT INTO teams (id) VALUES (1), (2)",
    "UPDATE users SET age = 1 WHERE id = 7",
    "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY)",
]

NOTED = [
    ("ALTER TABLE users ADD COLUMN k bigint REFERENCES teams (id)", ("foreign-key-without-index",)),
    ("ALTER TABLE users ADD CONSTRAINT age_positive CHECK (age > 0) NOT ENFORCED", ("constraint-not-enforced",)),
    (
        "ALTER TABLE users ADD CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES teams (id) NOT ENFORCED",
        ("constraint-not-enforced", "foreign-key-without-index"),
    ),
    ("ALTER TABLE users ADD CONSTRAINT age_positive CHECK (age > 0) NOT VALID", ("constraint-never-validated",)),
    (
        "ALTER TABLE users ADD CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES teams (id) NOT VALID",
        ("constraint-never-validated", "foreign-key-without-index"),
    ),
    ("ALTER TABLE users ADD CONSTRAINT email_there NOT NULL email NOT VALID", ("constraint-never-validated",)),
    (NEW + "ALTER TABLE fresh ADD COLUMN other bigint REFERENCES teams (id)", ("foreign-key-without-index",)),
    (
        NEW + "ALTER TABLE fresh ADD CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES teams (id)",
        ("foreign-key-without-index",),
    ),
]


@pytest.mark.parametrize("script", SAFE)
def test_what_takes_no_time_and_loses_nothing_is_not_reported(script: str) -> None:
    catalog = catalog_of(SETUP)
    assert [finding.message for finding in lint(plan_of(script, catalog)[0], catalog)] == []


@pytest.mark.parametrize(("script", "rules"), NOTED)
def test_what_takes_no_time_but_is_good_to_know_is_an_info(script: str, rules: tuple[str, ...]) -> None:
    catalog = catalog_of(SETUP)
    found = lint(plan_of(script, catalog)[0], catalog)
    assert sorted((finding.rule, finding.severity) for finding in found) == [(rule, "info") for rule in rules]
