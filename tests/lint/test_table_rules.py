"""Hazards of tables, partitions, enums, triggers and maintenance: each alarm, and the silence beside it."""

import pytest

from migsafe.explanation import explain
from migsafe.lint import lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.catalog import Catalog
from migsafe.model.findings import Finding

SETUP = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE teams (id bigint PRIMARY KEY);
CREATE TABLE users (id bigint PRIMARY KEY, name text, mood mood, note text, team_id bigint
    REFERENCES teams DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE events (id bigint, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE VIEW names AS SELECT name FROM users;
CREATE MATERIALIZED VIEW moods AS SELECT id, mood FROM users;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION price(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
"""

ALARMS = [
    # Rows changed under the lock of an ALTER.
    ("BEGIN; ALTER TABLE users ADD k text; UPDATE users SET k = name WHERE k IS NULL; COMMIT", "backfill-in-ddl"),
    ("BEGIN; ALTER TABLE users ADD k text; DELETE FROM teams WHERE id > 5; COMMIT", "backfill-in-ddl"),
    (
        "BEGIN; ALTER TABLE users ADD k text; CREATE TABLE n (i int); INSERT INTO n SELECT id FROM users; COMMIT",
        "backfill",
    ),
    (
        "BEGIN; ALTER TABLE users ADD k text; WITH x AS (UPDATE teams SET id = id WHERE id > 3 RETURNING 1) "
        "SELECT count(*) FROM x; COMMIT",
        "backfill-in-ddl",
    ),
    # Every row, however it is written.
    ("UPDATE users SET name = '' WHERE true", "update-whole-table"),
    ("UPDATE users SET name = '' WHERE 1 = 1", "update-whole-table"),
    ("WITH x AS (UPDATE users SET name = '' RETURNING id) SELECT count(*) FROM x", "update-whole-table"),
    ("MERGE INTO users u USING teams t ON true WHEN MATCHED THEN UPDATE SET name = ''", "update-whole-table"),
    ("DELETE FROM users WHERE true", "truncate-or-delete-whole-table"),
    # Deferred checks.
    (
        "BEGIN; UPDATE users SET team_id = 1 WHERE id = 1; ALTER TABLE users ADD k text; COMMIT",
        "pending-trigger-events",
    ),
    ("BEGIN; DELETE FROM teams WHERE id = 1; ALTER TABLE teams ADD k text; COMMIT", "pending-trigger-events"),
    # Settings.
    ("BEGIN; SET LOCAL lock_timeout = 0; ALTER TABLE users ADD k text; COMMIT", "lock-timeout-off"),
    ("SELECT set_config('lock_timeout', '0', false); ALTER TABLE users ADD k text", "lock-timeout-off"),
    ("SET session_replication_role = replica", "disable-trigger"),
    ("SET ROLE owner", "set-outlives-revision"),
    ("SELECT set_config('search_path', 'app', false)", "set-outlives-revision"),
    # Locks by hand.
    ("BEGIN; LOCK TABLE users IN SHARE MODE; COMMIT", "lock-table"),
    ("SELECT pg_advisory_lock(1, 2); SELECT pg_advisory_unlock(1, 3)", "advisory-lock-not-released"),
    # What PostgreSQL refuses in a transaction.
    ("BEGIN; ALTER SYSTEM SET work_mem = '8MB'; COMMIT", "concurrently-in-transaction"),
    ("BEGIN; CREATE DATABASE other; COMMIT", "concurrently-in-transaction"),
    ("BEGIN; ALTER TABLE events DETACH PARTITION events_2025 CONCURRENTLY; COMMIT", "concurrently-in-transaction"),
    # Enums.
    (
        "BEGIN; ALTER TYPE mood ADD VALUE 'calm'; INSERT INTO users (id, mood) VALUES (1, 'calm'); COMMIT",
        "enum-value-used",
    ),
    (
        "BEGIN; ALTER TYPE mood ADD VALUE 'calm'; ALTER TABLE users ALTER mood SET DEFAULT 'calm'; COMMIT",
        "enum-value-used",
    ),
    ("BEGIN; ALTER TYPE mood ADD VALUE 'calm'; SELECT 'calm'::mood; COMMIT", "enum-value-used"),
    ("BEGIN; ALTER TYPE mood ADD VALUE 'calm'; CREATE TABLE n (m mood DEFAULT 'calm'); COMMIT", "enum-value-used"),
    # Triggers, policies, publications.
    ("ALTER TABLE users DISABLE TRIGGER users_touch", "disable-trigger"),
    ("DROP TRIGGER users_touch ON users", "change-trigger-on-live-table"),
    ("CREATE RULE quiet AS ON DELETE TO users DO INSTEAD NOTHING", "change-trigger-on-live-table"),
    ("CREATE POLICY p ON users USING (true); CREATE POLICY q ON users USING (false)", "change-trigger-on-live-table"),
    ("CREATE PUBLICATION p FOR TABLE users; DROP PUBLICATION p", "alter-publication-drops-table"),
    ("CREATE PUBLICATION p FOR TABLE users; ALTER TABLE users DROP COLUMN note", "change-published-table"),
    ("CREATE PUBLICATION p FOR ALL TABLES; ALTER TABLE users REPLICA IDENTITY NOTHING", "replica-identity-nothing"),
    ("REVOKE USAGE ON SCHEMA public FROM PUBLIC", "revoke-from-running-code"),
    # Names that go.
    ("DROP MATERIALIZED VIEW moods", "drop-breaks-running-code"),
    ("DROP FUNCTION price(integer)", "drop-breaks-running-code"),
    ("DROP FUNCTION touch() CASCADE", "drop-breaks-running-code"),
    ("CREATE OR REPLACE VIEW names AS SELECT name, id FROM users", "replace-function-or-view"),
]

SILENCE = [
    (
        "BEGIN; ALTER TABLE users ADD k text; UPDATE users SET k = '' WHERE id = 7; COMMIT",
        "backfill-in-ddl-transaction",
    ),
    ("BEGIN; ALTER TABLE users ADD k text; INSERT INTO teams VALUES (1), (2); COMMIT", "backfill-in-ddl-transaction"),
    (
        "BEGIN; CREATE TABLE n (i int); INSERT INTO n SELECT 1; UPDATE n SET i = 2; COMMIT",
        "backfill-in-ddl-transaction",
    ),
    (
        "BEGIN; UPDATE users SET note = '' WHERE id > 3; ALTER TABLE users ADD k text; COMMIT",
        "backfill-in-ddl-transaction",
    ),
    ("BEGIN; UPDATE users SET name = '' WHERE id = 1; ALTER TABLE users ADD k text; COMMIT", "pending-trigger-events"),
    (
        "BEGIN; INSERT INTO users (id) VALUES (1); SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE users ADD k text; COMMIT",
        "pending-trigger-events",
    ),
    (
        "BEGIN; INSERT INTO users (id) VALUES (1); COMMIT; BEGIN; ALTER TABLE users ADD k text; COMMIT",
        "pending-trigger-events",
    ),
    ("BEGIN; ALTER TABLE users ADD k text; ALTER TABLE users ADD l text; COMMIT", "several-tables-locked"),
    (
        "BEGIN; ALTER TABLE users ADD k text; CREATE TABLE n (i int); ALTER TABLE n ADD j int; COMMIT",
        "several-tables-locked",
    ),
    ("SET lock_timeout = '2s'; ALTER TABLE users ADD k text", "lock-timeout-off"),
    ("SET lock_timeout = 0; RESET ALL; ALTER TABLE users ADD k text", "lock-timeout-off"),
    ("BEGIN; SET LOCAL lock_timeout = 0; COMMIT; ALTER TABLE users ADD k text", "lock-timeout-off"),
    ("SET lock_timeout = '2s'; SET statement_timeout = '1min'; SET work_mem = '1GB'", "set-outlives-revision"),
    ("SET ROLE owner; RESET ROLE", "set-outlives-revision"),
    ("BEGIN; SELECT set_config('search_path', 'app', true); COMMIT", "set-outlives-revision"),
    ("SELECT pg_advisory_lock(7); ANALYZE users; SELECT pg_advisory_unlock(7)", "advisory-lock-not-released"),
    ("SELECT pg_advisory_lock(7); SELECT pg_advisory_unlock_all()", "advisory-lock-not-released"),
    ("VACUUM users", "concurrently-in-transaction"),
    (
        "BEGIN; ALTER TYPE mood ADD VALUE 'calm'; COMMIT; BEGIN; UPDATE users SET mood = 'calm' WHERE id = 1; COMMIT",
        "enum-value-used-in-same-transaction",
    ),
    (
        "BEGIN; ALTER TYPE mood ADD VALUE 'calm'; INSERT INTO teams SELECT 1 WHERE 'calm'::text = 'x'; COMMIT",
        "enum-value-used-in-same-transaction",
    ),
    (
        "BEGIN; CREATE TYPE size AS ENUM ('s'); ALTER TYPE size ADD VALUE 'm'; "
        "CREATE TABLE n (s size DEFAULT 'm'); COMMIT",
        "enum-value-used-in-same-transaction",
    ),
    ("ALTER TYPE mood ADD VALUE 'calm' BEFORE 'sad'", "rename-enum-value"),
    (
        "BEGIN; ALTER TABLE users DISABLE TRIGGER users_touch; UPDATE users SET note = '' WHERE id = 1; "
        "ALTER TABLE users ENABLE TRIGGER users_touch; COMMIT",
        "disable-trigger",
    ),
    (
        "BEGIN; DROP TRIGGER users_touch ON users; CREATE TRIGGER users_touch AFTER UPDATE ON users "
        "FOR EACH ROW EXECUTE FUNCTION touch(); COMMIT",
        "enable-row-security-without-policy",
    ),
    ("CREATE TABLE n (i int); ALTER TABLE n ENABLE ROW LEVEL SECURITY", "enable-row-security-without-policy"),
    (
        "CREATE POLICY p ON users USING (true); ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        "enable-row-security-without-policy",
    ),
    ("ALTER TABLE users REPLICA IDENTITY NOTHING", "replica-identity-nothing"),
    ("ALTER TABLE users ADD COLUMN k text", "change-published-table"),
    ("CREATE TABLE n (i int); CREATE TABLE n_1 (LIKE n)", "create-partition-of-live-table"),
    (
        "CREATE TABLE logs (at date) PARTITION BY RANGE (at); CREATE TABLE logs_1 PARTITION OF logs DEFAULT",
        "create-partition-of-live-table",
    ),
    (
        "CREATE OR REPLACE FUNCTION price(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1'",
        "replace-function-or-view",
    ),
    (
        "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; "
        "CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 2'",
        "replace-function-or-view",
    ),
    ("BEGIN; DROP VIEW names; CREATE VIEW names AS SELECT id FROM users; COMMIT", "drop-breaks-running-code"),
    ("DROP TYPE IF EXISTS unknown", "drop-breaks-running-code"),
]


def found(script: str, catalog: Catalog | None = None) -> list[Finding]:
    before = catalog_of(SETUP) if catalog is None else catalog
    return list(lint(plan_of(script, before)[0], before))


@pytest.mark.parametrize(("script", "rule"), ALARMS)
def test_a_hazard_is_told_once(script: str, rule: str) -> None:
    assert len([finding for finding in found(script) if finding.rule.startswith(rule)]) == 1


@pytest.mark.parametrize(("script", "rule"), SILENCE)
def test_what_is_no_hazard_is_not_told(script: str, rule: str) -> None:
    assert [finding.message for finding in found(script) if finding.rule == rule] == []


def test_a_cascade_lists_all_that_goes() -> None:
    setup = SETUP + "CREATE INDEX ix_mood ON users (mood, name);"
    [finding] = [each for each in found("DROP TYPE mood CASCADE", catalog_of(setup)) if each.severity == "error"]
    for gone in ("column public.users.mood", "index public.ix_mood", "materialized view public.moods"):
        assert gone in finding.message
    [finding] = [each for each in found("DROP TABLE users CASCADE") if each.rule == "drop-table"]
    assert "view public.names and materialized view public.moods" in finding.message
    [finding] = [each for each in found("DROP FUNCTION touch() CASCADE") if each.rule == "drop-breaks-running-code"]
    assert "trigger public.users.users_touch" in finding.message


def test_truncate_cascade_names_the_tables_that_it_reaches() -> None:
    told = [each.message for each in found("TRUNCATE teams CASCADE") if each.severity == "error"]
    assert [message.split()[5] for message in told] == ["public.teams.", "public.users."]


def test_drop_owned_is_a_warning_where_owners_are_not_known_and_a_list_where_they_are() -> None:
    [finding] = [each for each in found("DROP OWNED BY app") if each.rule == "drop-cascades-to-data"]
    assert (finding.severity, "may delete" in finding.message) == ("warning", True)
    catalog = catalog_of(SETUP + "".join(f"ALTER TABLE {name} OWNER TO app;" for name in ("teams",)))
    known = {name: each for name, each in catalog.relations.items() if name == "public.teams"}
    [finding] = found("DROP OWNED BY app", Catalog(known, catalog.columns, complete=True))
    assert (finding.severity, "table public.teams" in finding.message) == ("error", True)


def test_a_refresh_needs_an_index_that_tells_every_row_apart() -> None:
    refresh = "REFRESH MATERIALIZED VIEW CONCURRENTLY moods"
    rule = "refresh-concurrently-without-unique-index"
    for index in ("(mood)", "(id) WHERE id > 5", "((id + 1))"):
        unique = "" if index == "(mood)" else "UNIQUE"
        assert rule in [each.rule for each in found(f"CREATE {unique} INDEX i ON moods {index}; {refresh}")]
    assert rule not in [each.rule for each in found(f"CREATE UNIQUE INDEX i ON moods (id); {refresh}")]
    assert rule not in [each.rule for each in found(refresh, Catalog())]


def test_an_enum_made_anew_names_the_values_that_are_in_the_way() -> None:
    script = (
        "BEGIN; ALTER TYPE mood RENAME TO old; CREATE TYPE mood AS ENUM ('happy', 'calm'); "
        "ALTER TABLE users ALTER COLUMN mood TYPE mood USING mood::text::mood; DROP TYPE old; COMMIT"
    )
    [finding] = [each for each in found(script) if each.rule == "recreate-enum"]
    assert "if one row still has 'sad'" in finding.message
    assert finding.fix.startswith("Write ALTER TYPE … ADD VALUE for 'calm'")


def test_what_a_rollback_takes_back_is_not_born() -> None:
    script = "BEGIN; DROP TABLE users CASCADE; CREATE TABLE users (id bigint); ROLLBACK; CREATE INDEX i ON users (name)"
    told = explain(script, schema=SETUP).findings
    assert [each.rule for each in told if each.severity == "error"] == ["drop-table", "create-index-not-concurrently"]


def test_a_table_that_if_not_exists_may_have_found_is_live_afterwards() -> None:
    script = "CREATE TABLE IF NOT EXISTS notes (id bigint, note text); CREATE INDEX i ON notes (note)"
    assert [each.rule for each in found(script, Catalog())] == ["create-index-not-concurrently"]
    assert found(script) == []
