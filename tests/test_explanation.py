"""migsafe.explain: what a text of SQL does, whatever the text is."""

import importlib
import pkgutil
import random
import subprocess
import sys
from pathlib import Path

import pytest

import migsafe
from migsafe.errors import UsageError
from migsafe.model.effects import Effects
from migsafe.sql import predict
from migsafe.sql.schema import read

SCHEMA = """
CREATE TABLE users (id bigint PRIMARY KEY, email varchar(100));
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, note varchar(100));
INSERT INTO users VALUES (1, 'a');
INSERT INTO orders VALUES (1, 1, 'a');
"""
REAL = [
    "ALTER TABLE orders ADD COLUMN total numeric(10, 2) DEFAULT 0 CHECK (total >= 0) NOT VALID;",
    "CREATE UNIQUE INDEX CONCURRENTLY \"Odd\" ON orders USING btree (lower(note), (id + 1)) WHERE note <> 'it''s';",
    "DO $body$ BEGIN IF true THEN EXECUTE format('DROP TABLE %I', 'orders'); END IF; END $body$;",
    "CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN UPDATE orders SET id = a; RETURN 1; END $$;",
    "COPY orders FROM stdin;\n1\t1\tone\\ntwo\n\\.\n",
    "/* a /* nested */ comment */ UPDATE orders SET note = E'a\\'b' -- the end\nWHERE id IN (SELECT 1);",
    "CREATE TABLE parts (LIKE orders INCLUDING ALL) PARTITION BY RANGE (id); DROP SCHEMA public CASCADE;",
    "\\connect other\nBEGIN; SET LOCAL lock_timeout = '1s'; ALTER TYPE mood ADD VALUE 'ü'; ROLLBACK;",
]
BROKEN = [
    "",
    ";;;",
    "\0",
    "SELECT '\0'",
    "SELECT 'unpaired",
    'SELECT "unpaired',
    "SELECT $tag$ unpaired $other$",
    "/* unpaired /* */",
    "SELEC 1; SELECT 1",
    "SELECT \udc80",
    "\ufeffSELECT 1",
    "COPY t FROM stdin;\n1\t2",
    "\\.\n\\",
    "SELECT " + "(" * 5000,
    "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    "SELECT 1" + " + 1" * 11_000,
    "SELECT 1" + " + 1" * 3_000,
    "CREATE TABLE t (a int CHECK (a > 0" + " + 1" * 2_500 + "))",
    "SELECT " + "CASE WHEN true THEN " * 1_000 + "1" + " END" * 1_000,
    "DO $$ BEGIN $$",
    "DO $$ BEGIN " + "IF true THEN " * 300 + "NULL; " + "END IF; " * 300 + "END $$",
    "SELECT 1 AS " + "x" * 100_000,
    "ALTER TABLE a.b.c.d.e ADD x int",
    "DROP TABLE " + ", ".join(f"t{number}" for number in range(2_000)),
]


FRAGMENTS = [*REAL, *BROKEN[:12], *"'\"()\\;\0é", "$$", "/*", "*/", "--", "\n", "E'", "$1", "COPY a FROM stdin;"]


def only(sql: str, schema: str = "") -> Effects:
    (statement,) = migsafe.explain(sql, schema=schema).statements
    return statement.effects


def locks(effects: Effects) -> set[tuple[str, str]]:
    return {(lock.relation, lock.mode.text) for lock in effects.locks}


def test_locks_that_nobody_wrote_are_told() -> None:
    effects = only("ALTER TABLE orders DROP COLUMN user_id", SCHEMA)
    assert {("public.orders", "ACCESS EXCLUSIVE"), ("public.users", "ACCESS EXCLUSIVE")} <= locks(effects)


def test_without_a_schema_the_answer_is_pessimistic_and_says_on_what_it_depends() -> None:
    sql = "ALTER TABLE orders ALTER COLUMN note TYPE varchar(500)"
    alone, known = only(sql), only(sql, SCHEMA)
    assert (alone.rewrites, known.rewrites) == (("public.orders",), ())
    assert alone.conditions
    assert not known.conditions


def test_a_finding_that_depends_on_what_is_not_known_is_a_warning() -> None:
    (finding,) = migsafe.explain("ALTER TABLE orders ALTER COLUMN note TYPE varchar(500)").findings
    assert (finding.severity, finding.rule) == ("warning", "alter-column-type-rewrite")


