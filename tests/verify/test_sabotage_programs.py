"""As test_sabotage_attributes.py, of views, functions, triggers and policies."""

import pytest

from fix_postgres import Connection
from fix_verify import Case, Migrate, assert_blocked_alone

TABLE = 'CREATE TABLE "T x" (id int PRIMARY KEY, "a b" text, n int NOT NULL DEFAULT 1, s varchar(9))'
F = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
TRIGGER = 'CREATE TRIGGER "tr 1" BEFORE INSERT OR UPDATE OF n ON "T x" FOR EACH ROW EXECUTE FUNCTION f()'
T = "public.T x"


def case(statement: str, spoil: str, blocked: str, expected: str, found: str, *setup: str) -> Case:
    return Case(tuple(statement.split(";; ")), spoil, blocked, expected, found, (TABLE, *setup))


CASES = {
    "another query of a view": case(
        'CREATE VIEW "v 1" AS SELECT id, "a b" FROM "T x" WHERE n > 5 ORDER BY id',
        'CREATE OR REPLACE VIEW "v 1" AS SELECT id, "a b" FROM "T x" WHERE n > 6 ORDER BY id',
        "relation-there public.v 1",
        "view of the query that was written",
        "view",
    ),
    "a materialized view that holds nothing": case(
        'CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM "T x"',
        "REFRESH MATERIALIZED VIEW m WITH NO DATA",
        "relation-there public.m",
        "populated true",
        "populated false",
    ),
    "another body": case(
        "CREATE FUNCTION g(a int, b text) RETURNS text LANGUAGE sql STABLE AS 'SELECT b'",
        "CREATE OR REPLACE FUNCTION g(a int, b text) RETURNS text LANGUAGE sql STABLE AS 'SELECT a::text'",
        "function-there public.g(integer, text)",
        "stable sql function returning text, with the body that was written",
        "md5",
    ),
    "another volatility": case(
        "CREATE FUNCTION g(a int) RETURNS SETOF int LANGUAGE sql IMMUTABLE AS 'SELECT a'",
        "ALTER FUNCTION g(int) VOLATILE",
        "function-there public.g(integer)",
        "immutable sql function returning setof integer",
        "volatile sql function",
    ),
    "a trigger that is disabled": case(
        TRIGGER,
        'ALTER TABLE "T x" DISABLE TRIGGER "tr 1"',
        f"trigger-there {T}.tr 1",
        "before insert or update for each row, calling public.f, update of n",
        "disabled",
        F,
    ),
    "a trigger that is enabled again": case(
        'ALTER TABLE "T x" DISABLE TRIGGER "tr 1"',
        'ALTER TABLE "T x" ENABLE TRIGGER "tr 1"',
        f"trigger-there {T}.tr 1",
        "enabled D",
        "enabled O",
        F,
        TRIGGER,
    ),
    "a trigger on other events": case(
        TRIGGER,
        'DROP TRIGGER "tr 1" ON "T x";' + TRIGGER.replace("INSERT OR UPDATE OF n", "INSERT"),
        f"trigger-there {T}.tr 1",
        "insert or update",
        "BEFORE INSERT ON",
        F,
    ),
    "a policy with another condition": case(
        'CREATE POLICY "p 1" ON "T x" FOR SELECT USING (n = 1)',
        'ALTER POLICY "p 1" ON "T x" USING (n = 2)',
        f"policy-there {T}.p 1",
        "for select, permissive, to public, using (n = 1)",
        "using ((n = 2))",
    ),
    "a policy that is permissive": case(
        'CREATE POLICY p ON "T x" AS RESTRICTIVE WITH CHECK (n > (SELECT min(id) FROM "T x"))',
        'DROP POLICY p ON "T x"; CREATE POLICY p ON "T x" WITH CHECK (n > (SELECT min(id) FROM "T x"))',
        f"policy-there {T}.p",
        "restrictive",
        "permissive policy",
    ),
    "no row security": case(
        'ALTER TABLE "T x" ENABLE ROW LEVEL SECURITY;; ALTER TABLE "T x" FORCE ROW LEVEL SECURITY',
        'ALTER TABLE "T x" NO FORCE ROW LEVEL SECURITY',
        f"relation-there {T}",
        "row security on, forced row security on",
        "row security on, forced row security off",
    ),
    "another replica identity": case(
        'ALTER TABLE "T x" REPLICA IDENTITY FULL',
        'ALTER TABLE "T x" REPLICA IDENTITY DEFAULT',
        f"relation-there {T}",
        "replica identity full",
        "replica identity default",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_was_migrated_passes_and_what_is_spoilt_is_blocked_alone(
    case: Case, migrate: Migrate, connection: Connection
) -> None:
    assert_blocked_alone(case, migrate, connection)
