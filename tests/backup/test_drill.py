"""A drill restores a backup to a scratch database, holds it to what was recorded, and leaves only its record."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from fix_postgres import VERSION, Connect, Connection, Role
from fix_restore import OWNS_PUBLIC, run, scalar, sums
from migsafe.backup import back_up
from migsafe.backup.read import check
from migsafe.errors import RestoreRefused
from migsafe.going_back.restored import drill, may_create_databases
from migsafe.model.drill import FILE, Drill
from migsafe.postgres.connection import Database

SCRATCHES = "SELECT count(*) FROM pg_database WHERE datname LIKE 'migsafe_drill_%'"


@pytest.fixture
def saved(shop: Database, tmp_path: Path) -> Path:
    back_up(shop, tmp_path / "run", server_version=VERSION, heads=("r0",))
    return tmp_path / "run"


def _filed(saved: Path) -> Drill:
    return msgspec.json.decode((saved / "backup" / FILE).read_bytes(), type=Drill)


def test_a_drill_compares_everything_and_leaves_its_record_only(
    shop: Database, saved: Path, connect: Connect, postgres: Database
) -> None:
    done = drill(saved, server=shop, checksum=("users", "Sales dept.order lines"))
    assert done.equal, done.differences
    assert (done.tables, done.rows, done.checksums) == (4, 82, ("public.users", "Sales dept.order lines"))
    assert done.objects > 60
    assert done.database == shop.dbname
    assert done.not_compared == ()
    assert scalar(connect(), SCRATCHES) == 0
    assert _filed(saved) == done
    assert (saved / "backup" / FILE).stat().st_mode & 0o777 == 0o600
    # The record is no part of the backup, and no damage to it.
    assert check(saved / "backup") == ()
    assert drill(saved, server=shop).equal


def test_without_a_server_a_drill_takes_one_of_its_own(
    shop: Database, connect: Connect, role: Role, tmp_path: Path
) -> None:
    owner = role("owner").parameters["user"]
    run(connect(), (f'ALTER TABLE users OWNER TO "{owner}"', f'GRANT SELECT ON tickets TO "{owner}"'))
    back_up(shop, tmp_path, server_version=VERSION)
    done = drill(tmp_path, checksum=("*",))
    assert done.equal, done.differences
    # Its own server is of 18.
    assert done.not_compared == () or VERSION < 18
    assert len(done.checksums) == 4


def test_rows_that_the_dump_lost_are_found(saved: Path, shop: Database, tmp_path: Path) -> None:
    """What was recorded stands for the database as it was; here it is made to hold more than the dump."""
    about = saved / "backup" / "backup.json"
    about.write_text(re.sub(r'("public.users": )40\b', r"\g<1>41", about.read_text()))
    catalog = saved / "backup" / "catalog.copy"
    catalog.write_text(catalog.read_text() + "index\tpublic.lost\tCREATE INDEX lost ON public.users USING btree (id)\n")
    about.write_text(re.sub(r'("catalog.copy": )\d+', rf"\g<1>{catalog.stat().st_size}", about.read_text()))
    sums(saved / "backup", "backup.json", "catalog.copy")
    done = drill(saved, server=shop)
    assert done.differences == ("index public.lost is missing", "public.users has 40 rows, and the backup 41")
    assert not _filed(saved).equal


def test_a_restore_that_fails_is_on_record_with_its_error(database: Database, connect: Connect, tmp_path: Path) -> None:
    # Valid here only because nobody looked again: after the restore the row violates its CHECK.
    within = "CREATE OR REPLACE FUNCTION within(n int) RETURNS boolean LANGUAGE sql AS 'SELECT n < {}'"
    table = ("CREATE TABLE a (n int CHECK (public.within(n)))", "INSERT INTO a VALUES (5)")
    run(connect(), (within.format(9), *table, within.format(1)))
    back_up(database, tmp_path, server_version=VERSION)
    done = drill(tmp_path, server=database)
    assert not done.equal
    assert "pg_restore failed: " in done.differences[0]
    assert "a_n_check" in done.differences[0]
    assert _filed(tmp_path).differences == done.differences
    assert scalar(connect(), SCRATCHES) == 0


def test_a_damaged_backup_is_refused_and_has_no_drill(saved: Path, shop: Database) -> None:
    (saved / "backup" / "toc.dat").write_bytes((saved / "backup" / "toc.dat").read_bytes()[:-1])
    with pytest.raises(RestoreRefused, match=r"toc\.dat has [\d,]+ bytes instead of"):
        drill(saved, server=shop)
    assert not (saved / "backup" / FILE).exists()


def test_a_role_without_createdb_is_told_what_to_grant(saved: Path, role: Role, shop: Database) -> None:
    stranger = role("stranger")
    assert not may_create_databases(stranger)
    assert may_create_databases(shop)
    with pytest.raises(RestoreRefused, match="may not create the database") as refused:
        drill(saved, server=stranger)
    assert refused.value.remedy is not None
    assert refused.value.remedy.startswith(f"ALTER ROLE {stranger.parameters['user']} CREATEDB;")


def test_an_owner_with_createdb_is_enough_and_what_was_not_compared_is_said(
    database: Database, connect: Connect, role: Role, tmp_path: Path
) -> None:
    owner, other = role("owner", "CREATEDB"), role("other").parameters["user"]
    name = owner.parameters["user"]
    run(connect(), (f'GRANT CREATE ON SCHEMA public TO "{name}"', f'CREATE SCHEMA theirs AUTHORIZATION "{other}"'))
    run(connect(owner), ("CREATE TABLE a (id int)", "INSERT INTO a VALUES (1)"))
    back_up(database, tmp_path, server_version=VERSION)
    done = drill(tmp_path, server=owner)
    assert done.equal, done.differences
    strangers = ", ".join((other, *OWNS_PUBLIC))
    assert done.not_compared == (f"owners and grants: {strangers} cannot be given anything there",)
    run(connect(), ("DROP SCHEMA theirs", f'REVOKE CREATE ON SCHEMA public FROM "{name}"'))


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGKILL])
def test_a_drill_that_is_ended_leaves_no_database_for_long(
    shop: Database, saved: Path, connect: Connect, way: signal.Signals
) -> None:
    code = (
        "import sys; from pathlib import Path; from migsafe.going_back.restored import drill\n"
        "from migsafe.postgres.connection import Database\n"
        "def tell(text, part):\n"
        "    if text.startswith('restoring '): print(text, flush=True); sys.stdin.read()\n"
        "drill(Path(sys.argv[1]), server=Database.from_url(sys.argv[2]), jobs=1, on_progress=tell)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(saved), shop.url()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"restoring ")
        process.send_signal(way)
        assert process.wait(timeout=60) != 0
    connection = connect()
    if way is signal.SIGKILL:
        _until_nobody_is_in_it(connection)
        assert scalar(connection, SCRATCHES) == 1
        assert drill(saved, server=shop).equal
    assert scalar(connection, SCRATCHES) == 0


def _until_nobody_is_in_it(connection: Connection) -> None:
    deadline = time.monotonic() + 60
    while scalar(connection, "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'migsafe_drill_%'") != 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
