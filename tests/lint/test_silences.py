"""What real histories do every week: lint says it once, as information, or not at all."""

import pytest
from msgspec.structs import replace

from fix_lint import Project, project
from migsafe.lint import lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.plan import Step
from migsafe.revisions.config import open_environment
from migsafe.revisions.read import read

__all__ = ["project"]

SETUP = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE EXTENSION vector;
CREATE TABLE teams (id bigint PRIMARY KEY);
CREATE TABLE users (
    id bigint PRIMARY KEY, name text, at timestamptz, mood mood,
    team_id bigint CONSTRAINT fk_team REFERENCES teams (id)
);
CREATE INDEX ix_users_name ON users (name);
CREATE VIEW names AS SELECT name FROM users;
CREATE TABLE notes (id bigint, embedding vector(3)) PARTITION BY RANGE (id);
CREATE TABLE notes_1 PARTITION OF notes FOR VALUES FROM (1) TO (10);
CREATE TABLE notes_2 PARTITION OF notes FOR VALUES FROM (10) TO (20);
"""
OLD = "id IN (SELECT id FROM users WHERE name IS NULL LIMIT 500)"


def told(script: str, rule: str) -> list[str]:
    """The severities of the findings of `rule`."""
    catalog = catalog_of(SETUP)
    found = lint(plan_of(script, catalog)[0], catalog)
    return [finding.severity for finding in found if finding.rule == rule]


@pytest.mark.parametrize(
    ("script", "severities"),
    [
        ("UPDATE users SET name = '' WHERE name IS NULL", ["warning"]),
        ("UPDATE users SET name = '' WHERE id > 7", ["warning"]),
        ("UPDATE users SET name = '' FROM teams t WHERE t.id = team_id", ["warning"]),
        ("DELETE FROM users WHERE id IN (SELECT max(id) FROM users GROUP BY name)", ["warning"]),
        ("MERGE INTO users u USING teams t ON u.id = t.id WHEN MATCHED THEN UPDATE SET name = ''", ["warning"]),
        ("UPDATE users SET name = '' WHERE mood = 'sad' AND at IS NULL", ["info"]),
        ("MERGE INTO users u USING teams t ON u.id = t.id WHEN NOT MATCHED THEN INSERT (id) VALUES (t.id)", []),
        (f"UPDATE users SET name = '' WHERE {OLD}", []),
        ("DELETE FROM users u USING (SELECT id FROM teams LIMIT 9) t WHERE t.id = u.team_id", []),
        ("UPDATE users SET name = '' WHERE name IS NULL AND id BETWEEN 1 AND 5000", []),
        ("DELETE FROM users WHERE id = 7", []),
        ("INSERT INTO users SELECT id FROM teams", []),
        ("CREATE TABLE fresh (id int); UPDATE fresh SET id = 1 WHERE id > 7", []),
        # Of every row, and of rows under a lock, other rules speak.
        ("UPDATE users SET name = ''", []),
        ("BEGIN; ALTER TABLE users ADD k int; UPDATE users SET k = 1 WHERE name IS NULL; COMMIT", []),
    ],
)
def test_a_change_of_rows_is_told_unless_the_statement_says_how_many(script: str, severities: list[str]) -> None:
    assert told(script, "change-many-rows") == severities


@pytest.mark.parametrize(
    ("script", "severities"),
    [
        ("ALTER TABLE users ADD k int; ALTER TABLE teams ADD k int", ["warning"]),
        ("SET LOCAL lock_timeout = '120s'; ALTER TABLE users ADD k int; ALTER TABLE teams ADD k int", ["warning"]),
        ("SET LOCAL lock_timeout = '5s'; ALTER TABLE users ADD k int; ALTER TABLE teams ADD k int", ["info"]),
        ("CREATE TABLE a (i int REFERENCES users); CREATE TABLE b (i int REFERENCES teams)", ["info"]),
        ("ALTER TABLE users ADD k int; DROP TABLE notes", []),
    ],
)
def test_locks_of_several_tables_are_a_warning_where_readers_wait_for_long(script: str, severities: list[str]) -> None:
    assert told(f"BEGIN; {script}; COMMIT", "several-tables-locked") == severities


def test_an_index_dropped_with_its_table_is_not_told() -> None:
    both = "BEGIN; DROP INDEX ix_users_name; DROP TABLE users CASCADE; COMMIT"
    assert told(both, "drop-index-not-concurrently") == []
    assert told("DROP INDEX ix_users_name; DROP TABLE users CASCADE", "drop-index-not-concurrently") == ["error"]


@pytest.mark.parametrize(
    ("script", "severities"),
    [
        ("DROP TYPE mood", ["error"]),
        ("DROP TABLE teams", ["error"]),
        ("ALTER TABLE teams DROP CONSTRAINT teams_pkey", ["error"]),
        ("ALTER TABLE users DROP COLUMN name", ["error"]),
        ("DROP EXTENSION vector", ["error"]),
        ("DROP TYPE mood CASCADE", []),
        ("DROP TABLE teams CASCADE", []),
        ("DROP TABLE teams, users CASCADE", []),
        ("DROP TABLE notes", []),
        ("ALTER TABLE users DROP COLUMN at", []),
        ("ALTER TABLE users DROP COLUMN mood; DROP TYPE mood", []),
        ("ALTER TABLE users DROP CONSTRAINT fk_team; DROP TABLE teams", []),
        ("DROP VIEW names; ALTER TABLE users DROP COLUMN name", []),
    ],
)
def test_a_drop_is_told_as_refused_only_while_something_depends_on_it(script: str, severities: list[str]) -> None:
    assert told(script, "drop-refused") == severities


@pytest.mark.parametrize(
    ("expression", "severities"),
    [
        ("date(at)", ["error"]),
        ("(at::date)", ["error"]),
        ("to_tsvector(name)", ["error"]),
        ("date(at AT TIME ZONE 'UTC')", []),
        ("date_trunc('day', at, 'UTC')", []),
        ("(at::timestamptz)", []),
        ("to_tsvector('english', name)", []),
    ],
)
def test_an_index_on_an_expression_is_refused_for_what_the_session_decides(
    expression: str, severities: list[str]
) -> None:
    assert told(f"CREATE INDEX CONCURRENTLY i ON users ({expression})", "index-expression-not-immutable") == severities


@pytest.mark.pgvector
def test_a_new_dimension_is_told_of_the_table_and_not_of_each_partition() -> None:
    assert told("ALTER TABLE notes ALTER embedding TYPE vector(4) USING NULL", "vector-dimension-change") == ["error"]


def test_the_sequence_that_goes_with_a_table_is_not_told_to_wait() -> None:
    catalog = catalog_of("CREATE TABLE users (id bigserial PRIMARY KEY)")
    [finding] = lint(plan_of("DROP TABLE users", catalog)[0], catalog)
    assert "users_id_seq" not in finding.message
    assert "# migsafe: ignore[drop-table] …" in finding.fix


def test_a_guarded_env_py_puts_no_revisions_into_one_transaction(project: Project) -> None:
    assert read(open_environment(), "head", start=()).one_transaction
    env = project.folder / "migrations" / "env.py"
    env.write_text(env.read_text().replace("context\n", "context\nimport migsafe\nmigsafe.guard(context)\n", 1))
    assert not read(open_environment(), "head", start=()).one_transaction


@pytest.mark.parametrize(
    ("script", "operation", "severities"),
    [
        ("SELECT id FROM users; SELECT id FROM teams", None, ["warning"]),
        ("SELECT id FROM users", "op.execute", []),
        ("SELECT relname FROM pg_catalog.pg_class", None, []),
        ("CREATE TABLE fresh (id int); SELECT id FROM fresh", None, []),
    ],
)
def test_a_revision_that_asks_the_rows_what_to_do_is_told_once(
    script: str, operation: str | None, severities: list[str]
) -> None:
    catalog = catalog_of(SETUP)
    plan = plan_of(script, catalog)[0]
    sent = (replace(each, revision="r", path="r.py", operation=operation) for each in plan.statements)
    plan = replace(plan, steps=(Step("r", (), "r.py", statements=tuple(sent)),))
    found = [each.severity for each in lint(plan, catalog) if each.rule == "rows-decide-what-runs"]
    assert found == severities
