"""A backup comes back whole, into an empty database or over the very one, or nothing is changed and it is said why."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from fix_postgres import VERSION, Connect, Role
from fix_restore import DAMAGES, OWNS_PUBLIC, Migrated, damage, run, scalar, sums
from fix_way_back import dumped
from migsafe.backup import back_up
from migsafe.backup.compare import compare
from migsafe.backup.manifest import ABOUT, read_about
from migsafe.backup.target import look, opened, possible
from migsafe.errors import RestoreFailed, RestoreRefused, UsageError
from migsafe.going_back.restored import Intended, restore_full
from migsafe.postgres.connection import Database

Create = Callable[[], Database]


@pytest.fixture
def saved(shop: Database, tmp_path: Path) -> Path:
    back_up(shop, tmp_path / "run", server_version=VERSION, heads=("r0",))
    return tmp_path / "run"


@pytest.fixture
def empty(create_database: Create) -> Database:
    return create_database()


def test_an_empty_database_gets_everything_and_all_of_it_is_compared(
    shop: Database, saved: Path, empty: Database
) -> None:
    told: list[tuple[str, float | None]] = []
    seen: list[Intended] = []

    def agree(intended: Intended) -> bool:
        seen.append(intended)
        return True

    done = restore_full(
        saved, empty, checksum=("*",), jobs=2, agree=agree, on_progress=lambda text, part: told.append((text, part))
    )
    assert dumped(empty) == dumped(shop)
    assert done.comparison is not None
    assert done.comparison.differences == ()
    assert (done.comparison.tables, done.comparison.rows, len(done.comparison.checksums)) == (4, 82, 4)
    assert done.comparison.objects > 60
    assert any(text.startswith("restoring public.users (table ") for text, _ in told)
    text = "\n".join(seen[0].lines)
    assert seen[0].name == empty.dbname
    assert f"of {shop.dbname}, PostgreSQL " in text
    assert "4 tables, 82 rows" in text
    assert "Alembic was at r0 then" in text


def test_a_database_that_is_not_there_is_made_with_the_same_encoding(
    shop: Database, connect: Connect, saved: Path, new_name: str
) -> None:
    done = restore_full(saved, shop.replace(dbname=new_name))
    assert done.comparison is not None
    assert done.comparison.differences == ()
    names = f"('{shop.dbname}', '{new_name}')"
    both = f"SELECT count(DISTINCT (encoding, datcollate)) FROM pg_database WHERE datname IN {names}"
    assert scalar(connect(), both) == 1
    comment = f"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{new_name}'"
    assert scalar(connect(), comment) is None


def test_nothing_happens_before_it_is_agreed_to(saved: Path, empty: Database) -> None:
    before = dumped(empty)
    assert restore_full(saved, empty, agree=lambda _: False).comparison is None
    assert dumped(empty) == before


def test_over_the_very_database_only_by_name_and_the_rest_stays(
    shop: Database, connect: Connect, migrated: Migrated, tmp_path: Path
) -> None:
    before = dumped(shop)
    migrated()
    (tmp_path / "restore.sh").write_text("exit 1 # somebody changed it\n")
    held = dumped(shop)
    for named in (None, "another"):
        with pytest.raises(RestoreRefused, match="is not empty") as refused:
            restore_full(tmp_path, shop, overwrite=named)
        assert refused.value.remedy is not None
        assert f"--overwrite {shop.dbname}" in refused.value.remedy
    assert dumped(shop) == held
    # Without a report nobody knows what the migration made: what hangs on the tables that are replaced is named.
    with pytest.raises(RestoreFailed, match="would be lost: "):
        restore_full(tmp_path, shop, overwrite=shop.dbname)
    assert dumped(shop) == held
    connect().execute("DROP TABLE audit, reporting.daily, good_users CASCADE")
    connect().execute("DROP TABLE events_old; DROP TYPE colour CASCADE; DROP SCHEMA reporting; DROP EXTENSION citext")
    connect().execute("DROP FUNCTION whisper")
    done = restore_full(tmp_path, shop, overwrite=shop.dbname)
    assert done.comparison is not None
    assert done.comparison.differences == ()
    assert dumped(shop) == before


def test_a_database_that_is_not_empty_or_of_another_name_is_left_alone(
    shop: Database, connect: Connect, saved: Path, empty: Database
) -> None:
    connect(empty).execute("CREATE TYPE colour AS ENUM ('red')")
    with pytest.raises(RestoreRefused) as refused:
        restore_full(saved, empty, overwrite=empty.dbname)
    assert f"{empty.dbname} is not empty (public.colour); nothing was changed" in refused.value.message
    assert f"and the backup is of {shop.dbname}" in refused.value.message


def _about(path: Path, old: str, new: str) -> None:
    """Change backup.json, and the manifest with it, as somebody would who wants to deceive."""
    file = path / ABOUT
    text = file.read_text()
    assert re.search(old, text)
    file.write_text(re.sub(old, new, text, count=1))
    sums(path, ABOUT)


def test_another_cluster_is_refused_and_both_are_named(saved: Path, shop: Database, empty: Database) -> None:
    real = read_about(saved / "backup").system_identifier
    _about(saved / "backup", r'"system_identifier": "\d+"', '"system_identifier": "7000000000000000001"')
    expected = f"this is cluster {real}, and the backup is of cluster 7000000000000000001; nothing was changed"
    for place, overwrite in ((empty, None), (shop, shop.dbname)):
        with pytest.raises(RestoreRefused) as refused:
            restore_full(saved, place, overwrite=overwrite)
        assert refused.value.message == expected
    done = restore_full(saved, empty, another_cluster=True)
    assert done.comparison is not None
    assert done.comparison.differences == ()


def test_an_older_server_and_one_without_an_extension_are_refused(
    saved: Path, empty: Database, connect: Connect, tmp_path: Path
) -> None:
    newer = shutil.copytree(saved, tmp_path / "newer")
    _about(newer / "backup", rf'"server_version": {VERSION}', '"server_version": 99')
    with pytest.raises(RestoreRefused, match=r"the server is PostgreSQL .*, and the backup is of"):
        restore_full(newer, empty)
    with connect(empty) as connection:
        place, archive = look(connection), opened(saved / "backup")
    assert archive.extensions == ("cube",)
    with pytest.raises(RestoreRefused, match="does not have what the backup needs: extension cube"):
        possible(archive, msgspec.structs.replace(place, available=frozenset()))
    with pytest.raises(RestoreRefused, match="this server is a standby"):
        possible(archive, msgspec.structs.replace(place, standby=True))


def test_a_backup_without_a_record_of_its_objects_is_refused(saved: Path, empty: Database) -> None:
    (saved / "backup" / "catalog.copy").unlink()
    manifest = saved / "backup" / "MANIFEST.sha256"
    manifest.write_text("".join(each for each in manifest.read_text().splitlines(True) if "catalog.copy" not in each))
    with pytest.raises(RestoreRefused, match=r"catalog\.copy cannot be read .*nothing tells what has to come back"):
        restore_full(saved, empty)


def test_roles_that_are_missing_are_named_before_anything_happens(
    database: Database, connect: Connect, role: Role, create_database: Create, tmp_path: Path
) -> None:
    owner = role("owner").parameters["user"]
    run(connect(), ("CREATE TABLE a (id int)", f'ALTER TABLE a OWNER TO "{owner}"', f'GRANT SELECT ON a TO "{owner}"'))
    back_up(database, tmp_path, server_version=VERSION)
    assert read_about(tmp_path / "backup").roles == (owner, *OWNS_PUBLIC)
    connect().execute(f'ALTER ROLE "{owner}" RENAME TO "{owner}_gone"')
    try:
        with pytest.raises(RestoreRefused, match="roles that the backup needs are not on this server") as refused:
            restore_full(tmp_path, create_database())
        assert refused.value.remedy is not None
        assert refused.value.remedy.startswith(f'CREATE ROLE "{owner}";')
        done = restore_full(tmp_path, create_database(), owners=False)
        assert done.comparison is not None
        assert done.comparison.differences == ()
    finally:
        connect().execute(f'ALTER ROLE "{owner}_gone" RENAME TO "{owner}"')


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_backup_is_refused_with_the_name_of_the_file(saved: Path, empty: Database, how: str) -> None:
    before = dumped(empty)
    name = damage(saved / "backup", how)
    said = {"cut": " bytes instead of ", "changed": " is not what was written", "missing": " is missing"}
    with pytest.raises(RestoreRefused) as refused:
        restore_full(saved, empty)
    assert f"{name}{said.get(how, ' is not in MANIFEST')}".split(" bytes")[0] in refused.value.message
    assert said.get(how, "is not in MANIFEST.sha256") in refused.value.message
    assert dumped(empty) == before


def test_a_dump_of_another_database_is_no_backup_of_this_one(saved: Path, shop: Database, empty: Database) -> None:
    _about(saved / "backup", f'"database": "{shop.dbname}"', '"database": "billing"')
    with pytest.raises(RestoreRefused, match=f"a dump of the database {shop.dbname}, and backup.json is about billing"):
        restore_full(saved, empty)


def test_a_folder_without_a_backup_is_refused_and_an_unknown_table_is_wrong_usage(
    saved: Path, empty: Database, tmp_path: Path
) -> None:
    with pytest.raises(RestoreRefused, match="is not a directory"):
        restore_full(tmp_path / "nowhere", empty)
    with pytest.raises(UsageError, match=r"public\.user is no table of this backup") as wrong:
        restore_full(saved, empty, checksum=("user",))
    assert wrong.value.remedy == "Did you mean public.users?"


@pytest.fixture
def killed(saved: Path, empty: Database, connect: Connect) -> Database:
    """A database in which a restore was killed with -9 after its first tables."""
    code = (
        "import os, sys; from pathlib import Path; from migsafe.going_back.restored import restore_full\n"
        "from migsafe.postgres.connection import Database\n"
        "def tell(text, part):\n"
        "    if text.startswith('restoring '): print(text, flush=True); sys.stdin.read()\n"
        "restore_full(Path(sys.argv[1]), Database.from_url(sys.argv[2]), jobs=1, on_progress=tell)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(saved), empty.url()], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"restoring ")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    # pg_restore ends by itself: nobody reads what it says.
    sessions = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{empty.dbname}'"
    other = connect()
    _until(lambda: scalar(other, sessions) == 0)
    return empty


def test_a_restore_that_was_killed_is_finished_by_the_same_command(
    shop: Database, saved: Path, killed: Database, connect: Connect
) -> None:
    assert scalar(connect(killed), "SELECT to_regclass('users') IS NOT NULL") is True
    done = restore_full(saved, killed)
    assert done.comparison is not None
    assert done.comparison.differences == ()
    assert dumped(killed) == dumped(shop)
    with pytest.raises(RestoreRefused, match="is not empty"):
        restore_full(saved, killed)


def test_ctrl_c_over_the_very_database_ends_psql_and_changes_nothing(
    shop: Database, saved: Path, connect: Connect
) -> None:
    held = dumped(shop)
    holder = connect(autocommit=False)
    holder.execute("SELECT FROM users")
    code = (
        "import sys; from pathlib import Path; from migsafe.going_back.restored import restore_full\n"
        "from migsafe.postgres.connection import Database\n"
        "to = Database.from_url(sys.argv[2])\n"
        "restore_full(Path(sys.argv[1]), to, overwrite=to.dbname, lock_timeout=600)"
    )
    command = [sys.executable, "-c", code, str(saved), shop.url()]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass"
    other = connect()
    _until(lambda: scalar(other, waiting) == 1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'migsafe restore'"
    _until(lambda: scalar(other, sessions) == 0)
    holder.rollback()
    assert dumped(shop) == held


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_queries_printed_by_another_major_version_are_said_not_to_be_compared(
    shop: Database, saved: Path, connect: Connect
) -> None:
    connect().execute("CREATE OR REPLACE VIEW good_users AS SELECT id, name FROM users WHERE mood = 'bad'")
    about = msgspec.structs.replace(read_about(saved / "backup"), server_version=VERSION - 1)
    found = compare(connect(), saved / "backup", about, on_progress=lambda text, part: None)
    assert found.differences == ()
    said = f"the queries of 2 views, rules and functions: {VERSION - 1} and {VERSION} print them differently"
    assert found.not_compared == (said,)


def test_what_differs_afterwards_is_named(saved: Path, empty: Database, connect: Connect) -> None:
    restore_full(saved, empty)
    connection = connect(empty)
    run(
        connection,
        (
            "DELETE FROM events",
            "UPDATE users SET name = 'x' WHERE id = 1",
            "DROP INDEX ix_name",
            "ALTER TABLE events ADD COLUMN more int",
            "ALTER TYPE mood ADD VALUE 'so-so'",
            "SELECT nextval('tickets')",
            "COMMENT ON TABLE users IS 'other'",
        ),
    )
    about = read_about(saved / "backup")
    found = compare(
        connect(empty), saved / "backup", about, checksum=("public.users",), on_progress=lambda text, part: None
    )
    assert found.differences == (
        "index public.ix_name is missing",
        "column public.events.more is not in the backup",
        "column public.events_2024.more is not in the backup",
        "comment table public.users is other, and was who's who",
        "type public.mood is enum {good,bad,so-so}, and was enum {good,bad}",
        "public.events_2024 has 0 rows, and the backup 1",
        "sequence public.tickets stands at 778, and in the backup at 777",
        "the content of public.users is not that of the backup: its checksum differs",
    )
