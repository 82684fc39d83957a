"""As test_sabotage.py, of what stands in the definition of views, constraints, types, statistics and publications."""

import pytest

from fix_postgres import VERSION, Connection
from fix_verify import Cases, Migrate, Spoilt, assert_each_blocked_alone

T = "CREATE TABLE t (id int PRIMARY KEY, a text, n int NOT NULL DEFAULT 1)"
X = "CREATE TABLE x (a int4range, b int)"
E = "ALTER TABLE x ADD CONSTRAINT e EXCLUDE USING gist (a WITH &&, int4range(b, b + 2) WITH =) WHERE (b > 1)"
V = "CREATE VIEW v (x, y) AS SELECT a, n + 1 FROM t WHERE n > 1 WITH LOCAL CHECK OPTION"
S = "CREATE STATISTICS s (ndistinct) ON a, n FROM t"
D = "CREATE DOMAIN d AS text DEFAULT 'x' NOT NULL CONSTRAINT c CHECK (VALUE ~ '@' AND VALUE <> 'b@')"
P = "CREATE PUBLICATION p FOR TABLE t WITH (publish = 'insert, update')"


def other(text: str, old: str, new: str) -> str:
    assert old in text
    return f"ALTER TABLE x DROP CONSTRAINT e; {text.replace(old, new)}"


