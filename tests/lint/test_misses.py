"""What other linters pass over although it locks, fails or loses data: lint must say it, once."""

import pytest

from migsafe.lint import lint
from migsafe.lint.examples import catalog_of, plan_of

SETUP = """
CREATE EXTENSION vector;
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE teams (id bigint PRIMARY KEY);
CREATE TABLE users (
    id bigint PRIMARY KEY, email varchar(255), name text, age integer, size positive, body json, at timestamp,
    mood mood, embedding vector(3), CONSTRAINT users_age_pos CHECK (age > 0)
);
CREATE INDEX ix_users_age ON users (age);
CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
"""

DANGEROUS = [
    ("ALTER TABLE users ADD COLUMN k uuid[] DEFAULT ARRAY[gen_random_uuid()]", "add-column-volatile-default"),
    ("ALTER TABLE users ADD COLUMN k uuid NOT NULL DEFAULT gen_random_uuid()", "add-column-volatile-default"),
    ("ALTER TABLE users ADD COLUMN k bigserial", "add-column-volatile-default"),
    ("ALTER TABLE users ADD COLUMN k bigint GENERATED ALWAYS AS IDENTITY", "add-column-volatile-default"),
    ("ALTER TABLE users ADD COLUMN k integer GENERATED ALWAYS AS (age * 2) STORED", "add-column-volatile-default"),
    ("ALTER TABLE users ADD COLUMN k positive", "add-column-volatile-default"),
    ("ALTER TABLE users ADD COLUMN k integer DEFAULT 1 CHECK (k > 0)", "add-check-validated"),
    ("ALTER TABLE users ADD COLUMN k bigint DEFAULT 1 REFERENCES teams (id)", "add-foreign-key-validated"),
    ("ALTER TABLE users ADD COLUMN k text UNIQUE", "add-unique-constraint-builds-index"),
    ("ALTER TABLE users ADD COLUMN k text NOT NULL", "add-column-not-null-without-default"),
    ("ALTER TABLE users ADD EXCLUDE USING btree (age WITH =)", "add-unique-constraint-builds-index"),
    ("ALTER TABLE users ADD CONSTRAINT c CHECK (age < 200), VALIDATE CONSTRAINT users_age_pos", "add-check-validated"),
    (
        "ALTER TABLE users VALIDATE CONSTRAINT users_age_pos; ALTER TABLE users ALTER COLUMN name SET NOT NULL",
        "set-not-null-without-check",
    ),
    ("ALTER TABLE users ALTER COLUMN age SET NOT NULL", "set-not-null-without-check"),
    ("ALTER TABLE users ADD CONSTRAINT name_there NOT NULL name", "set-not-null-without-check"),
    ("CREATE TABLE IF NOT EXISTS users (id bigint); CREATE INDEX i ON users (age)", "create-index-not-concurrently"),
    ("CREATE INDEX i ON events (at)", "create-index-not-concurrently"),
    ("CREATE INDEX i ON users USING hnsw (embedding vector_l2_ops)", "create-index-not-concurrently"),
    ("BEGIN; DROP INDEX CONCURRENTLY ix_users_age; COMMIT", "concurrently-in-transaction"),
    ("BEGIN; REINDEX INDEX CONCURRENTLY ix_users_age; COMMIT", "concurrently-in-transaction"),
    ("BEGIN; VACUUM users; COMMIT", "concurrently-in-transaction"),
    ("ALTER TABLE users ALTER COLUMN email TYPE varchar(50)", "alter-column-type-rewrite"),
    ("ALTER TABLE users ALTER COLUMN name TYPE varchar(50)", "alter-column-type-rewrite"),
    ("ALTER TABLE users ALTER COLUMN body TYPE jsonb", "alter-column-type-rewrite"),
    (
        "ALTER TABLE users ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE 'UTC'",
        "alter-column-type-rewrite",
    ),
    ("ALTER TABLE users ALTER COLUMN mood TYPE text", "alter-column-type-rewrite"),
    ("ALTER TABLE users ALTER COLUMN embedding TYPE halfvec(3)", "alter-column-type-loses-values"),
    ("ALTER TABLE users ALTER COLUMN embedding TYPE vector(4)", "vector-dimension-change"),
    ("ALTER TABLE users DROP CONSTRAINT users_pkey, ADD PRIMARY KEY (email)", "add-unique-constraint-builds-index"),
    ("ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 1000)", "scan-under-lock"),
    ("VACUUM FULL users", "rewrite-whole-table"),
    ("CLUSTER users USING users_pkey", "rewrite-whole-table"),
    ("REINDEX TABLE users", "reindex-not-concurrently"),
    (
        "CREATE UNIQUE INDEX CONCURRENTLY i ON users (name); ALTER TABLE users DROP CONSTRAINT users_pkey,"
        " ADD PRIMARY KEY USING INDEX i",
        "set-not-null-without-check",
    ),
    ("TRUNCATE users", "truncate-or-delete-whole-table"),
    ("DELETE FROM users", "truncate-or-delete-whole-table"),
    ("WITH gone AS (DELETE FROM users RETURNING id) SELECT count(*) FROM gone", "truncate-or-delete-whole-table"),
    ("UPDATE users SET age = 1", "update-whole-table"),
    ("DROP TYPE mood CASCADE", "drop-cascades-to-data"),
    ("DROP EXTENSION vector CASCADE", "drop-cascades-to-data"),
    ("DROP SCHEMA public CASCADE", "drop-cascades-to-data"),
    ("ALTER TABLE users RENAME COLUMN name TO full_name", "rename-breaks-running-code"),
    ("ALTER TABLE users SET SCHEMA pg_temp", "rename-breaks-running-code"),
    ("ALTER TYPE mood RENAME TO feeling", "rename-breaks-running-code"),
    ("DO $$ BEGIN DROP TABLE users; END $$", "drop-table"),
    (
        "DO $$ DECLARE r text; BEGIN FOR r IN SELECT relname FROM pg_class LOOP EXECUTE 'DROP TABLE ' || r; END LOOP;"
        " END $$",
        "unknown-effects",
    ),
]


@pytest.mark.parametrize(("script", "rule"), DANGEROUS)
def test_what_locks_fails_or_loses_data_is_reported_once(script: str, rule: str) -> None:
    catalog = catalog_of(SETUP)
    found = lint(plan_of(script, catalog)[0], catalog)
    assert [finding.rule for finding in found if finding.severity == "error" or finding.rule == rule] == [rule]
