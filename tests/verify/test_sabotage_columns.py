"""As test_sabotage.py, of columns."""

import pytest

from fix_postgres import Connection
from fix_verify import Case, Migrate, assert_blocked_alone

TABLE = "CREATE TABLE t (id int PRIMARY KEY, a text, b int NOT NULL DEFAULT 1)"


CASES = {
    "a column that is gone": Case(
        ("ALTER TABLE t ADD COLUMN is_used boolean DEFAULT false",),
        "ALTER TABLE t DROP COLUMN is_used",
        "column-there public.t.is_used",
        "boolean, nullable, default false",
        "no such column",
        (TABLE,),
    ),
    "another type": Case(
        ("ALTER TABLE t ADD COLUMN price numeric(10,2)",),
        "ALTER TABLE t ALTER price TYPE numeric(12,2)",
        "column-there public.t.price",
        "numeric(10,2)",
        "numeric(12,2)",
        (TABLE,),
    ),
    "another length": Case(
        ("ALTER TABLE t ADD COLUMN code varchar(20)",),
        "ALTER TABLE t ALTER code TYPE varchar",
        "column-there public.t.code",
        "character varying(20)",
        "found character varying, nullable",
        (TABLE,),
    ),
    "without its time zone": Case(
        ("ALTER TABLE t ADD COLUMN seen_at timestamptz(3) NOT NULL DEFAULT now()",),
        "ALTER TABLE t ALTER seen_at TYPE timestamp(3)",
        "column-there public.t.seen_at",
        "timestamp(3) with time zone, not null, default now()",
        "timestamp(3) without time zone",
        (TABLE,),
    ),
    "no array": Case(
        ("ALTER TABLE t ADD COLUMN tags text[] NOT NULL DEFAULT '{}'",),
        "ALTER TABLE t ALTER tags DROP DEFAULT, ALTER tags TYPE text USING tags[1]",
        "column-there public.t.tags",
        "text[], not null, default '{}'",
        "text, not null, no default",
        (TABLE,),
    ),
    "another enum": Case(
        ("CREATE TYPE mood AS ENUM ('sad', 'it''s ok')", "ALTER TABLE t ADD COLUMN mood mood DEFAULT 'sad'"),
        "ALTER TABLE t ALTER mood SET DEFAULT 'it''s ok'",
        "column-there public.t.mood",
        "mood, nullable, default 'sad'",
        "default 'it''s ok'::mood",
        (TABLE,),
    ),
    "another dimension": Case(
        ("ALTER TABLE t ADD COLUMN embedding vector(1536)",),
        "ALTER TABLE t ALTER embedding TYPE vector(768)",
        "column-there public.t.embedding",
        "vector(1536), nullable",
        "vector(768)",
        ("CREATE EXTENSION vector", TABLE),
    ),
    "a domain's base instead of the domain": Case(
        ("CREATE DOMAIN email AS citext CHECK (VALUE ~ '@')", "ALTER TABLE t ADD COLUMN mail email"),
        "ALTER TABLE t ALTER mail TYPE citext",
        "column-there public.t.mail",
        "email, nullable",
        "citext, nullable",
        ("CREATE EXTENSION citext", TABLE),
    ),
    "nullable": Case(
        ("ALTER TABLE t ALTER a SET NOT NULL",),
        "ALTER TABLE t ALTER a DROP NOT NULL",
        "column-there public.t.a",
        "text, not null",
        "text, nullable",
        (TABLE,),
    ),
    "another default": Case(
        ("ALTER TABLE t ALTER b SET DEFAULT 0",),
        "ALTER TABLE t ALTER b SET DEFAULT 2",
        "column-there public.t.b",
        "default 0",
        "default 2",
        (TABLE,),
    ),
    "a default that is left": Case(
        ("ALTER TABLE t ALTER b DROP DEFAULT",),
        "ALTER TABLE t ALTER b SET DEFAULT 1",
        "column-there public.t.b",
        "no default",
        "default 1",
        (TABLE,),
    ),
    "no identity": Case(
        ("ALTER TABLE t ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY",),
        "ALTER TABLE t ALTER n DROP IDENTITY",
        "column-there public.t.n",
        "bigint, not null, identity always",
        "bigint, not null, no default",
        (TABLE,),
    ),
    "not generated": Case(
        ("ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS (b * 2) STORED",),
        "ALTER TABLE t ALTER c DROP EXPRESSION",
        "column-there public.t.c",
        "generated always as (b * 2) stored",
        "integer, nullable, no default",
        (TABLE,),
    ),
    "a serial without its sequence": Case(
        ("CREATE TABLE s (id bigserial PRIMARY KEY)",),
        "DROP SEQUENCE s_id_seq CASCADE",
        "column-there public.s.id",
        "bigint, not null, a default that calls nextval",
        "bigint, not null, no default",
    ),
    "a column that is still there": Case(
        ("ALTER TABLE t DROP COLUMN a",),
        "ALTER TABLE t ADD COLUMN a text",
        "column-gone public.t.a",
        "gone",
        "column a text",
        (TABLE,),
    ),
    "a column under its old name": Case(
        ("ALTER TABLE t RENAME a TO note",),
        "ALTER TABLE t ADD COLUMN a text",
        "column-gone public.t.a",
        "gone",
        "column a text",
        (TABLE,),
    ),
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=[pytest.mark.pgvector] if "CREATE EXTENSION vector" in case.setup else [])
        for name, case in CASES.items()
    ],
)
def test_what_was_migrated_passes_and_what_is_spoilt_is_blocked_alone(
    case: Case, migrate: Migrate, connection: Connection
) -> None:
    assert_blocked_alone(case, migrate, connection)
