"""Every pair of types: what is said to hold every value of the other does, there and back, on a real server."""

from itertools import permutations

import psycopg
import pytest

from fix_postgres import Connect, Connection
from migsafe.sql.rounding import rounded
from migsafe.sql.types import parts
from migsafe.sql.widening import widens

# Values at the ends of each type, and what a careless conversion changes.
VALUES = {
    "smallint": ("-32768", "32767"),
    "integer": ("-2147483648", "2147483647"),
    "bigint": ("-9223372036854775808", "9223372036854775807", "9007199254740993"),
    "numeric": ("1.23456789", "99999999999999999999999", "1.10"),
    "numeric(12,2)": ("9999999999.99", "-0.01", "1.10"),
    "numeric(14,2)": ("999999999999.99", "-0.01"),
    "numeric(14,4)": ("9999999999.9999",),
    "numeric(4,0)": ("9999", "-9999"),
    "numeric(9,0)": ("999999999",),
    "numeric(10,0)": ("9999999999",),
    "numeric(18,0)": ("999999999999999999",),
    "numeric(19,0)": ("9999999999999999999",),
    "numeric(3,-3)": ("999000",),
    "numeric(6,3)": ("999.999", "0.001"),
    "real": ("1.1", "16777216", "1e-38", "Infinity", "NaN"),
    "double precision": ("1.1", "1e300", "0.1", "Infinity", "NaN"),
    "character varying(5)": ("abcde", "a  ", ""),
    "character varying(8)": ("abcdefgh", "a  "),
    "character varying": ("x" * 300, "a  "),
    "text": ("x" * 300, "a  "),
    "character(5)": ("abc", "abcde"),
    "character(8)": ("abc", "abcdefgh"),
    "date": ("2024-05-05", "infinity", "294276-12-31"),
    "timestamp without time zone": ("2024-05-05 10:11:12.123456", "infinity"),
    "timestamp(0) without time zone": ("2024-05-05 10:11:12",),
    "timestamp with time zone": ("2024-05-05 10:11:12.123456+02",),
    "timestamp(3) with time zone": ("2024-05-05 10:11:12.123+02",),
    "time without time zone": ("10:11:12.123456", "24:00"),
    "time(0) without time zone": ("10:11:12",),
    "interval": ("1 mon 2 days 03:04:05.123456",),
    "json": ('{"a": 1, "b": [2]}',),
    "jsonb": ('{"a": 1, "b": [2]}',),
    "mood": ("good", "bad"),
    "integer[]": ("{1,2147483647}",),
    "bigint[]": ("{1,9223372036854775807}",),
    "character varying(5)[]": ("{abcde}",),
    "text[]": ("{abcdefghijkl}",),
    "bit(3)": ("101",),
    "bit(5)": ("10101",),
    "bit varying(3)": ("1", "101"),
    "bit varying(5)": ("1", "10101"),
    "bit varying": ("1" * 90,),
    "boolean": ("t", "f"),
    "uuid": ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",),
    "cidr": ("10.0.0.0/8",),
    "inet": ("10.0.0.1/8", "10.0.0.1"),
}


@pytest.fixture
def connection(connect: Connect) -> Connection:
    made = connect()
    made.execute("CREATE TYPE mood AS ENUM ('good', 'bad')")
    return made


def comes_back(connection: Connection, old: str, new: str, value: str) -> bool:
    row = connection.execute(
        f"SELECT ('{value}'::{old}::{new}::{old})::text = '{value}'::{old}::text".encode()
    ).fetchone()
    return row is not None and bool(row[0])


def test_what_holds_every_value_of_another_type_gives_them_back(connection: Connection) -> None:
    claimed = [(old, new) for old, new in permutations(VALUES, 2) if widens(parts(old), parts(new))]
    assert len(claimed) > 150
    lost = [(*pair, value) for pair in claimed for value in VALUES[pair[0]] if not comes_back(connection, *pair, value)]
    assert lost == []


def test_what_holds_every_value_is_never_said_to_round_them() -> None:
    known = [*VALUES, "vector(3)", "vector", "halfvec(3)", "numeric(16,2)", "time(3) with time zone"]
    pairs = [(parts(old), parts(new)) for old, new in permutations(known, 2)]
    assert [pair for pair in pairs if widens(*pair) and rounded(*pair) is not None] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("integer", "numeric(12,2)"),
        ("smallint", "numeric(6,0)"),
        ("bigint", "numeric(21,2)"),
        ("numeric(12,2)", "numeric(14,4)"),
        ("numeric(9,0)", "integer"),
        ("numeric(6,3)", "double precision"),
        ("character(5)", "character varying(5)"),
        ("integer", "character varying(11)"),
        ("integer[]", "bigint[]"),
        ("uuid", "citext"),
        ("vector(3)", "vector"),
        ("time(0) without time zone", "time without time zone"),
        ("bit(3)", "bit varying(3)"),
    ],
)
def test_a_widening_by_type_is_none_back(old: str, new: str) -> None:
    assert (widens(parts(old), parts(new)), widens(parts(new), parts(old))) == (True, False)


LOST = (
    ("integer", "numeric(11,2)", "2147483647"),
    ("integer", "real", "16777217"),
    ("bigint", "double precision", "9007199254740993"),
    ("numeric(12,2)", "numeric(13,1)", "0.01"),
    ("numeric(10,0)", "integer", "9999999999"),
    ("real", "numeric", "1.6777216e+07"),
    ("character varying(8)", "character(8)", "a  "),
    ("integer", "character varying(10)", "-2147483648"),
    ("bigint[]", "integer[]", "{9223372036854775807}"),
    ("timestamp without time zone", "date", "2024-05-05 10:11:12"),
    ("timestamp(3) with time zone", "timestamp(0) with time zone", "2024-05-05 10:11:12.123+02"),
    ("bit(5)", "bit(3)", "10101"),
)


def test_what_loses_a_value_is_no_widening(connection: Connection) -> None:
    assert [each for each in LOST if widens(parts(each[0]), parts(each[1]))] == []
    assert [each for each in LOST if kept(connection, *each)] == []


def kept(connection: Connection, old: str, new: str, value: str) -> bool:
    try:
        return comes_back(connection, old, new, value)
    except psycopg.errors.NumericValueOutOfRange:
        return False
