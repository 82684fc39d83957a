"""Broken text: whatever it is, it is explained or said to be unknown, and nothing is raised."""

import json
import random
import re

import pytest

from fix_cases import every_case
from migsafe.explanation import explain

TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)
JUNK = (
    "'", '"', "$$", "$a$", "/*", "*/", "--", "\\", "\\.", ";", "(", ")", "[", "]", ",", "\0", "\ud800", "\ufeff", "é",
    "E'", "U&'", "BEGIN;", "COMMIT;", "BEGIN ATOMIC", "END", "NULL", "ONLY", "*", "IF NOT EXISTS", "CASCADE", "::",
    "$1", "COPY t FROM stdin;", "SET search_path TO '';", "DO $$ BEGIN", "EXECUTE", "1e999", "99999999999999999999",
)  # fmt: skip
ROUNDS = 400


def _broken(text: str, chance: random.Random) -> str:
    """`text` with a few of its tokens dropped, doubled, moved or replaced by something that does not belong."""
    tokens = TOKEN.findall(text)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(tokens)) if tokens else 0
        match chance.randrange(5):
            case 0:
                del tokens[at : at + chance.randint(1, 3)]
            case 1:
                tokens[at:at] = tokens[at : at + chance.randint(1, 6)]
            case 2:
                tokens.insert(at, chance.choice(JUNK))
            case 3:
                tokens[at:at] = reversed(tokens[at : at + 4])
            case 4:
                del tokens[at:]
    return "".join(tokens)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_is_written_makes_explain_raise(seed: int) -> None:
    chance = random.Random(seed)
    cases = every_case(18)
    for _ in range(ROUNDS):
        one, other = chance.choice(cases), chance.choice(cases)
        text = _broken(f"{one['statement']};\n{other['statement']}", chance)
        schema = one["setup_sql"] if chance.random() < 0.5 else _broken(one["setup_sql"], chance)
        explained = explain(text, schema=schema, server_version=chance.choice((14, 15, 16, 17, 18)))
        assert json.dumps(explained.to_dict()), text
        for statement in explained.statements:
            assert statement.effects.unknown or statement.effects.command, text


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 20_000 + "1" + ")" * 20_000,
        "SELECT " + "-" * 3 + "(" * 5_000,
        "SELECT 1" + " + 1" * 60_000,
        "SELECT " + "ARRAY[" * 4_000 + "1" + "]" * 4_000,
        "ALTER TABLE t ADD CHECK (" + "NOT " * 8_000 + "a)",
        "ALTER TABLE t ADD COLUMN a int DEFAULT " + "abs(" * 3_000 + "1" + ")" * 3_000,
        "CREATE VIEW v AS " + "SELECT * FROM (" * 2_000 + "SELECT 1" + ") x" * 2_000,
        "WITH " + ", ".join(f"a{n} AS (SELECT {n})" for n in range(3_000)) + " SELECT 1",
        "DO $$ BEGIN " + "IF true THEN " * 1_000 + "NULL; " + "END IF; " * 1_000 + "END $$",
        "CREATE TABLE t (" + ", ".join(f"c{n} int" for n in range(5_000)) + ")",
        "BEGIN ATOMIC; " * 500 + "'",
        "'" * 9_999,
        "$" * 9_999,
        "/*" * 5_000,
        ";" * 9_999,
        "\\" * 9_999,
    ],
    ids=lambda text: text[:30],
)
def test_what_is_far_too_much_is_explained_or_refused_in_time(text: str) -> None:
    for statement in explain(text).statements:
        assert statement.effects.unknown or statement.effects.command