def test_a_schema_may_be_a_catalog() -> None:
    sql = "CREATE INDEX i ON orders (note)"
    assert migsafe.explain(sql, schema=read(SCHEMA)).to_dict() == migsafe.explain(sql, schema=SCHEMA).to_dict()


def test_rows_in_the_schema_decide_whether_a_scan_hurts() -> None:
    sql = "CREATE INDEX i ON orders (note)"
    empty = "CREATE TABLE orders (id bigint, note text);"
    assert [f.rule for f in migsafe.explain(sql, schema=SCHEMA).findings] == ["create-index-not-concurrently"]
    assert migsafe.explain(sql, schema=f"{empty}\nCOPY orders FROM stdin;\n1\ta\n\\.\n").findings


def test_a_statement_knows_what_those_before_it_did() -> None:
    explained = migsafe.explain(
        "ALTER TABLE orders RENAME TO sales; ALTER TABLE sales ALTER note TYPE varchar(200);"
        "ALTER TABLE sales ALTER note TYPE varchar(150); DROP TABLE sales;",
        schema=SCHEMA,
    )
    rewrites = [statement.effects.rewrites for statement in explained.statements]
    assert rewrites == [(), (), ("public.sales",), ()]
    assert ("public.users", "ACCESS EXCLUSIVE") in locks(explained.statements[-1].effects)


def test_a_rollback_undoes_what_its_transaction_did() -> None:
    explained = migsafe.explain(
        "BEGIN; ALTER TABLE orders ALTER note TYPE varchar(500); ROLLBACK;"
        "ALTER TABLE orders ALTER note TYPE varchar(400)",
        schema=SCHEMA,
    )
    assert explained.statements[-1].effects.rewrites == ()


def test_the_search_path_of_a_text_holds_for_what_follows() -> None:
    explained = migsafe.explain("SET search_path = app; ALTER TABLE t ADD a int")
    assert locks(explained.statements[1].effects) == {("app.t", "ACCESS EXCLUSIVE")}


def test_set_local_holds_until_the_transaction_ends_and_not_at_all_outside_of_one() -> None:
    alter = "ALTER TABLE t ADD a int"
    text = f"SET LOCAL search_path = app; {alter}; BEGIN; SET LOCAL search_path = app; {alter}; COMMIT; {alter}"
    relations = [lock.relation for each in migsafe.explain(text).statements for lock in each.effects.locks]
    assert relations == ["public.t", "app.t", "public.t"]


def test_a_table_that_may_have_been_there_is_not_taken_for_a_new_one() -> None:
    explained = migsafe.explain("CREATE TABLE IF NOT EXISTS t (a int); CREATE INDEX ON t (a)")
    assert locks(explained.statements[1].effects) == {("public.t", "SHARE")}
    assert [finding.rule for finding in explained.findings] == ["create-index-not-concurrently"]


def test_transactions_are_those_of_the_text() -> None:
    explained = migsafe.explain(
        "SELECT 1; BEGIN; SELECT 2; REINDEX TABLE CONCURRENTLY t; COMMIT; VACUUM t; SELECT 3;"
        "START TRANSACTION; SELECT 4;"
    )
    ordinals = [statement.transaction for statement in explained.statements]
    assert ordinals == [0, 1, 1, 1, 1, None, 2, 3, 3]
    assert [finding.rule for finding in explained.findings if finding.severity == "error"] == [
        "concurrently-in-transaction"
    ]


def test_statements_carry_their_lines() -> None:
    explained = migsafe.explain("-- first\nSELECT 1;\n\n/* second\n*/ SELECT\n 2;")
    assert [(statement.line, statement.sql) for statement in explained.statements] == [
        (2, "SELECT 1"),
        (5, "SELECT\n 2"),
    ]


def test_the_document_is_the_contract() -> None:
    document = migsafe.explain("CREATE INDEX i ON orders (note)", schema=SCHEMA, server_version=16).to_dict()
    (statement,) = document["statements"]
    assert (document["version"], document["server_version"]) == (1, 16)
    place = {key: statement[key] for key in ("index", "revision", "path", "line", "operation", "transaction")}
    assert place == {"index": 0, "revision": None, "path": None, "line": 1, "operation": None, "transaction": 0}
    assert statement["effects"]["locks"] == [{"relation": "public.orders", "kind": "table", "mode": "SHARE"}]
    assert statement["effects"]["builds"] == [{"index": "public.i", "table": "public.orders", "concurrently": False}]
    assert [finding["rule"] for finding in statement["findings"]] == ["create-index-not-concurrently"]
    assert document["summary"] == {"error": 1, "warning": 0, "info": 0, "ignored": 0}


