"""verify.sql, as a person runs it."""

import subprocess
from pathlib import Path

from fix_postgres import VERSION, Connection
from fix_verify import Migrate
from migsafe.postgres.binaries import find
from migsafe.postgres.connection import Database
from migsafe.verify import derive, unproven, write

STATEMENTS = (
    'CREATE TABLE "a \'b\' "" :c \\ d" (id serial PRIMARY KEY, "x""y" numeric(10,2), "é\n" text DEFAULT \'a\nb\')',
    'CREATE INDEX ix ON "a \'b\' "" :c \\ d" ("x""y") WHERE "x""y" > 3',
    "ALTER TABLE t ADD COLUMN ok boolean NOT NULL DEFAULT false",
    "DO $$ BEGIN EXECUTE lower('SELECT 1'); END $$",
)


def psql(database: Database, path: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PGHOST": database.parameters["host"],
        "PGPORT": database.parameters["port"],
        "PGUSER": database.parameters["user"],
        "PGDATABASE": database.parameters["dbname"],
        "PGCLIENTENCODING": "UTF8",
    }
    command = [str(find("psql", VERSION)), "-X", "-v", "ON_ERROR_STOP=1", "-f", str(path)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)


def answers(output: str) -> list[str]:
    """What stands in the column ok, proof by proof."""
    lines = output.splitlines()
    return [lines[n + 2].split("|")[0].strip() for n, line in enumerate(lines) if line.split("|")[0].strip() == "ok"]


def test_psql_prints_ok_and_found_for_each_proof(
    migrate: Migrate, connection: Connection, database: Database, tmp_path: Path
) -> None:
    plan, before = migrate(*STATEMENTS, setup=("CREATE TABLE t ()",))
    proofs = derive(plan, before)
    path = tmp_path / "verify.sql"
    write(path, proofs, unproven(plan))

    ran = psql(database, path)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert answers(ran.stdout) == ["t"] * len(proofs)
    assert "column public.t.ok: boolean, not null, default false" in ran.stdout
    assert "relation public.a 'b' \" :c \\ d: table" in ran.stdout
    assert "versions/ae1.py:4: DO $$ BEGIN EXECUTE lower('SELECT 1'); END $$: nothing can be derived" in ran.stdout

    connection.execute("ALTER TABLE t ALTER ok DROP NOT NULL")
    ran = psql(database, path)
    assert answers(ran.stdout).count("f") == 1
    assert "f  | boolean, nullable, default false" in ran.stdout


def test_the_script_says_how_to_run_it_and_what_each_query_means(migrate: Migrate, tmp_path: Path) -> None:
    proofs = derive(*migrate("CREATE TABLE t (a int)"))
    path = tmp_path / "verify.sql"
    write(path, proofs)

    text = path.read_text()

    assert "psql -X -f verify.sql" in text
    assert all(f"-- {n}. {proof.sentence}\n" in text for n, proof in enumerate(proofs, 1))
    assert all(proof.sql in text for proof in proofs)


def test_the_script_is_its_owners_alone_even_where_a_file_was(tmp_path: Path) -> None:
    path = tmp_path / "verify.sql"
    path.write_text("an old one")
    path.chmod(0o644)

    write(path, ())

    assert path.stat().st_mode & 0o777 == 0o600
    assert "an old one" not in path.read_text()


def test_the_script_writes_nothing(migrate: Migrate, database: Database, tmp_path: Path) -> None:
    migrate()
    path = tmp_path / "verify.sql"
    write(path, ())
    with path.open("a") as file:
        file.write("DELETE FROM alembic_version;\n")

    ran = psql(database, path)

    assert ran.returncode != 0
    assert "read-only transaction" in ran.stderr
