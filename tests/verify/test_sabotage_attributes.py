"""As test_sabotage.py, of what an object has beyond name and type: expressions, options, actions, comments."""

import pytest

from fix_postgres import VERSION, Connection
from fix_verify import Case, Migrate, assert_blocked_alone

TABLE = 'CREATE TABLE "T x" (id int PRIMARY KEY, "a b" text, n int NOT NULL DEFAULT 1, s varchar(9))'
T = "public.T x"


def case(statement: str, spoil: str, blocked: str, expected: str, found: str, *setup: str) -> Case:
    return Case(tuple(statement.split(";; ")), spoil, blocked, expected, found, (TABLE, *setup))


CASES = {
    "another expression of a generated column": case(
        'ALTER TABLE "T x" ADD COLUMN g int GENERATED ALWAYS AS (n * 2 + length("a b")) STORED',
        'ALTER TABLE "T x" DROP COLUMN g; ALTER TABLE "T x" ADD COLUMN g int GENERATED ALWAYS AS (n * 3) STORED',
        f"column-there {T}.g",
        'generated always as ((n * 2) + length("a b")) stored',
        "generated always as (n * 3) stored",
    ),
    "another default expression": case(
        """ALTER TABLE "T x" ALTER "a b" SET DEFAULT lower('X' || 'y')""",
        """ALTER TABLE "T x" ALTER "a b" SET DEFAULT lower('X' || 'z')""",
        f"column-there {T}.a b",
        "default lower('X' || 'y')",
        "default lower(('X'::text || 'z'::text))",
    ),
    "another collation": case(
        'ALTER TABLE "T x" ADD COLUMN c text COLLATE "C"',
        'ALTER TABLE "T x" ALTER c TYPE text COLLATE "POSIX"',
        f"column-there {T}.c",
        "text, collate C",
        "text collate POSIX",
    ),
    "a collation nobody asked for": case(
        'ALTER TABLE "T x" ADD COLUMN c text',
        'ALTER TABLE "T x" ALTER c TYPE text COLLATE "C"',
        f"column-there {T}.c",
        "text, nullable",
        "text collate C",
    ),
    "another predicate": case(
        """CREATE INDEX "ix 1" ON "T x" (n) WHERE s IN ('a', 'b') AND "a b" IS NOT NULL""",
        """DROP INDEX "ix 1"; CREATE INDEX "ix 1" ON "T x" (n) WHERE s IN ('a', 'c') AND "a b" IS NOT NULL""",
        "index-there public.ix 1",
        "where s IN ('a', 'b')",
        "'c'::character varying",
    ),
    "another expression as a key": case(
        'CREATE INDEX ix ON "T x" (lower("a b"), n)',
        'DROP INDEX ix; CREATE INDEX ix ON "T x" (upper("a b"), n)',
        "index-there public.ix",
        "btree index",
        "upper(",
    ),
    "another direction": case(
        'CREATE INDEX ix ON "T x" (n DESC NULLS LAST, id)',
        'DROP INDEX ix; CREATE INDEX ix ON "T x" (n DESC, id)',
        "index-there public.ix",
        "btree index",
        "(n DESC, id)",
    ),
    "another operator class": case(
        'CREATE INDEX ix ON "T x" ("a b" text_pattern_ops)',
        'DROP INDEX ix; CREATE INDEX ix ON "T x" ("a b")',
        "index-there public.ix",
        "btree index",
        '("a b")',
    ),
    "an operator class nobody asked for": case(
        'CREATE INDEX ix ON "T x" ("a b")',
        'DROP INDEX ix; CREATE INDEX ix ON "T x" ("a b" text_pattern_ops)',
        "index-there public.ix",
        "btree index",
        "text_pattern_ops",
    ),
    "another collation of a key": case(
        'CREATE INDEX ix ON "T x" ("a b" COLLATE "C")',
        'DROP INDEX ix; CREATE INDEX ix ON "T x" ("a b" COLLATE "POSIX")',
        "index-there public.ix",
        "btree index",
        "POSIX",
    ),
    "nothing included": case(
        'CREATE INDEX ix ON "T x" (n) INCLUDE ("a b", s)',
        'DROP INDEX ix; CREATE INDEX ix ON "T x" (n) INCLUDE (s)',
        "index-there public.ix",
        'include ("a b", s)',
        "INCLUDE (s)",
    ),
    "another fillfactor of an index": case(
        'CREATE INDEX ix ON "T x" (n) WITH (fillfactor = 70)',
        "ALTER INDEX ix SET (fillfactor = 80)",
        "index-there public.ix",
        "parameter fillfactor 70",
        "parameter fillfactor 80",
    ),
    "another fillfactor": case(
        'ALTER TABLE "T x" SET (fillfactor = 70, toast.autovacuum_enabled = off);; ALTER TABLE "T x" RENAME TO u',
        "ALTER TABLE u RESET (toast.autovacuum_enabled)",
        "relation-there public.u",
        "parameter fillfactor 70, parameter toast.autovacuum_enabled off",
        "parameter toast.autovacuum_enabled not set",
    ),
    "a parameter that was taken away": case(
        'ALTER TABLE "T x" RESET (fillfactor)',
        'ALTER TABLE "T x" SET (fillfactor = 50)',
        f"relation-there {T}",
        "parameter fillfactor not set",
        "parameter fillfactor 50",
    ),
    "another statistics target": case(
        'ALTER TABLE "T x" ALTER "a b" SET STATISTICS 500',
        'ALTER TABLE "T x" ALTER "a b" SET STATISTICS 100',
        f"column-there {T}.a b",
        "statistics target 500",
        "statistics target 100",
    ),
    "another storage": case(
        'ALTER TABLE "T x" ALTER "a b" SET STORAGE external',
        'ALTER TABLE "T x" ALTER "a b" SET STORAGE main',
        f"column-there {T}.a b",
        "storage external",
        "storage main",
    ),
    "another option of a column": case(
        'ALTER TABLE "T x" ALTER n SET (n_distinct = 5)',
        'ALTER TABLE "T x" ALTER n RESET (n_distinct)',
        f"column-there {T}.n",
        "option n_distinct 5",
        "option n_distinct not set",
    ),
    "another check": case(
        """ALTER TABLE "T x" ADD CONSTRAINT "c 1" CHECK (s IN ('a', 'b') AND n BETWEEN 1 AND 9)""",
        'ALTER TABLE "T x" DROP CONSTRAINT "c 1";'
        """ALTER TABLE "T x" ADD CONSTRAINT "c 1" CHECK (s IN ('a', 'b') AND n BETWEEN 1 AND 8)""",
        f"constraint-there {T}.c 1",
        "check (s IN ('a', 'b') AND n BETWEEN 1 AND 9), validated",
        "(n <= 8)",
    ),
    "another action on delete": case(
        'CREATE TABLE c (t int CONSTRAINT fk REFERENCES "T x" ON DELETE CASCADE)',
        'ALTER TABLE c DROP CONSTRAINT fk; ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (t) REFERENCES "T x"',
        "constraint-there public.c.fk",
        "references public.T x (id) on delete cascade",
        'REFERENCES "T x"(id) (validated)',
    ),
    "another action on update": case(
        'CREATE TABLE c (t int CONSTRAINT fk REFERENCES "T x")',
        "ALTER TABLE c DROP CONSTRAINT fk;"
        'ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (t) REFERENCES "T x" ON UPDATE SET NULL',
        "constraint-there public.c.fk",
        "references public.T x (id), validated",
        "ON UPDATE SET NULL",
    ),
    "another referenced column": case(
        'CREATE TABLE c (t int CONSTRAINT fk REFERENCES "T x")',
        'ALTER TABLE c DROP CONSTRAINT fk; ALTER TABLE "T x" ADD UNIQUE (n);'
        'ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (t) REFERENCES "T x" (n)',
        "constraint-there public.c.fk",
        "(id), validated",
        'REFERENCES "T x"(n)',
    ),
    "not deferrable": case(
        'CREATE TABLE c (t int CONSTRAINT fk REFERENCES "T x" DEFERRABLE INITIALLY DEFERRED)',
        "ALTER TABLE c ALTER CONSTRAINT fk NOT DEFERRABLE",
        "constraint-there public.c.fk",
        "deferrable initially deferred, validated",
        "(validated)",
    ),
    "a unique constraint that includes nothing": case(
        'ALTER TABLE "T x" ADD CONSTRAINT u UNIQUE (n) INCLUDE (s)',
        'ALTER TABLE "T x" DROP CONSTRAINT u, ADD CONSTRAINT u UNIQUE (n)',
        f"constraint-there {T}.u",
        "unique (n), validated",
        "UNIQUE (n)",
    ),
    "another comment": case(
        """COMMENT ON COLUMN "T x"."a b" IS 'it''s {all} 100%'""",
        """COMMENT ON COLUMN "T x"."a b" IS 'other'""",
        f"column-there {T}.a b",
        "comment it's {all} 100%",
        "comment other",
    ),
    "no comment": case(
        """COMMENT ON TABLE "T x" IS 'rows'""",
        'COMMENT ON TABLE "T x" IS NULL',
        f"relation-there {T}",
        "comment rows",
        "comment not set",
    ),
    "no comment on a constraint": case(
        """COMMENT ON CONSTRAINT "T x_pkey" ON "T x" IS 'key'""",
        'COMMENT ON CONSTRAINT "T x_pkey" ON "T x" IS NULL',
        f"constraint-there {T}.T x_pkey",
        "comment key",
        "comment not set",
    ),
    "a privilege that is gone": case(
        'GRANT SELECT, UPDATE ON "T x" TO PUBLIC',
        'REVOKE UPDATE ON "T x" FROM PUBLIC',
        f"relation-there {T}",
        "UPDATE of PUBLIC granted",
        "UPDATE of PUBLIC not set",
    ),
    "a privilege that was revoked": case(
        'REVOKE SELECT ON "T x" FROM PUBLIC',
        'GRANT SELECT ON "T x" TO PUBLIC',
        f"relation-there {T}",
        "SELECT of PUBLIC not set",
        "SELECT of PUBLIC granted",
        'GRANT SELECT ON "T x" TO PUBLIC',
    ),
    "a sequence with other steps": case(
        "CREATE SEQUENCE s INCREMENT BY 5 MAXVALUE 100 CYCLE",
        "ALTER SEQUENCE s INCREMENT BY 1",
        "relation-there public.s",
        "increment 5",
        "increment 1",
    ),
    "another partition key": case(
        "CREATE TABLE p (a int, b int) PARTITION BY RANGE (a)",
        "DROP TABLE p; CREATE TABLE p (a int, b int) PARTITION BY RANGE (b)",
        "relation-there public.p",
        "partitioned table partitioned by range (a)",
        "partitioned by range (b)",
    ),
    "another bound": case(
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO (MAXVALUE)",
        "ALTER TABLE p DETACH PARTITION p1;"
        "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM ('2026-02-01') TO (MAXVALUE)",
        "relation-there public.p1",
        "below public.p FOR VALUES FROM ('2026-01-01') TO (maxvalue)",
        "FROM ('2026-02-01')",
        "CREATE TABLE p (a date, b int) PARTITION BY RANGE (a)",
    ),
    "another value of a list": case(
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN ('a', 'b''c', NULL)",
        "ALTER TABLE p DETACH PARTITION p1; ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN ('a', NULL)",
        "relation-there public.p1",
        "FOR VALUES IN ('a', 'b''c', NULL)",
        "FOR VALUES IN ('a', NULL)",
        "CREATE TABLE p (a varchar(5), b int) PARTITION BY LIST (a)",
    ),
    "a publication of less": case(
        'CREATE PUBLICATION "pub 1" FOR TABLE "T x"',
        'CREATE TABLE o (a int); ALTER PUBLICATION "pub 1" SET TABLE o',
        "publication-there pub 1",
        'publication of "public.T x"',
        "publication of public.o",
    ),
    "an extension in another schema": case(
        "CREATE EXTENSION citext SCHEMA public",
        "CREATE SCHEMA other; ALTER EXTENSION citext SET SCHEMA other",
        "extension-there citext",
        "in schema public",
        "in schema other",
    ),
    "a schema of another owner": case(
        "CREATE SCHEMA app;; COMMENT ON SCHEMA app IS 'x'",
        "COMMENT ON SCHEMA app IS 'y'",
        "schema-there app",
        "comment x",
        "comment y",
    ),
}
if VERSION >= 15:
    CASES["NULLs that are distinct"] = case(
        'CREATE UNIQUE INDEX ix ON "T x" (s) NULLS NOT DISTINCT',
        'DROP INDEX ix; CREATE UNIQUE INDEX ix ON "T x" (s)',
        "index-there public.ix",
        "nulls not distinct",
        "(s)",
    )
if VERSION >= 18:
    CASES["a constraint that is not enforced"] = case(
        'ALTER TABLE "T x" ADD CONSTRAINT c CHECK (n > 0)',
        'ALTER TABLE "T x" DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (n > 0) NOT ENFORCED',
        f"constraint-there {T}.c",
        "validated",
        "NOT ENFORCED",
    )


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_was_migrated_passes_and_what_is_spoilt_is_blocked_alone(
    case: Case, migrate: Migrate, connection: Connection
) -> None:
    assert_blocked_alone(case, migrate, connection)
