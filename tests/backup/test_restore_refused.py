"""restore.sh asks, refuses and explains; when it fails, the database stays as it is."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fix_postgres import Connect, Role
from fix_restore import DAMAGES, Migrated, Restore, damage, sums
from fix_way_back import dumped
from migsafe.backup.manifest import read_about
from migsafe.backup.restore import write_restore_script
from migsafe.errors import BackupFailed
from migsafe.model.plan import Plan
from migsafe.model.report import Backup
from migsafe.postgres.connection import Database


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("CREATE TABLE elses (id int REFERENCES users)", "constraint elses_id_fkey on table public.elses"),
        ("CREATE VIEW elses AS SELECT name FROM users", "view public.elses"),
        ("CREATE TABLE elses (id positive)", "column id of table public.elses"),
        ("CREATE FUNCTION elses() RETURNS users LANGUAGE sql AS 'SELECT * FROM users'", "function public.elses()"),
    ],
)
def test_what_would_take_somebody_elses_with_it_is_rolled_back_and_named(
    shop: Database, connect: Connect, migrated: Migrated, restore: Restore, statement: str, what: str
) -> None:
    migrated(("ALTER TABLE users ADD COLUMN extra int",))
    connect().execute(statement.encode())
    held = dumped(shop)
    done = restore("--yes")
    assert done.returncode == 3
    assert f"not in the backup, and would be lost: {what}" in done.stderr
    assert "is as it was" in done.stderr
    assert dumped(shop) == held


def test_a_table_renamed_behind_our_back_makes_no_half_restore(
    shop: Database, connect: Connect, migrated: Migrated, restore: Restore
) -> None:
    before = dumped(shop)
    migrated(())
    connect().execute("ALTER TABLE users RENAME TO people")
    held = dumped(shop)
    done = restore("--yes")
    assert done.returncode == 3
    assert "--drop-new" in done.stderr
    assert dumped(shop) == held
    assert restore("--yes", "--drop-new").returncode == 0
    assert dumped(shop) == before


def test_who_does_not_own_the_tables_is_refused_before_anything_happens(
    shop: Database, role: Role, migrated: Migrated, restore: Restore
) -> None:
    migrated(("CREATE TABLE audit (id int)",))
    held = dumped(shop)
    done = restore("--yes", to=role("stranger"))
    assert done.returncode == 1
    assert "this role does not own what has to be replaced" in done.stderr
    assert "  table public.users\n" in done.stderr
    assert dumped(shop) == held


def test_it_asks_and_takes_only_the_name_for_a_yes(shop: Database, migrated: Migrated, restore: Restore) -> None:
    before = dumped(shop)
    migrated()
    held = dumped(shop)
    for done in (restore(answer="yes\n"), restore(answer="\n"), restore()):
        assert done.returncode == 1
        assert "nothing was changed" in done.stderr
        assert dumped(shop) == held
    assert restore(answer=f"{shop.dbname}\n").returncode == 0
    assert dumped(shop) == before


def test_a_damaged_backup_is_refused_first(
    shop: Database, migrated: Migrated, restore: Restore, tmp_path: Path
) -> None:
    migrated()
    held = dumped(shop)
    for how in DAMAGES:
        whole = shutil.copytree(tmp_path / "backup", tmp_path / "whole")
        name = damage(tmp_path / "backup", how)
        done = restore("--yes")
        assert done.returncode == 1, how
        assert name in done.stderr
        assert "othing was changed" in done.stderr
        shutil.rmtree(tmp_path / "backup")
        whole.rename(tmp_path / "backup")
    assert dumped(shop) == held


def test_a_dump_of_another_database_or_cluster_is_refused_and_named(
    shop: Database, create_database: Callable[[], Database], migrated: Migrated, restore: Restore, tmp_path: Path
) -> None:
    migrated(())
    held, script = dumped(shop), tmp_path / "restore.sh"
    text, real = script.read_text(), read_about(tmp_path / "backup").system_identifier
    script.write_text(text.replace(f"database={shop.dbname}", "database=billing"))
    done = restore("--yes", "--to", shop.dbname)
    assert done.returncode == 1
    assert f"the dump is of the database {shop.dbname}, and backup.json is about billing" in done.stderr
    script.write_text(text.replace(f"identifier={real}", "identifier=7000000000000000001"))
    done = restore("--yes")
    assert done.returncode == 1
    assert f"this is cluster {real}, and the backup is of cluster 7000000000000000001; nothing" in done.stderr
    assert dumped(shop) == held
    assert restore("--yes", "--other-cluster").returncode == 0


def test_objects_that_are_not_as_recorded_are_listed(
    shop: Database, migrated: Migrated, restore: Restore, tmp_path: Path, new_name: str
) -> None:
    migrated(())
    catalog = tmp_path / "backup" / "catalog.copy"
    text = catalog.read_text().replace("\tenum {good,bad}", "\tenum {good,bad,ugly}")
    catalog.write_text(text.replace("\t2; text; not null\n", "\t2; text\n") + "index\tpublic.lost\tCREATE …\n")
    sums(tmp_path / "backup", "catalog.copy")
    listed = (
        "  column public.users.name is 2; text; not null and was 2; text\n",
        "  index public.lost is missing\n",
        "  type public.mood is enum {good,bad} and was enum {good,bad,ugly}\n",
        "restored and counted, but 3 objects differ from the backup (above)",
    )
    for arguments in ((), ("--new-database", new_name)):
        done = restore("--yes", *arguments)
        assert done.returncode == 5, done.stderr
        assert all(line in done.stderr for line in listed)


def test_rows_that_are_not_those_of_the_backup_are_never_committed(
    shop: Database, migrated: Migrated, restore: Restore, tmp_path: Path
) -> None:
    migrated()
    held = dumped(shop)
    script = tmp_path / "restore.sh"
    script.write_text(script.read_text().replace("('public', 'users', 40)", "('public', 'users', 41)"))
    done = restore("--yes")
    assert done.returncode == 3
    assert "public.users has 40 rows instead of 41" in done.stderr
    assert dumped(shop) == held


def test_a_pg_restore_that_stops_half_way_commits_nothing(
    shop: Database, migrated: Migrated, restore: Restore, tmp_path: Path
) -> None:
    migrated()
    held = dumped(shop)
    programs = tmp_path / "programs"
    programs.mkdir()
    where = next(
        line.split("=")[1].strip("'")
        for line in (tmp_path / "restore.sh").read_text().splitlines()
        if line.startswith("known_programs=")
    )
    (programs / "psql").symlink_to(f"{where}/psql")
    # Cut inside the rows of a table, where a naive pipe would commit what it got.
    wrapper = f'#!/bin/sh\ncase $* in *--file*) exec {where}/pg_restore "$@" | sed "/^COPY public.users/q" ;; esac\n'
    (programs / "pg_restore").write_text(wrapper + f'exec {where}/pg_restore "$@"\n')
    (programs / "pg_restore").chmod(0o755)
    done = restore("--yes", MIGSAFE_PG_BIN=str(programs))
    assert done.returncode == 3
    assert "is as it was" in done.stderr
    assert dumped(shop) == held


def test_a_wrong_database_is_refused_unless_it_is_named(
    shop: Database, create_database: Callable[[], Database], migrated: Migrated, restore: Restore
) -> None:
    before = dumped(shop)
    migrated()
    other = create_database()
    done = restore("--yes", to=other)
    assert done.returncode == 1
    assert f"this is the database {other.dbname}, and the backup is of {shop.dbname}" in done.stderr
    assert restore("--yes", "--to", "another", to=other).returncode == 1
    assert restore("--yes", "--to", other.dbname, to=other).returncode == 0
    assert dumped(other) == before


def test_a_lock_of_the_application_ends_the_wait_with_nothing_changed(
    shop: Database, connect: Connect, migrated: Migrated, restore: Restore
) -> None:
    migrated()
    holder = connect(autocommit=False)
    holder.execute("SELECT FROM users")
    done = restore("--yes", "--lock-timeout", "1")
    assert done.returncode == 3
    assert "canceling statement due to lock timeout" in done.stderr
    assert "stop the application" in done.stderr


def test_there_is_no_script_without_a_dump(tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="there is no dump"):
        write_restore_script(tmp_path, Backup(kind="none"), Plan((), ()))
    with pytest.raises(BackupFailed, match="cannot be read"):
        write_restore_script(tmp_path, Backup(kind="dump", path=str(tmp_path / "gone")), Plan((), ()))
