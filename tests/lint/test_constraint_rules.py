"""Hazards of constraints and NOT NULL that no peer names, and the statements beside them that are harmless."""

import pytest

from migsafe.lint import lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.findings import Finding
from migsafe.model.plan import Plan

SETUP = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE teams (id bigint PRIMARY KEY, code text UNIQUE, key uuid UNIQUE);
CREATE TABLE users (
    id bigint PRIMARY KEY, team_id bigint CONSTRAINT users_team REFERENCES teams (id), small integer, note text,
    kind varchar(9) NOT NULL DEFAULT 'x', key uuid, size positive, seq bigint GENERATED ALWAYS AS IDENTITY,
    boss bigint CONSTRAINT users_boss REFERENCES teams (id) NOT ENFORCED
);
CREATE INDEX ix_users_team_id ON users (team_id);
CREATE INDEX ix_users_small ON users (small);
CREATE INDEX ix_users_note ON users (note);
CREATE INDEX ix_users_kind ON users (kind);
CREATE INDEX ix_users_boss ON users (boss);
CREATE TABLE events (id bigint, team_id bigint, at date) PARTITION BY RANGE (at);
CREATE INDEX ix_events_team_id ON events (team_id);
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
"""

HAZARDS = [
    ("CREATE TABLE t (id bigint PRIMARY KEY REFERENCES teams (id))", ["new-table-references-live-table"]),
    (
        "CREATE TABLE t (id bigint PRIMARY KEY, team_id bigint REFERENCES teams (id))",
        ["foreign-key-without-index", "new-table-references-live-table"],
    ),
    ("ALTER TABLE users DROP CONSTRAINT users_team", ["drop-foreign-key-locks-referenced-table"]),
    (
        "ALTER TABLE users ADD CONSTRAINT k FOREIGN KEY (note) REFERENCES teams (id)",
        ["add-foreign-key-refused", "add-foreign-key-validated"],
    ),
    (
        "ALTER TABLE users ADD CONSTRAINT k FOREIGN KEY (small) REFERENCES teams (id)",
        ["add-foreign-key-validated", "foreign-key-type-narrower"],
    ),
    (
        "ALTER TABLE users ADD CONSTRAINT k FOREIGN KEY (key) REFERENCES teams (key)",
        ["add-foreign-key-validated", "foreign-key-without-index"],
    ),
    ("ALTER TABLE users ADD CONSTRAINT c CHECK (small > 0) NOT VALID", ["constraint-never-validated"]),
    (
        "ALTER TABLE users ADD CONSTRAINT c CHECK (small > 0) NOT VALID;"
        " ALTER TABLE users VALIDATE CONSTRAINT users_team",
        ["constraint-never-validated"],
    ),
    ("ALTER TABLE users ADD CONSTRAINT c CHECK (small > 0) NOT ENFORCED", ["constraint-not-enforced"]),
    ("ALTER TABLE users ALTER CONSTRAINT users_boss ENFORCED", ["add-foreign-key-validated"]),
    ("ALTER TABLE users ALTER CONSTRAINT users_team NOT ENFORCED", ["constraint-not-enforced"]),
    ("ALTER TABLE users ALTER COLUMN kind DROP DEFAULT", ["drop-default-of-required-column"]),
    ("ALTER TABLE users ALTER COLUMN seq DROP IDENTITY", ["drop-default-of-required-column"]),
    (
        "ALTER TABLE users ADD COLUMN k text NOT NULL DEFAULT 'a'; ALTER TABLE users ALTER COLUMN k DROP DEFAULT",
        ["drop-default-of-required-column"],
    ),
    ("ALTER TABLE users ALTER COLUMN kind DROP NOT NULL", ["drop-not-null"]),
    ("ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 1000)", ["scan-under-lock"]),
]

HARMLESS = [
    "CREATE TABLE t (id bigint PRIMARY KEY, up bigint UNIQUE REFERENCES t (id))",
    "ALTER TABLE users ALTER CONSTRAINT users_team DEFERRABLE",
    "ALTER TABLE users ADD CONSTRAINT k FOREIGN KEY (kind) REFERENCES teams (code) NOT VALID;"
    " ALTER TABLE users VALIDATE CONSTRAINT k",
    "ALTER TABLE users ADD CONSTRAINT c CHECK (small > 0) NOT VALID; ALTER TABLE users DROP CONSTRAINT c",
    "ALTER TABLE users ALTER COLUMN kind DROP DEFAULT, ALTER COLUMN kind SET DEFAULT 'y'",
    "BEGIN; ALTER TABLE users ALTER COLUMN kind DROP DEFAULT; ALTER TABLE users ALTER COLUMN kind SET DEFAULT 'y';"
    " COMMIT",
    "ALTER TABLE users ALTER COLUMN kind SET DEFAULT 'y'",
    "ALTER TABLE users ALTER COLUMN small DROP NOT NULL",
    "ALTER TABLE users ALTER COLUMN note DROP DEFAULT",
    "ALTER TABLE users ADD COLUMN k text DEFAULT 'a'; ALTER TABLE users ALTER COLUMN k DROP DEFAULT",
    "ALTER TABLE users ADD COLUMN k text NOT NULL DEFAULT 'a'; ALTER TABLE users ALTER COLUMN k DROP NOT NULL",
    "CREATE TABLE t (id bigint PRIMARY KEY, k text NOT NULL DEFAULT 'a'); ALTER TABLE t ALTER COLUMN k DROP DEFAULT",
    "ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 1000) NOT VALID",
    "CREATE DOMAIN name AS text CHECK (VALUE <> '')",
]


def found(script: str, server_version: int = 18) -> list[Finding]:
    catalog = catalog_of(SETUP, server_version)
    return list(lint(plan_of(script, catalog)[0], catalog))


@pytest.mark.parametrize(("script", "rules"), HAZARDS)
def test_a_hazard_of_a_constraint_is_told(script: str, rules: list[str]) -> None:
    assert sorted(finding.rule for finding in found(script)) == rules


@pytest.mark.parametrize("script", HARMLESS)
def test_what_is_like_it_and_harmless_is_not(script: str) -> None:
    assert [finding.message for finding in found(script)] == []


def test_a_key_that_is_dropped_names_the_lock_on_the_table_it_references() -> None:
    [finding] = found("ALTER TABLE users DROP CONSTRAINT users_team")
    assert "takes ACCESS EXCLUSIVE on public.users and public.teams: reads and writes of" in finding.message


def test_a_column_with_a_key_names_the_table_that_waits_for_its_drop() -> None:
    [finding] = found("ALTER TABLE users DROP COLUMN team_id")
    assert finding.rule == "drop-column"
    assert finding.message.endswith("reads and writes of public.teams wait for it too.")


@pytest.mark.parametrize(
    ("version", "rules"),
    [(17, ["add-foreign-key-refused", "constraint-never-validated"]), (18, ["constraint-never-validated"])],
)
def test_a_not_valid_key_of_a_partitioned_table_is_refused_before_18(version: int, rules: list[str]) -> None:
    statement = "ALTER TABLE events ADD CONSTRAINT k FOREIGN KEY (team_id) REFERENCES teams (id) NOT VALID"
    assert sorted(finding.rule for finding in found(statement, version)) == rules


def test_before_18_the_fix_of_a_key_of_a_partitioned_table_goes_by_the_partitions() -> None:
    statement = "ALTER TABLE events ADD CONSTRAINT k FOREIGN KEY (team_id) REFERENCES teams (id)"
    [finding, *_] = [each for each in found(statement, 17) if each.rule == "add-foreign-key-validated"]
    assert finding.fix.startswith("PostgreSQL 17 takes no NOT VALID on a partitioned table")


def test_enforcing_a_key_is_done_by_dropping_it_and_adding_it_not_valid() -> None:
    [finding] = found("ALTER TABLE users ALTER CONSTRAINT users_boss ENFORCED")
    assert finding.message.startswith("ALTER CONSTRAINT users_boss ENFORCED holds ACCESS EXCLUSIVE on public.users")
    assert finding.fix.startswith(
        'Write `op.drop_constraint("users_boss", "users", type_="foreignkey")`, then `op.create_f'
    )


def test_a_constraint_validated_by_a_later_revision_of_the_plan_is_settled() -> None:
    before = catalog_of(SETUP)
    first, catalog = plan_of("ALTER TABLE users ADD CONSTRAINT c CHECK (small > 0) NOT VALID", before)
    both, _ = plan_of("SELECT 1; ALTER TABLE users VALIDATE CONSTRAINT c", catalog)
    assert lint(Plan((), ("b",), first.steps + both.steps), before) == ()


def test_an_index_made_later_in_the_plan_is_found() -> None:
    script = (
        "ALTER TABLE users ADD CONSTRAINT k FOREIGN KEY (key) REFERENCES teams (key) NOT VALID;"
        " ALTER TABLE users VALIDATE CONSTRAINT k; CREATE INDEX CONCURRENTLY i ON users (key, id)"
    )
    assert found(script) == []


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (
            "ALTER TABLE events ADD CONSTRAINT k FOREIGN KEY (team_id) REFERENCES teams (id)",
            "add-foreign-key-validated",
        ),
        ("ALTER TABLE events ADD CONSTRAINT c CHECK (id > 0)", "add-check-validated"),
        (
            "BEGIN; ALTER TABLE events ADD CONSTRAINT c CHECK (id > 0) NOT VALID;"
            " ALTER TABLE events VALIDATE CONSTRAINT c; COMMIT",
            "validate-in-same-transaction",
        ),
        ("ALTER TABLE events ALTER COLUMN id SET NOT NULL", "set-not-null-without-check"),
        ("ALTER TABLE events ADD CONSTRAINT n NOT NULL id", "set-not-null-without-check"),
        ("ALTER TABLE events ADD UNIQUE (id, at)", "add-unique-constraint-builds-index"),
        ("ALTER TABLE events ALTER COLUMN id TYPE text", "alter-column-type-rewrite"),
        ("ALTER TABLE events ADD COLUMN k uuid DEFAULT gen_random_uuid()", "add-column-volatile-default"),
        ("ALTER TABLE events ADD COLUMN k text NOT NULL", "add-column-not-null-without-default"),
        ("ALTER TABLE events RENAME COLUMN id TO number", "rename-breaks-running-code"),
        ("ALTER TABLE events DROP COLUMN id", "drop-column"),
        ("DROP TABLE events", "drop-table"),
        ("DROP INDEX ix_events_team_id", "drop-index-not-concurrently"),
    ],
)
def test_a_statement_on_a_partitioned_table_is_told_once_and_names_every_partition(statement: str, rule: str) -> None:
    [finding] = found(statement)
    assert finding.rule == rule
    assert "public.events" in finding.message