CASES = {
    "a constraint that excludes": Cases(
        E,
        "constraint-there public.x.e",
        (
            Spoilt(other(E, "WITH &&", "WITH -|-"), "operators &&, =", "operators -|-, ="),
            Spoilt(other(E, "b + 2", "b + 3"), "using gist (a, (expression)) where b > 1", "(b + 3)"),
            Spoilt(other(E, "b > 1", "b > 2"), "where b > 1", "WHERE ((b > 2))"),
            Spoilt(other(E, " WHERE (b > 1)", ""), "where b > 1", "operators &&, ="),
            Spoilt(other(E, "(a WITH", "(int4range(b, b) WITH"), "using gist (a,", "int4range(b, b)"),
        ),
        X,
    ),
    "a constraint of another method": Cases(
        "CREATE TABLE x (b int, CONSTRAINT e EXCLUDE (b WITH =))",
        "constraint-there public.x.e",
        (Spoilt(other(E, E.partition(" EXCLUDE ")[2], "USING hash (b WITH =)"), "btree", "hash"),),
    ),
    "a view": Cases(
        V,
        "relation-there public.v",
        (
            Spoilt("ALTER VIEW v RENAME COLUMN x TO z", "view of the query", "columns z, y"),
            Spoilt("ALTER VIEW v RESET (check_option)", "parameter check_option local", "check_option not set"),
            Spoilt("ALTER VIEW v SET (check_option = cascaded)", "check_option local", "check_option cascaded"),
        ),
        T,
    ),
    "a default of a view": Cases(
        "ALTER VIEW v ALTER x SET DEFAULT 'z'",
        "column-there public.v.x",
        (Spoilt("ALTER VIEW v ALTER x DROP DEFAULT", "default 'z'", "no default"),),
        f"{T};; {V}",
    ),
    "a materialized view": Cases(
        "CREATE MATERIALIZED VIEW m (x) AS SELECT a FROM t",
        "relation-there public.m",
        (Spoilt("ALTER MATERIALIZED VIEW m RENAME x TO y", "of the query that was written", "columns y"),),
        T,
    ),
    "statistics": Cases(
        f"{S};; ALTER STATISTICS s SET STATISTICS 500;; COMMENT ON STATISTICS s IS 'x'",
        "statistics-there public.s",
        (
            Spoilt("ALTER STATISTICS s SET STATISTICS 100", "statistics target 500", "statistics target 100"),
            Spoilt("COMMENT ON STATISTICS s IS NULL", "comment x", "comment not set"),
            Spoilt(f"DROP STATISTICS s; {S.replace('ndistinct', 'dependencies')}", "kinds d,", "kinds f,"),
        ),
        T,
    ),
    "statistics of expressions": Cases(
        "CREATE STATISTICS s ON lower(a), n FROM t",
        "statistics-there public.s",
        (Spoilt("DROP STATISTICS s; CREATE STATISTICS s ON upper(a), n FROM t", "of lower(a)", "upper(a)"),),
        T,
    ),
    "a domain": Cases(
        f"{D};; COMMENT ON CONSTRAINT c ON DOMAIN d IS 'z'",
        "type-there public.d",
        (
            Spoilt(
                "ALTER DOMAIN d DROP CONSTRAINT c; ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE ~ '#');"
                "COMMENT ON CONSTRAINT c ON DOMAIN d IS 'z'",
                "c check (value ~ '@' AND value <> 'b@')",
                "'#'",
            ),
            Spoilt("ALTER DOMAIN d SET DEFAULT 'y'", "default 'x'", "default 'y'"),
            Spoilt("ALTER DOMAIN d DROP NOT NULL", "not null true", "not null false"),
            Spoilt("COMMENT ON CONSTRAINT c ON DOMAIN d IS NULL", "comment on c z", "comment on c not set"),
        ),
    ),
    "a domain that is altered": Cases(
        "ALTER DOMAIN d SET DEFAULT 5 + 1;; ALTER DOMAIN d SET NOT NULL",
        "type-there public.d",
        (
            Spoilt("ALTER DOMAIN d SET DEFAULT 5 + 2", "default 5 + 1", "default (5 + 2)"),
            Spoilt("ALTER DOMAIN d DROP NOT NULL", "not null true", "not null false"),
        ),
        "CREATE DOMAIN d AS int",
    ),
    "a range": Cases(
        "CREATE TYPE r AS RANGE (subtype = float8)",
        "type-there public.r",
        (Spoilt("DROP TYPE r; CREATE TYPE r AS RANGE (subtype = int)", "subtype double", "subtype integer"),),
    ),
    "a composite type": Cases(
        "CREATE TYPE c AS (a int, b int)",
        "type-there public.c",
        (Spoilt("DROP TYPE c; CREATE TYPE c AS (b int, a int)", "composite (a, b)", "composite (b, a)"),),
    ),
    "a sequence": Cases(
        "CREATE SEQUENCE s AS int;; ALTER SEQUENCE s OWNED BY t.id",
        "relation-there public.s",
        (
            Spoilt("ALTER SEQUENCE s AS bigint", "data type integer", "data type bigint"),
            Spoilt("ALTER SEQUENCE s OWNED BY t.n", "owned by public.t.id", "owned by public.t.n"),
            Spoilt("ALTER SEQUENCE s INCREMENT 2", "data type integer", "increment 2"),
        ),
        T,
    ),
    "the sequence of an identity": Cases(
        "CREATE TABLE w (a int GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5))",
        "relation-there public.w_a_seq",
        (Spoilt("ALTER TABLE w ALTER a SET INCREMENT 1", "increment 5", "increment 1"),),
    ),
    "a key of expressions": Cases(
        "CREATE TABLE p (a text) PARTITION BY LIST (lower(a) text_pattern_ops)",
        "relation-there public.p",
        (
            Spoilt(
                "DROP TABLE p; CREATE TABLE p (a text) PARTITION BY LIST (upper(a) text_pattern_ops)",
                "lower(a)",
                "by upper(a)",
            ),
            Spoilt(
                "DROP TABLE p; CREATE TABLE p (a text) PARTITION BY LIST (lower(a))",
                "partition classes text_pattern_ops",
                "partition classes ",
            ),
        ),
    ),
    "an index": Cases(
        "CREATE INDEX i ON t (lower(a));; ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 500",
        "index-there public.i",
        (Spoilt("ALTER INDEX i ALTER COLUMN 1 SET STATISTICS 1", "statistics target 1 500", "statistics target 1 1"),),
        T,
    ),
    "a publication": Cases(
        P,
        "publication-there p",
        (
            Spoilt("ALTER PUBLICATION p SET (publish = 'insert')", "operations insert, update", "operations insert"),
            Spoilt("ALTER PUBLICATION p SET (publish_via_partition_root)", "publication of", "via root true"),
        ),
        T,
    ),
    "a publication of everything": Cases(
        "CREATE PUBLICATION p FOR ALL TABLES",
        "publication-there p",
        (Spoilt(f"DROP PUBLICATION p; {P}", "publication of all tables", "publication of public.t"),),
        T,
    ),
}
if VERSION >= 15:
    CASES["what is published of a table"] = Cases(
        "CREATE PUBLICATION p FOR TABLE t (id, a) WHERE (id > 5)",
        "publication-there p",
        (
            Spoilt("ALTER PUBLICATION p SET TABLE t (id, a) WHERE (id > 6)", "where id > 5", "where (id > 6)"),
            Spoilt("ALTER PUBLICATION p SET TABLE t (id, a)", "where id > 5", "of columns public.t (a, id)"),
            Spoilt("ALTER PUBLICATION p SET TABLE t (id) WHERE (id > 5)", "public.t (a, id)", "public.t (id)"),
        ),
        T,
    )
    CASES["a publication of a schema"] = Cases(
        "CREATE PUBLICATION p FOR TABLES IN SCHEMA public",
        "publication-there p",
        (Spoilt("ALTER PUBLICATION p SET TABLE t", "schemas public", "schemas not set"),),
        T,
    )
    CASES["the columns that a key sets NULL"] = Cases(
        "CREATE TABLE w (a int, b int, CONSTRAINT k FOREIGN KEY (a, b) REFERENCES z ON DELETE SET NULL (b))",
        "constraint-there public.w.k",
        (
            Spoilt(
                "ALTER TABLE w DROP CONSTRAINT k;"
                "ALTER TABLE w ADD CONSTRAINT k FOREIGN KEY (a, b) REFERENCES z ON DELETE SET NULL",
                "set on delete b",
                "set on delete not set",
            ),
        ),
        "CREATE TABLE z (a int, b int, PRIMARY KEY (a, b))",
    )
if VERSION >= 18:
    CASES["a key over periods"] = Cases(
        "CREATE TABLE w (a int4range, b int4range, CONSTRAINT k PRIMARY KEY (b, a WITHOUT OVERLAPS))",
        "constraint-there public.w.k",
        (
            Spoilt(
                "ALTER TABLE w DROP CONSTRAINT k; ALTER TABLE w ADD CONSTRAINT k PRIMARY KEY (b, a)",
                "period true",
                "period not set",
            ),
        ),
    )


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
def test_whatever_is_spoilt_of_a_definition_is_blocked_alone(
    cases: Cases, migrate: Migrate, connection: Connection
) -> None:
    assert_each_blocked_alone(cases, migrate, connection)