def test_the_server_version_changes_the_answer() -> None:
    sql = "GRANT SELECT ON orders TO reader"
    told = {
        version: locks(migsafe.explain(sql, schema=SCHEMA, server_version=version).statements[0].effects)
        for version in (14, 17, 18)
    }
    assert told == {14: set(), 17: set(), 18: {("public.orders", "ACCESS SHARE")}}


def test_a_server_version_that_is_not_known_is_refused() -> None:
    with pytest.raises(UsageError, match="PostgreSQL 13") as refused:
        migsafe.explain("SELECT 1", server_version=13)
    assert refused.value.remedy == "Take one of 14, 15, 16, 17, 18."


def test_a_statement_that_the_grammar_rejects_is_unknown_and_the_others_are_read() -> None:
    explained = migsafe.explain("SELECT 1;\nALTER TABEL t ADD a int;\nALTER TABLE t ADD b int;")
    unknown = [statement.effects.unknown for statement in explained.statements]
    assert unknown == [None, 'this is no PostgreSQL statement: syntax error at or near "TABEL"', None]
    assert explained.statements[2].line == 3


def test_what_a_schema_holds_that_cannot_be_read_is_told_and_makes_it_incomplete() -> None:
    schema = "CREATE TABEL t (a int);\nCREATE TABLE u (a int);\nDO $$ BEGIN EXECUTE current_user; END $$;"
    explained = migsafe.explain("DROP TABLE u", schema=schema)
    assert [piece.line for piece in explained.unread] == [1, 3]
    assert not explained.catalog.complete
    assert "public.u" in explained.catalog.relations


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_text_is_unknown_and_never_raises(text: str) -> None:
    migsafe.explain(text).to_dict()
    migsafe.explain("ALTER TABLE t ADD a int", schema=text).to_dict()


def mangled(chance: random.Random) -> str:
    """Cuts of real statements put together anew, words exchanged, or any characters at all."""
    kind = chance.randrange(3)
    if kind == 0:
        return "".join(chr(chance.choice((chance.randrange(128), chance.randrange(0x110000)))) for _ in range(40))
    if kind == 1:
        words = chance.choice(REAL).split(" ")
        place = chance.randrange(len(words))
        words[place : place + chance.randrange(3)] = chance.choice(REAL).split(" ")[: chance.randrange(4)]
        return " ".join(words)
    cuts = []
    for _ in range(chance.randrange(1, 6)):
        whole = chance.choice(FRAGMENTS)
        start = chance.randrange(len(whole) + 1)
        cuts.append(whole[start : start + chance.randrange(200)])
    return "".join(cuts)


@pytest.mark.parametrize("seed", range(8))
def test_no_text_makes_explain_raise(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(250):
        text = mangled(chance)
        document = migsafe.explain(text, schema=SCHEMA).to_dict()
        assert all(statement["sql"] for statement in document["statements"]), repr(text)
        migsafe.explain("SELECT 1", schema=text)


def test_the_families_of_statements_are_found_without_loading_them() -> None:
    loaded = {
        message: info.name
        for info in pkgutil.iter_modules(predict.__path__)
        for message in importlib.import_module(f"{predict.__name__}.{info.name}").HANDLES
    }
    assert predict._homes() == loaded


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, migsafe; migsafe.explain('ALTER TABLE t ADD a int', schema='CREATE TABLE t (b int)').to_dict();"
        "print(sorted({'alembic', 'sqlalchemy', 'psycopg', 'click', 'rich', 'postgast', 'sqlparse',"
        " 'google.protobuf.descriptor_pb2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_without_upb_the_answers_are_the_same() -> None:
    sql = "ALTER TABLE t ALTER a TYPE text USING upper(b), ADD CHECK (a > 0); CREATE INDEX i ON t (lower(b))"
    code = f"import sys; sys.modules['google._upb'] = None; import migsafe; print(migsafe.explain({sql!r}).to_dict())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"{migsafe.explain(sql).to_dict()}\n"


def test_the_example_in_the_guide_is_true() -> None:
    guide = (Path(__file__).parents[1] / "docs" / "guide.md").read_text(encoding="utf-8")
    example = guide.partition("```python\nimport migsafe\n")[2].partition("```")[0]
    assert "explain(" in example
    exec(example, {"migsafe": migsafe})
