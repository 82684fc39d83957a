"""What lint says the server refuses, it refuses; and what lint passes over beside it, it accepts."""

import psycopg
import pytest

from fix_postgres import VERSION, Connect
from migsafe.lint import lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.sql.split import split

SETUP = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE teams (id bigint PRIMARY KEY, name text);
INSERT INTO teams VALUES (1, 'a'), (2, 'b');
CREATE TABLE users (id bigint PRIMARY KEY, note text, mood mood,
    team_id bigint REFERENCES teams DEFERRABLE INITIALLY DEFERRED);
INSERT INTO users VALUES (1, '', 'sad', 1);
CREATE MATERIALIZED VIEW moods AS SELECT id, mood FROM users;
"""

REFUSED = [
    ("UPDATE users SET team_id = 2; ALTER TABLE users ADD COLUMN k text", "55006", "pending-trigger-events"),
    ("DELETE FROM teams WHERE id = 2; ALTER TABLE teams ADD COLUMN k text", "55006", "pending-trigger-events"),
    ("INSERT INTO users VALUES (2, '', 'sad', 2); TRUNCATE users", "55006", "pending-trigger-events"),
    (
        "ALTER TYPE mood ADD VALUE 'calm'; ALTER TABLE users ADD CONSTRAINT c CHECK (mood <> 'calm')",
        "55P04",
        "enum-value-used-in-same-transaction",
    ),
    (
        "CREATE UNIQUE INDEX i ON moods ((id + 1)); REFRESH MATERIALIZED VIEW CONCURRENTLY moods",
        "55000",
        "refresh-concurrently-without-unique-index",
    ),
]

ACCEPTED = [
    "UPDATE users SET note = 'x'; ALTER TABLE users ADD COLUMN k text",
    "UPDATE teams SET name = 'x'; ALTER TABLE teams ADD COLUMN k text",
    "INSERT INTO users VALUES (2, '', 'sad', 2); SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE users ADD COLUMN k text",
    "ALTER TYPE mood ADD VALUE 'calm'; UPDATE teams SET name = 'calm'",
]
NAMES = {name for _, _, name in REFUSED}


def named(script: str) -> set[str]:
    catalog = catalog_of(SETUP, VERSION)
    return {finding.rule for finding in lint(plan_of(f"BEGIN; {script}; COMMIT", catalog)[0], catalog)} & NAMES


def run(script: str, connect: Connect) -> None:
    connection = connect()
    for piece in split(f"{SETUP} BEGIN; {script}; COMMIT"):
        connection.execute(piece.sql.encode())


@pytest.mark.parametrize(("script", "sqlstate", "rule"), REFUSED)
def test_what_is_said_to_fail_fails(script: str, sqlstate: str, rule: str, connect: Connect) -> None:
    assert named(script) == {rule}
    with pytest.raises(psycopg.Error) as refused:
        run(script, connect)
    assert refused.value.sqlstate == sqlstate


@pytest.mark.parametrize("script", ACCEPTED)
def test_what_is_passed_over_runs(script: str, connect: Connect) -> None:
    assert named(script) == set()
    run(script, connect)


def test_a_value_of_a_type_of_the_same_transaction_may_be_used_since_17(connect: Connect) -> None:
    script = "CREATE TYPE size AS ENUM ('s'); ALTER TYPE size ADD VALUE 'm'; CREATE TABLE n (s size DEFAULT 'm')"
    if VERSION >= 17:
        run(script, connect)
        assert named(script) == set()
        return
    with pytest.raises(psycopg.errors.UnsafeNewEnumValueUsage):
        run(script, connect)
    assert named(script) == {"enum-value-used-in-same-transaction"}
