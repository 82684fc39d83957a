"""Every pair of types: what ALTER COLUMN … TYPE changes without a word is what is said of it, on a real server."""

from contextlib import suppress
from itertools import permutations

import psycopg
import pytest

from fix_postgres import Connect, Connection
from migsafe.sql.rounding import is_cast, rounded
from migsafe.sql.types import parts

# Values that fit nowhere but where they are.
VALUES = {
    "smallint": ("12345",),
    "integer": ("2147483647", "16777217", "12345"),
    "bigint": ("9223372036854775807", "9007199254740993", "16777217", "12345"),
    "numeric": ("1.23456789012345678", "0.5"),
    "numeric(12,4)": ("12345678.1234", "0.0001"),
    "numeric(12,2)": ("1234567890.12", "1.5", "12345"),
    "numeric(12,0)": ("123456789012", "17"),
    "numeric(5,-2)": ("1234500",),
    "real": ("1.5", "123456.7"),
    "double precision": ("1.5", "0.12345678901234567"),
    "character varying": ("abcdefghijklmnop",),
    "character varying(5)": ("abcde",),
    "character varying(12)": ("abcdefghijkl",),
    "character(3)": ("abc",),
    "text": ("abcdefghijklmnop",),
    "date": ("2024-05-05",),
    "timestamp without time zone": ("2024-05-05 10:11:12.123456",),
    "timestamp(3) without time zone": ("2024-05-05 10:11:12.123",),
    "timestamp(0) without time zone": ("2024-05-05 10:11:12",),
    "timestamp with time zone": ("2024-05-05 10:11:12.123456+02",),
    "timestamp(3) with time zone": ("2024-05-05 10:11:12.123+02",),
    "time without time zone": ("10:11:12.123456",),
    "time(0) without time zone": ("10:11:12",),
    "time with time zone": ("10:11:12.123456+00",),
    "interval": ("1 mon 2 days 03:04:05.123456",),
    "interval(0)": ("1 mon 2 days 03:04:05",),
    "inet": ("10.0.0.1/8",),
    "cidr": ("10.0.0.0/8",),
    "bit(3)": ("101",),
    "bit(5)": ("10101",),
    "bit varying": ("1010101",),
    "bit varying(4)": ("1010",),
    "numeric(12,4)[]": ("{0.0001,12345678.1234}",),
    "integer[]": ("{1,2147483647}",),
    "text[]": ("{abcdefghijkl}",),
    "character varying(5)[]": ("{abcde}",),
}


TEXTS = ("character", "text")
# A number, a time or bits as a text that is too short: only USING does that, and how long they are is not known.
NOT_KNOWN = [(old, new) for old, new in permutations(VALUES, 2) if new.startswith(TEXTS) and not old.startswith(TEXTS)]
NOT_KNOWN += [(old, f"bit({size})") for old in ("integer", "bigint") for size in (3, 5)]


@pytest.fixture
def connection(connect: Connect) -> Connection:
    made = connect()
    made.execute("SET TimeZone = 'UTC'")
    return made


def changed(connection: Connection, old: str, kinds: list[str], *, cast: bool) -> set[str]:
    """The types of `kinds` that a column of `old` takes, and holds another value then."""
    found = set()
    for value in VALUES[old]:
        connection.execute(f"CREATE TEMP TABLE t AS SELECT '{value}'::{old} AS v, '{value}'::{old} AS was".encode())
        for new in kinds:
            using = f" USING v::{new}" if cast else ""
            with suppress(psycopg.Error), connection.transaction(force_rollback=True):
                connection.execute(f"ALTER TABLE t ALTER v TYPE {new}{using}".encode())
                if not is_as_it_was(connection, old):
                    found.add(new)
        connection.execute("DROP TABLE t")
    return found


def is_as_it_was(connection: Connection, old: str) -> bool:
    try:
        with connection.transaction():
            row = connection.execute(f"SELECT v::{old}::text = was::text FROM t".encode()).fetchone()
    except psycopg.errors.CannotCoerce:
        # There is no way back: what is held against the old value is its text.
        row = connection.execute(b"SELECT v::text = was::text FROM t").fetchone()
    return row is not None and bool(row[0])


@pytest.mark.parametrize("cast", [False, True])
def test_what_is_rounded_or_cut_is_said_and_nothing_else(connection: Connection, cast: bool) -> None:
    # Of all others a cast makes the same as the assignment.
    olds = [old for old in VALUES if not cast or old.startswith((*TEXTS, "bit"))]
    told, seen = set(), set()
    for old in olds:
        kinds = [new for new in VALUES if new != old and (old, new) not in NOT_KNOWN]
        told |= {(old, new) for new in kinds if rounded(parts(old), parts(new), cast=cast)}
        seen |= {(old, new) for new in changed(connection, old, kinds, cast=cast)}
    assert (sorted(told - seen), sorted(seen - told)) == ([], [])
    assert len(told) > (10 if cast else 60)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("numeric(12,4)", "numeric(12,2)", "rounded to 2 digits after the point"),
        ("numeric(12,4)", "numeric(10,-2)", "rounded to a multiple of 100"),
        ("double precision", "integer", "rounded to a whole number"),
        ("double precision", "numeric", "rounded to 15 decimal digits"),
        ("timestamp with time zone", "date", "cut to its day: the time of day is gone"),
        ("timestamp with time zone", "timestamp(0) with time zone", "rounded to a whole second"),
        ("public.vector(3)", "halfvec(3)", "rounded to half precision, about 3 decimal digits"),
        ("character varying", "character varying(5)", None),
        ("bigint", "integer", None),
    ],
)
def test_it_is_said_what_becomes_of_a_value(old: str, new: str, words: str | None) -> None:
    assert rounded(parts(old), parts(new)) == words


@pytest.mark.parametrize(
    ("using", "is_one"),
    [
        ("total::numeric(12,2)", True),
        ("CAST(total AS integer)", True),
        ("(total)::integer", True),
        ('"total"::text::integer', True),
        ("round(total * 100)::integer", False),
        ("trunc(total)", False),
        ("other::integer", False),
        ("total::numeric(12,2) * 2, 1", False),
    ],
)
def test_an_expression_that_computes_is_meant(using: str, is_one: bool) -> None:
    assert is_cast(using, "total") is is_one
