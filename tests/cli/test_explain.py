"""`migsafe explain`, as a person and a CI system use it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fix_migsafe import Migsafe
from fix_postgres import Connect
from migsafe.postgres.connection import Database

SCHEMA = """CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, note varchar(100));
INSERT INTO users VALUES (1);
INSERT INTO orders VALUES (1, 1, 'a');
"""
LOADED = """
import sys
from migsafe.cli import main
try: main(sys.argv[1:])
finally:
    heavy = {"alembic", "sqlalchemy", "psycopg", "rich", "postgast", "sqlparse"}
    print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


@pytest.fixture
def schema(tmp_path: Path) -> str:
    (tmp_path / "schema.sql").write_text(SCHEMA)
    return "schema.sql"


def piped(folder: Path, content: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", "from migsafe.cli import main; main()", "explain", *arguments]
    return subprocess.run(command, cwd=folder, input=content, capture_output=True, timeout=60)


def test_text_says_who_waits_also_on_what_nobody_wrote(migsafe: Migsafe, tmp_path: Path, schema: str) -> None:
    done = migsafe(tmp_path, "explain", "--schema", schema, "ALTER TABLE orders DROP COLUMN user_id")
    assert (done.returncode, done.stderr) == (0, "")
    assert "ACCESS EXCLUSIVE on public.orders: reads and writes wait" in done.stdout
    assert "ACCESS EXCLUSIVE on public.users, which the statement does not name: reads and writes wait" in done.stdout
    assert "destroys     column public.orders.user_id" in done.stdout
    assert "safe form: " in done.stdout


def test_text_is_brief_for_what_is_harmless(migsafe: Migsafe, tmp_path: Path) -> None:
    done = migsafe(tmp_path, "explain", "SELECT * FROM orders")
    assert done.stdout == "SELECT * FROM orders\n  locks        ACCESS SHARE on public.orders: reads and writes go on\n"
    assert "nothing that anybody waits for" in migsafe(tmp_path, "explain", "SELECT 1").stdout


def test_text_says_what_it_is_not_sure_of_and_what_would_help(migsafe: Migsafe, tmp_path: Path) -> None:
    done = migsafe(tmp_path, "explain", "ALTER TABLE orders ALTER note TYPE varchar(500)")
    assert "not certain  no rewrite if the column is already character varying" in done.stdout
    assert done.stdout.endswith("What is not certain would be with --schema FILE or --url URL.\n")


def test_text_says_what_may_not_run_in_a_transaction(migsafe: Migsafe, tmp_path: Path) -> None:
    sql = "CREATE INDEX CONCURRENTLY i ON orders (note); BEGIN; REINDEX TABLE CONCURRENTLY orders; COMMIT"
    done = migsafe(tmp_path, "explain", sql)
    assert "it cannot run inside a transaction block\n" in done.stdout
    assert "it cannot run inside a transaction block, and here it stands in one" in done.stdout
    assert "writers of public.orders" in done.stdout


def test_text_says_that_an_index_locked_exclusively_stops_reads_of_its_table(
    migsafe: Migsafe, tmp_path: Path, schema: str
) -> None:
    done = migsafe(tmp_path, "explain", "--schema", schema, "REINDEX INDEX orders_pkey")
    assert "ACCESS EXCLUSIVE on index public.orders_pkey: reads and writes of its table wait" in done.stdout
    assert "builds       index public.orders_pkey from all of public.orders" in done.stdout


def test_json_is_the_contract(migsafe: Migsafe, tmp_path: Path, schema: str) -> None:
    (tmp_path / "one.sql").write_text("-- a comment\nCREATE INDEX i ON orders (note);\n")
    (tmp_path / "two.sql").write_text("DROP INDEX i;")
    done = migsafe(tmp_path, f"explain --schema {schema} --format json one.sql two.sql")
    document = json.loads(done.stdout)
    places = [(each["index"], each["path"], each["line"]) for each in document["statements"]]
    assert places == [(0, "one.sql", 2), (1, "two.sql", 1)]
    assert document["statements"][1]["effects"]["locks"][0]["relation"] == "public.orders"
    assert document["server_version"] == 18


def test_json_loads_neither_alembic_nor_a_driver_nor_rich(tmp_path: Path, schema: str) -> None:
    command = [sys.executable, "-c", LOADED, "explain", "--schema", schema, "--format", "json", "DROP TABLE orders"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stderr == "[]\n"


def test_text_loads_neither_alembic_nor_a_driver(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LOADED, "explain", "DROP TABLE orders"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stderr == "['rich']\n"


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_sql_may_be_piped_in(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = piped(tmp_path, "\ufeffSELECT 'ü';".encode(), "--format", "json", *arguments)
    assert json.loads(done.stdout)["statements"][0]["sql"] == "SELECT 'ü'"


def test_the_schema_and_its_sizes_come_from_a_database(
    migsafe: Migsafe, connect: Connect, database: Database, tmp_path: Path
) -> None:
    with connect() as connection:
        connection.execute("CREATE TABLE orders (id bigint, note text)")
        connection.execute("INSERT INTO orders SELECT i, repeat('x', 100) FROM generate_series(1, 1000) i")
        connection.execute("ANALYZE orders")
    done = migsafe(tmp_path, "explain", "--url", database.url(), "ALTER TABLE orders ALTER id TYPE int")
    assert (done.returncode, done.stderr) == (0, "")
    assert "about 1,000 rows)" in done.stdout
    assert "rewrites     public.orders (" in done.stdout


@pytest.mark.parametrize(
    ("sql", "fail_on", "code"),
    [
        ("DROP TABLE orders", None, 0),
        ("DROP TABLE orders", "error", 1),
        ("ALTER TABLE orders ALTER note TYPE varchar(500)", "error", 0),
        ("ALTER TABLE orders ALTER note TYPE varchar(500)", "warning", 1),
        ("SELECT 1", "warning", 0),
    ],
)
def test_findings_fail_only_when_asked(
    migsafe: Migsafe, tmp_path: Path, sql: str, fail_on: str | None, code: int
) -> None:
    wished = ["--fail-on", fail_on] if fail_on else []
    assert migsafe(tmp_path, "explain", *wished, sql).returncode == code


def test_the_settings_of_the_repository_hold(migsafe: Migsafe, tmp_path: Path) -> None:
    (tmp_path / "migsafe.toml").write_text('[lint]\ndisable = ["drop-table"]\n')
    assert migsafe(tmp_path, "explain", "--fail-on", "error", "DROP TABLE orders").returncode == 0


def test_a_broken_schema_says_where_and_the_rest_is_read(migsafe: Migsafe, tmp_path: Path) -> None:
    (tmp_path / "schema.sql").write_text("CREATE TABLE t (a int);\nCREATE TABEL u (a int);\n")
    done = migsafe(tmp_path, "explain", "--schema", "schema.sql", "--format", "json", "DROP TABLE t")
    assert 'migsafe: schema.sql:2: not understood: syntax error at or near "TABEL"' in done.stderr
    assert json.loads(done.stdout)["statements"][0]["effects"]["destroys"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["  "], "there is no SQL to explain"),
        (["-"], "there is no SQL to explain"),
        (["no_such.sql"], "no_such.sql cannot be read: No such file or directory"),
        (["sql/no_such_folder"], "sql/no_such_folder cannot be read"),
        (["."], ". cannot be read: Is a directory"),
        (["latin1.txt"], "latin1.txt, line 2: this is not UTF-8"),
        (["--schema", "no_such", "SELECT 1"], "no_such cannot be read"),
        (["--schema", "latin1.txt", "SELECT 1"], "latin1.txt, line 2: this is not UTF-8"),
        (["--server-version", "13", "SELECT 1"], "'13' is not one of '14', '15', '16', '17', '18'"),
        (["--schema", "latin1.txt", "--url", "postgresql://h/d", "SELECT 1"], "--schema and --url are both given"),
        (["--url", "nonsense", "SELECT 1"], "neither a URL nor a libpq connection string"),
    ],
)
def test_wrong_usage_is_one_message(migsafe: Migsafe, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "latin1.txt").write_bytes(b"SELECT 1;\nSELECT '\xff';")
    done = migsafe(tmp_path, "explain", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_a_statement_longer_than_a_path_is_a_statement(migsafe: Migsafe, tmp_path: Path) -> None:
    sql = f"SELECT {', '.join(['1'] * 20_000)}"
    assert migsafe(tmp_path, "explain", "--format", "json", sql).returncode == 0
