"""Hazards of columns and types that no peer names, and the statements beside them that are harmless."""

import pytest

from migsafe.lint import lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.findings import Finding
from migsafe.settings import LintSettings

SETUP = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE users (
    id serial PRIMARY KEY, code varchar(9), name varchar(80), nick varchar(80), state text DEFAULT 'sad', age integer,
    net integer, gross integer GENERATED ALWAYS AS (net * 2) STORED, at timestamp, flag boolean DEFAULT true,
    plain integer, owner text, watched text, ruled text, total numeric(12,4), seen timestamptz, place inet
);
CREATE INDEX ix_users_age_net ON users (age, plain);
CREATE VIEW names AS SELECT name FROM users;
CREATE MATERIALIZED VIEW nicks AS SELECT nick FROM users;
CREATE POLICY own ON users USING (owner = current_user);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER watch AFTER UPDATE OF watched ON users FOR EACH ROW EXECUTE FUNCTION noted();
CREATE TABLE old_names (id bigint, label text, since date);
"""

HAZARDS = [
    ("ALTER TABLE users ALTER COLUMN name TYPE text", ["alter-column-type-refused"]),
    ("ALTER TABLE users ALTER COLUMN nick TYPE text", ["alter-column-type-refused"]),
    ("ALTER TABLE users ALTER COLUMN owner TYPE varchar", ["alter-column-type-refused"]),
    ("ALTER TABLE users ALTER COLUMN watched TYPE varchar", ["alter-column-type-refused"]),
    ("ALTER TABLE users ALTER COLUMN net TYPE bigint", ["alter-column-type-refused", "alter-column-type-rewrite"]),
    (
        "ALTER TABLE users ALTER COLUMN state TYPE mood USING state::mood",
        ["alter-column-type-refused", "alter-column-type-rewrite"],
    ),
    (
        "ALTER TABLE users ALTER COLUMN flag TYPE integer USING flag::int",
        ["alter-column-type-refused", "alter-column-type-rewrite"],
    ),
    ("ALTER TABLE users ALTER COLUMN id TYPE bigint", ["alter-column-type-rewrite", "sequence-stays-integer"]),
    (
        "ALTER TABLE users ALTER COLUMN total TYPE numeric(12,2)",
        ["alter-column-type-loses-values"],
    ),
    (
        "ALTER TABLE users ALTER COLUMN total TYPE integer USING total::integer",
        ["alter-column-type-loses-values"],
    ),
    ("ALTER TABLE users ALTER COLUMN total TYPE integer USING round(total)", ["alter-column-type-rewrite"]),
    ("ALTER TABLE users ALTER COLUMN total TYPE numeric(14,4)", []),
    (
        "ALTER TABLE users ALTER COLUMN seen TYPE date",
        ["alter-column-type-loses-values"],
    ),
    (
        "ALTER TABLE users ALTER COLUMN place TYPE cidr",
        ["alter-column-type-loses-values"],
    ),
    ("ALTER TABLE users ALTER COLUMN plain ADD GENERATED ALWAYS AS IDENTITY", ["add-identity-starts-at-one"]),
    ("ALTER TABLE users ALTER COLUMN gross SET EXPRESSION AS (net * 3)", ["set-expression-rewrite"]),
    ("ALTER TABLE users ALTER COLUMN gross DROP EXPRESSION", ["drop-expression-stops-computing"]),
    ("ALTER TABLE users DROP COLUMN code; ALTER TABLE users ADD COLUMN slug varchar(9)", ["possible-rename"]),
    ("ALTER TABLE users ADD COLUMN slug varchar(9), DROP COLUMN code", ["possible-rename"]),
    ("CREATE TABLE names_2 (id bigint, label text, since date); DROP TABLE old_names", ["possible-rename"]),
    ("ALTER TABLE users DROP COLUMN code; ALTER TABLE users ADD COLUMN slug text", ["drop-column"]),
    (
        "ALTER TABLE users ADD COLUMN slug varchar(9); UPDATE users SET slug = code WHERE id >= 1 AND id < 9;"
        " ALTER TABLE users DROP COLUMN code",
        ["drop-column"],
    ),
    (
        "CREATE TABLE names_2 (id bigint, label text, since date); INSERT INTO names_2 SELECT * FROM old_names;"
        " DROP TABLE old_names",
        ["drop-table"],
    ),
    ("ALTER TABLE users DROP COLUMN plain", ["drop-column"]),
]

HARMLESS = [
    "ALTER TABLE users ALTER COLUMN code TYPE varchar(20)",
    "BEGIN; DROP VIEW names; ALTER TABLE users ALTER COLUMN name TYPE text;"
    " CREATE VIEW names AS SELECT name FROM users; COMMIT",
    "ALTER TABLE users ALTER COLUMN state TYPE varchar",
    "ALTER TABLE users ALTER COLUMN plain ADD GENERATED ALWAYS AS IDENTITY (START WITH 1000)",
    "ALTER TABLE users ALTER COLUMN plain ADD GENERATED ALWAYS AS IDENTITY;"
    " SELECT setval(pg_get_serial_sequence('users', 'plain'), (SELECT max(plain) FROM users))",
    "ALTER TABLE users ADD COLUMN slug varchar(9)",
    "CREATE TABLE t (id serial); ALTER TABLE t ALTER COLUMN id TYPE bigint; ALTER SEQUENCE t_id_seq AS bigint",
    "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY); ALTER TABLE t ALTER COLUMN id TYPE bigint",
    "ALTER TABLE users ADD COLUMN k integer; ALTER TABLE users ADD COLUMN l integer; ALTER TABLE users DROP COLUMN k",
]


def found(script: str, settings: LintSettings | None = None) -> list[Finding]:
    catalog = catalog_of(SETUP)
    return list(lint(plan_of(script, catalog)[0], catalog, settings or LintSettings()))


@pytest.mark.parametrize(("script", "rules"), HAZARDS)
def test_a_hazard_of_a_column_is_told(script: str, rules: list[str]) -> None:
    assert sorted(finding.rule for finding in found(script)) == rules


@pytest.mark.parametrize("script", HARMLESS)
def test_what_is_like_it_and_harmless_is_not(script: str) -> None:
    told = [finding.message for finding in found(script)]
    assert told == []


def test_what_refuses_a_type_is_named() -> None:
    [finding] = found("ALTER TABLE users ALTER COLUMN nick TYPE text")
    assert "fails with SQLSTATE 0A000: materialized view public.nicks uses the column" in finding.message


def test_an_index_over_more_columns_that_goes_with_one_is_named() -> None:
    [finding] = found("ALTER TABLE users DROP COLUMN plain")
    assert "index public.ix_users_age_net" in finding.message


def test_a_time_stamp_that_gets_a_zone_is_free_where_the_session_is_in_utc() -> None:
    [finding] = found("ALTER TABLE users ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE 'UTC'")
    assert finding.fix.startswith(
        "If the stored times are UTC, write `op.execute(\"SET LOCAL TimeZone = 'UTC'\")` before it"
    )


@pytest.mark.parametrize(
    ("column", "rule"),
    [
        ("id smallserial PRIMARY KEY", "integer-primary-key"),
        ("id smallserial PRIMARY KEY", "serial-column"),
        ("c varchar(9)", "varchar-with-limit"),
        ("c char(9)", "char-column"),
        ("c timestamp(3)", "timestamp-without-time-zone"),
        ("c json", "json-column"),
    ],
)
def test_style_is_told_only_to_who_asks(column: str, rule: str) -> None:
    script = f"CREATE TABLE t ({column})"
    assert found(script) == []
    assert rule in [finding.rule for finding in found(script, LintSettings(enable=("style",)))]


def test_a_project_without_matters_of_style_hears_of_none() -> None:
    columns = (
        "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, c text, d varchar, e timestamptz(3), f jsonb, g numeric"
    )
    assert found(f"CREATE TABLE t ({columns})", LintSettings(enable=("style",))) == []
