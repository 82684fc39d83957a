"""One env.py, several databases or schemas: each its own straight line, planned together, one after the other."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe, losing_rows
from fix_postgres import Connect
from migsafe.postgres.catalog import read as read_catalog
from migsafe.postgres.connection import Database
from migsafe.preview import preview
from migsafe.revisions.config import open_environment
from migsafe.revisions.read import read_rounds

HEAD = "e2e2e2e2e2e2"
NAIVE = """
from alembic import op

revision = "e3e3e3e3e3e3"
down_revision = "e2e2e2e2e2e2"

def upgrade():
    {upgrade}

def downgrade():
    pass
"""

Tenants = Callable[..., Path]


@pytest.fixture
def tenants(environment: Environment, database: Database, connect: Connect) -> Tenants:
    """`tenants(*schemas, story="tenants")`: the story with these tenants, none of them migrated."""

    def make(*schemas: str, story: str = "tenants") -> Path:
        folder = environment(story, database)
        connection = connect()
        connection.execute("CREATE TABLE tenants (schema text PRIMARY KEY)")
        for schema in schemas:
            connection.execute("INSERT INTO tenants VALUES (%s)", (schema,))
        return folder

    return make


def versions(connect: Connect, *schemas: str) -> list[str]:
    """The revision of each, `-` where there is no version table."""
    found = []
    for schema in schemas:
        there = connect().execute("SELECT to_regclass(%s) IS NOT NULL", (f"{schema}.alembic_version",)).fetchone()
        row = (
            connect().execute(f"SELECT version_num FROM {schema}.alembic_version".encode()).fetchone()
            if there and there[0]
            else None
        )
        found.append(str(row[0]) if row else "-")
    return found


def reports(folder: Path) -> list[dict[str, Any]]:
    """The reports below `folder`, oldest first."""
    runs = sorted((folder / ".migsafe" / "runs").iterdir())
    return [json.loads((run / "report.json").read_text()) for run in runs if (run / "report.json").exists()]


def write_revision(folder: Path, upgrade: str) -> None:
    (folder / "migrations" / "versions" / "e3e3e3e3e3e3_written.py").write_text(NAIVE.format(upgrade=upgrade))


def test_every_tenant_goes_to_head_by_its_own_straight_line_and_back(
    tenants: Tenants, migsafe: Migsafe, connect: Connect
) -> None:
    folder = tenants("ape", "bee", "cat")
    done = migsafe(folder, "upgrade head --yes --backup none")
    assert done.returncode == 0, done.stdout + done.stderr
    assert versions(connect, "ape", "bee", "cat") == [HEAD] * 3
    assert [(each["round"], each["outcome"]) for each in reports(folder)] == [
        ("ape", "done"),
        ("bee", "done"),
        ("cat", "done"),
    ]
    assert "Rounds: 3 of 3, same plan" in done.stdout
    assert done.stdout.count("add_column") == 1
    assert connect().execute("SELECT to_regclass('public.alembic_version')").fetchone() == (None,)
    assert connect().execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchone() == (0,)
    again = migsafe(folder, "upgrade head --yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Nothing to do: ape, bee and cat are there." in again.stdout
    down = losing_rows(migsafe, folder, "downgrade base --yes --backup none")
    assert down.returncode == 0, down.stdout + down.stderr
    assert versions(connect, "ape", "bee", "cat") == ["-"] * 3


def test_a_loop_over_asyncpg_whose_search_path_is_set_within_the_transaction(
    tenants: Tenants, migsafe: Migsafe, connect: Connect
) -> None:
    folder = tenants("ape", "bee", story="tenants_async")
    done = migsafe(folder, "upgrade head --yes --backup none")
    assert done.returncode == 0, done.stdout + done.stderr
    assert versions(connect, "ape", "bee", "public") == [HEAD, HEAD, "-"]
    for report in reports(folder):
        proven = {str(each["subject"]) for each in report["after"] if each["check"] == "index-there"}
        assert proven == {f"{report['round']}.ix_orders_total"}


def test_tenants_at_different_revisions_each_go_their_own_way(
    tenants: Tenants, migsafe: Migsafe, connect: Connect
) -> None:
    folder = tenants("ape", "bee", "cat")
    assert migsafe(folder, "upgrade e0e0e0e0e0e0 --round ape --yes --backup none").returncode == 0
    assert migsafe(folder, "upgrade head --round b* --yes --backup none").returncode == 0
    # bee has no next one: of no concern where it is not asked for.
    assert "(round bee)" in migsafe(folder, "upgrade +1 --yes").stderr
    assert migsafe(folder, "upgrade +1 --round cat --dry-run").returncode == 0
    assert versions(connect, "ape", "bee", "cat") == ["e0e0e0e0e0e0", HEAD, "-"]
    done = migsafe(folder, "upgrade head --yes --backup none --format json")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert (document["outcome"], document["exit_code"]) == ("done", 0)
    assert [(each["round"], each["plan"]["current"], each["outcome"]) for each in document["rounds"]] == [
        ("ape", ["e0e0e0e0e0e0"], "done"),
        ("bee", [HEAD], "nothing-to-do"),
        ("cat", [], "done"),
    ]
    assert versions(connect, "ape", "bee", "cat") == [HEAD] * 3


def test_a_round_that_env_py_does_not_have_is_named_with_the_nearest(tenants: Tenants, migsafe: Migsafe) -> None:
    done = migsafe(tenants("acme", "bee"), "upgrade head --round acmee --yes")
    assert done.returncode == 2
    assert "Did you mean acme?" in done.stderr


def test_a_refusal_in_one_tenant_changes_none(tenants: Tenants, migsafe: Migsafe, connect: Connect) -> None:
    folder = tenants("ape", "bee")
    assert migsafe(folder, "upgrade e0e0e0e0e0e0 --round bee --yes --backup none").returncode == 0
    connect().execute("INSERT INTO bee.orders (id) SELECT generate_series(1, 50)")
    (folder / "migrations" / "versions" / "e2e2e2e2e2e2_index_orders_by_total.py").unlink()
    write_revision(folder, 'op.create_index("ix_orders_note", "orders", ["note"])')
    path = folder / "migrations" / "versions" / "e3e3e3e3e3e3_written.py"
    path.write_text(path.read_text().replace('down_revision = "e2e2e2e2e2e2"', 'down_revision = "e1e1e1e1e1e1"'))
    done = migsafe(folder, "upgrade head --yes --backup none")
    # For ape the table is new, and nobody can be blocked.
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Refused in bee. Nothing was changed in any round." in done.stdout
    assert "Ledger: 2 rounds, 1 not reached, 1 refused" in done.stdout
    assert versions(connect, "ape", "bee") == ["-", "e0e0e0e0e0e0"]


def test_a_failure_in_the_second_tenant_stops_there_and_the_same_command_carries_on(
    tenants: Tenants, migsafe: Migsafe, connect: Connect
) -> None:
    folder = tenants("ape", "bee", "cat")
    assert migsafe(folder, "upgrade e1e1e1e1e1e1 --yes --backup none").returncode == 0
    connect().execute("INSERT INTO bee.orders (id, note) VALUES (1, 'twice'), (2, 'twice')")
    write_revision(
        folder,
        "with op.get_context().autocommit_block():\n"
        '        op.create_index("ix_note", "orders", ["note"], unique=True, postgresql_concurrently=True)',
    )
    # Preflight sees the rows; overruled, the index fails where they are.
    stopped = migsafe(folder, "upgrade head --yes --backup none --skip duplicate-rows --because tested --format json")
    assert stopped.returncode == 4, stopped.stdout + stopped.stderr
    outcomes = [(each["round"], each["outcome"]) for each in json.loads(stopped.stdout)["rounds"]]
    assert outcomes == [("ape", "done"), ("bee", "partial"), ("cat", "not-reached")]
    assert versions(connect, "ape", "bee", "cat") == ["e3e3e3e3e3e3", HEAD, "e1e1e1e1e1e1"]
    connect().execute("DELETE FROM bee.orders")
    again = migsafe(folder, "upgrade head --yes --backup none")
    assert again.returncode == 0, again.stdout + again.stderr
    assert versions(connect, "ape", "bee", "cat") == ["e3e3e3e3e3e3"] * 3
    assert connect().execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchone() == (0,)


@pytest.fixture
def two_databases(
    environment: Environment, database: Database, create_database: Callable[[], Database]
) -> tuple[Path, Database, Database]:
    """The story with its two databases: the folder, shop, billing."""
    folder, billing = environment("two_databases", database), create_database()
    ini = folder / "alembic.ini"
    urls = {"app:app@127.0.0.1/billing": billing}
    text = ini.read_text()
    for old, to in urls.items():
        text = text.replace(f"postgresql+psycopg://{old}", to.url("psycopg").replace("%", "%%"))
    ini.write_text(text)
    return folder, database, billing


@pytest.mark.parametrize("two_phase", [False, pytest.param(True, marks=pytest.mark.servers)])
def test_two_databases_of_alembics_multidb_template(
    two_phase: bool,
    two_databases: tuple[Path, Database, Database],
    migsafe: Migsafe,
    connect: Connect,
) -> None:
    folder, shop, billing = two_databases
    env = folder / "migrations" / "env.py"
    env.write_text(env.read_text().replace("USE_TWOPHASE = False", f"USE_TWOPHASE = {two_phase}"))
    done = migsafe(folder, "upgrade head --yes --backup none --format json")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert [(each["round"], each["outcome"]) for each in document["rounds"]] == [("shop", "done"), ("billing", "done")]
    assert [each["plan"]["database"] for each in document["rounds"]] == [shop.label, billing.label]
    assert connect(shop).execute("SELECT to_regclass('orders'), to_regclass('invoices')").fetchone() == ("orders", None)
    columns = connect(billing).execute("SELECT attname FROM pg_attribute WHERE attrelid = 'invoices'::regclass")
    assert ("paid_at",) in columns.fetchall()
    for each in (shop, billing):
        assert connect(each).execute("SELECT version_num FROM alembic_version").fetchall() == [("b1b1b1b1b1b1",)]
        assert connect(each).execute("SELECT count(*) FROM pg_prepared_xacts").fetchone() == (0,)
    down = losing_rows(migsafe, folder, "downgrade b0b0b0b0b0b0 --round billing --yes --backup none")
    assert down.returncode == 0, down.stdout + down.stderr
    assert connect(shop).execute("SELECT version_num FROM alembic_version").fetchall() == [("b1b1b1b1b1b1",)]
    assert connect(billing).execute("SELECT version_num FROM alembic_version").fetchall() == [("b0b0b0b0b0b0",)]


def test_one_url_for_two_databases_is_refused(
    two_databases: tuple[Path, Database, Database], migsafe: Migsafe, connect: Connect
) -> None:
    folder, shop, _ = two_databases
    done = migsafe(folder, "upgrade", "head", "--yes", "--url", shop.url(None))
    assert done.returncode == 2
    assert "env.py migrates several databases (shop, billing)" in done.stderr
    assert connect().execute("SELECT to_regclass('alembic_version')").fetchone() == (None,)


def test_a_database_is_dumped_once_for_all_its_tenants(tenants: Tenants, migsafe: Migsafe, connect: Connect) -> None:
    folder = tenants("ape", "bee")
    assert migsafe(folder, "upgrade e0e0e0e0e0e0 --yes --backup none").returncode == 0
    connect().execute("INSERT INTO ape.orders (id) VALUES (1)")
    done = migsafe(folder, "upgrade head --yes --backup dump")
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = reports(folder)[-2:]
    assert first["backup"]["kind"] == "dump"
    assert second["backup"]["path"] == first["backup"]["path"]
    script = Path(second["undo"]["restore_sh"]).read_text()
    assert "ix_orders_total" in script or "bee" in script


def test_two_runners_at_once_take_their_turns(tenants: Tenants, connect: Connect) -> None:
    folder = tenants("ape", "bee", "cat")
    start = [
        sys.executable,
        "-c",
        "from migsafe.cli import main; main()",
        "upgrade",
        "head",
        "--yes",
        "--backup",
        "none",
    ]
    runners = [
        subprocess.Popen(start, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    said = [runner.communicate(timeout=120)[0].decode() for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], said
    assert versions(connect, "ape", "bee", "cat") == [HEAD] * 3
    assert [each["round"] for each in reports(folder)] == ["ape", "bee", "cat"]


def test_verify_last_asks_for_every_round_of_the_last_run(tenants: Tenants, migsafe: Migsafe, connect: Connect) -> None:
    folder = tenants("ape", "bee")
    assert migsafe(folder, "upgrade head --yes --backup none").returncode == 0
    good = migsafe(folder, "verify last")
    assert good.returncode == 0, good.stdout + good.stderr
    connect().execute("ALTER TABLE ape.orders DROP COLUMN total")
    bad = migsafe(folder, "verify last")
    assert bad.returncode == 5, bad.stdout + bad.stderr
    assert "ape.orders" in bad.stdout


def test_what_changes_nothing_speaks_of_all_rounds_or_of_one(
    tenants: Tenants, migsafe: Migsafe, connect: Connect
) -> None:
    folder = tenants("ape", "bee")
    assert migsafe(folder, "upgrade e1e1e1e1e1e1 --round ape --yes --backup none").returncode == 0
    every = migsafe(folder, "preview")
    assert "-- Rounds of env.py: ape" in every.stdout
    assert every.stdout.count("ADD COLUMN") == 1, every.stdout + every.stderr
    assert "ADD COLUMN" not in migsafe(folder, "preview --round ape").stdout
    linted = migsafe(folder, "lint")
    assert (linted.returncode, linted.stderr) == (0, "")
    checked = migsafe(folder, "preflight")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Nothing stands against it in ape and bee." in checked.stdout
    told = migsafe(folder, "status")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Round: ape" in told.stdout
    assert versions(connect, "ape", "bee") == ["e1e1e1e1e1e1", "-"]


def test_a_revision_that_looks_at_the_database_is_replayed_for_the_tenant_of_the_round(
    tenants: Tenants, connect: Connect, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tenants("ape", "bee")
    question = 'schema = op.get_bind().exec_driver_sql("SELECT current_schema()").scalar()'
    write_revision(folder, question + '\n    op.execute(f"ANALYZE {schema}.orders")')
    monkeypatch.chdir(folder)
    environment = open_environment()
    for reading in read_rounds(environment, "head"):
        assert reading.round is not None
        catalog = read_catalog(connect())
        one = msgspec.structs.replace(environment, only=reading.round)
        database = Database.from_parameters(reading.connection or {})
        last = preview(one, reading, catalog, database=database, scratch_url=postgres.url()).plan.steps[-1]
        assert (last.read, last.statements[-1].sql) == ("replayed", f"ANALYZE {reading.round.name}.orders")


def test_the_guard_in_env_py_guards_each_round(tenants: Tenants, alembic: Run, connect: Connect) -> None:
    folder = tenants("ape", "bee")
    env = folder / "migrations" / "env.py"
    text = env.read_text()
    env.write_text(
        text.replace("config = context.config\n", "config = context.config\nimport migsafe\nmigsafe.guard(context)\n")
    )
    done = alembic(folder, "upgrade head")
    assert done.returncode == 0, done.stderr
    assert versions(connect, "ape", "bee") == [HEAD] * 2
    found = [(each["plan"]["version_table"], each["outcome"]) for each in reports(folder)]
    assert found == [("ape.alembic_version", "done"), ("bee.alembic_version", "done")]
