"""Defaults: a correct one never fails, a wrong constant always does, and what was not compared is said."""

import pytest

from fix_postgres import Connection
from fix_verify import Migrate, summary
from migsafe.verify import derive, verify

# Type and default as people write them; PostgreSQL prints most of them in other words.
WRITTEN = (
    ("int", "1"),
    ("int", "-1"),
    ("int", "+7"),
    ("int", "'42'"),
    ("int", "(1.5)::int"),
    ("int", "'5'::text::int"),
    ("int", "1 + 1"),
    ("smallint", "'-5'"),
    ("bigint", "9000000000"),
    ("bigint", "5::smallint"),
    ("numeric(10,2)", "0"),
    ("numeric(10,2)", "'1.5'"),
    ("numeric", "-1.50"),
    ("numeric", "(1.5)::int"),
    ("double precision", "1e3"),
    ("real", "0.1"),
    ("boolean", "'f'"),
    ("boolean", "true"),
    ("boolean", "(NOT true)"),
    ("text", "'it''s'"),
    ("text", "''"),
    ("text", "'a' || 'b'"),
    ("text", "E'a\\nb\\\\c'"),
    ("text", "'a\\b'"),
    ("text", "'two\nlines -- and ; \\ :x'"),
    ("text", "CAST('x' AS varchar(3))"),
    ("text", "CURRENT_USER"),
    ("text", "NULL"),
    ("text", "NULL::text"),
    ("text", "lower('X')"),
    ("text", "('x' COLLATE \"C\")"),
    ("varchar(3)", "'abc'"),
    ("varchar(3)", "'abcdef'::varchar(3)"),
    ("char(5)", "'a'"),
    ("bit(3)", "B'101'"),
    ("bytea", "'\\x00ff'"),
    ("uuid", "gen_random_uuid()"),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"),
    ("json", "'{ \"a\":  1 }'"),
    ("jsonb", '\'{ "b":  1, "a": []}\''),
    ("jsonb", "'{}'::json"),
    ("jsonb", "jsonb_build_object('a', 1)"),
    ("text[]", "'{}'"),
    ("text[]", "ARRAY[]::text[]"),
    ("int[]", "ARRAY[1, 2]"),
    ("int[]", "'{1,  2}'"),
    ("date", "'2020-01-01'"),
    ("date", "'tomorrow'"),
    ("date", "CURRENT_DATE"),
    ("date", "now()"),
    ("date", "'01/02/2020'"),
    ("timestamp", "'2020-01-01 10:00'"),
    ("timestamp", "(now() AT TIME ZONE 'utc')"),
    ("timestamp", "timezone('utc', now())"),
    ("timestamptz", "now()"),
    ("timestamptz", "'now()'"),
    ("timestamptz", "CURRENT_TIMESTAMP"),
    ("timestamptz", "CURRENT_TIMESTAMP(3)"),
    ("timestamptz", "'2020-01-01 10:00'"),
    ("timestamptz", "'infinity'"),
    ("interval", "'90 minutes'"),
    ("interval", "make_interval(days => 1)"),
    ("inet", "'10.0.0.1'"),
    ("mood", "'sad'"),
    ("mood", "'sad'::mood"),
    ("mood", "'sad'::public.mood"),
    ("mood[]", "'{sad,ok}'"),
    ("amount", "3"),
    ("regclass", "'pg_class'"),
    ("citext", "'Abc'"),
    ("bigint", "nextval('numbers')"),
    ("bigint", "nextval('public.numbers'::regclass)"),
)
SETUP = (
    "CREATE EXTENSION citext",
    "CREATE TYPE mood AS ENUM ('sad', 'ok')",
    "CREATE DOMAIN amount AS numeric(10,2)",
    "CREATE SEQUENCE numbers",
)


def test_a_correct_default_never_fails_however_it_is_written(migrate: Migrate, connection: Connection) -> None:
    connection.execute("SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'SQL, DMY'")
    columns = ", ".join(f"c{n} {kind} DEFAULT {written}" for n, (kind, written) in enumerate(WRITTEN))
    plan, before = migrate(f"CREATE TABLE t ({columns})", setup=SETUP)
    connection.execute("SET TimeZone = 'America/New_York'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'iso_8601'")

    results = verify(connection, plan, before)

    assert [result.message for result in results if result.status != "passed"] == []
    assert len(summary(results, "passed")) >= len(WRITTEN)


@pytest.mark.pgvector
def test_an_embedding_may_have_a_default(migrate: Migrate, connection: Connection) -> None:
    plan, before = migrate("CREATE TABLE t (e vector(2) DEFAULT '[1, 2]')", setup=("CREATE EXTENSION vector",))
    assert summary(verify(connection, plan, before), "blocked", "unknown") == []


WRONG = (
    ("int", "1", "2"),
    ("int", "0", "nextval('numbers')"),
    ("numeric(10,2)", "1.5", "1.25"),
    ("boolean", "false", "true"),
    ("text", "'a'", "''"),
    ("text", "'null'", "NULL"),
    ("text", "'it''s'", "'its'"),
    ("jsonb", "'{}'", "'[]'"),
    ("text[]", "'{}'", "'{a}'"),
    ("date", "'2020-01-01'", "CURRENT_DATE"),
    ("date", "'2020-01-01'", "'2020-01-02'"),
    ("timestamptz", "now()", "clock_timestamp()"),
    ("timestamptz", "CURRENT_TIMESTAMP", "'2020-01-01'"),
    ("uuid", "gen_random_uuid()", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"),
    ("mood", "'sad'", "'ok'"),
    ("amount", "3", "4"),
    ("text", "'a' || 'b'", "NULL"),
)


def test_a_wrong_default_is_blocked(migrate: Migrate, connection: Connection) -> None:
    columns = ", ".join(f"c{n} {kind} DEFAULT {written}" for n, (kind, written, _) in enumerate(WRONG))
    plan, before = migrate(f"CREATE TABLE t ({columns})", setup=SETUP)
    assert summary(verify(connection, plan, before), "blocked", "unknown") == []
    for number, (_, _, wrong) in enumerate(WRONG):
        connection.execute(f"ALTER TABLE t ALTER c{number} SET DEFAULT {wrong}".encode())

    results = verify(connection, plan, before)

    assert summary(results, "blocked", "unknown") == [f"column-there public.t.c{n}" for n in range(len(WRONG))]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "'01/02/2020'::timestamptz::text",
            "a default (written '01/02/2020'::timestamptz::text; its text is not compared)",
        ),
        ("now()::date || 'x'", "a default that calls now (written "),
        ("lower('X')", "default lower('X')"),
        ("'x'", "default 'x'"),
    ],
)
def test_a_default_that_cannot_be_compared_says_so(migrate: Migrate, written: str, said: str) -> None:
    proofs = derive(*migrate(f"CREATE TABLE t (a text DEFAULT {written})"))

    assert said in next(proof.expected for proof in proofs if proof.subject == "public.t.a")
