"""`migsafe upgrade`, `migsafe restore` and `migsafe gc`, as an operator types them."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

from fix_migsafe import Migsafe, last_report
from fix_postgres import Connect, Role
from fix_stories import EnterStory, write_chain

FIRST = """op.execute("CREATE TABLE t (id int PRIMARY KEY, a text, b text)")
op.execute("INSERT INTO t SELECT n, 'a', 'b' || n FROM generate_series(1, 500) n")"""
DROP = 'op.drop_column("t", "b")'
ALLOWED = ("--yes", "--backup", "none", "--allow", "drop-column", "--because", "nobody reads it")
B = "SELECT count(b) FROM t"


def test_what_an_upgrade_dropped_is_put_back_by_restore_alone(
    enter_story: EnterStory, migsafe: Migsafe, connect: Connect
) -> None:
    folder = enter_story("generic")
    write_chain(folder, FIRST, DROP)
    assert migsafe(folder, "upgrade f00 --yes --backup none").returncode == 0
    done = migsafe(folder, "upgrade", "head", *ALLOWED)
    assert done.returncode == 0, done.stdout + done.stderr
    saved = last_report(folder)["undo"]["saved"]
    assert [(each["revision"], each["what"], each["rows"]) for each in saved["parts"]] == [
        ("f01", "column public.t.b", 500)
    ]
    run = sorted((folder / ".migsafe" / "runs").iterdir())[-1]
    assert f"migsafe restore {run.name}" in done.stdout
    assert "column public.t.b: 500 rows" in done.stdout
    assert "column public.t.b: 500 rows" in (run / "report.md").read_text()
    planned = migsafe(folder, "restore --dry-run")
    assert "runs: ALTER TABLE public.t ADD COLUMN b text" in planned.stdout
    assert "restores: 500 rows of column public.t.b" in planned.stdout
    connect().execute("INSERT INTO t VALUES (900, 'new')")
    restored = migsafe(folder, "restore last --yes --format json")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    found = json.loads(restored.stdout)
    assert found["parts"][0]["counts"]["restored"] == 500
    assert found["said"] == ["the schema is as before the run, and so public.alembic_version says f00 again"]
    assert connect().execute(B).fetchone() == (500,)
    assert connect().execute("SELECT version_num FROM alembic_version").fetchone() == ("f00",)
    assert migsafe(folder, "gc").stdout == "Nothing has expired.\n"


def test_conflicts_end_with_5_and_are_shown(enter_story: EnterStory, migsafe: Migsafe, connect: Connect) -> None:
    folder = enter_story("generic")
    write_chain(folder, FIRST, "op.execute(\"UPDATE t SET b = 'x' WHERE id < 10\")")
    assert migsafe(folder, "upgrade f00 --yes --backup none").returncode == 0
    assert migsafe(folder, "upgrade head --yes --backup none").returncode == 0
    connect().execute("UPDATE t SET b = 'newer' WHERE id = 3")
    done = migsafe(folder, "restore --yes")
    assert done.returncode == 5
    assert (
        "conflict: values of public.t.b, id = 3: the application wrote a newer value (b was b3, is newer)"
        in done.stdout
    )
    assert "conflicts.jsonl" in done.stdout
    assert "Done, but not everything is as before." in done.stdout


def on_a_terminal(command: list[str], folder: Path, answer: str) -> tuple[int, str]:
    """A command that asks its user: its exit code, and what it showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as asking:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        shown, _ = asking.communicate(timeout=60)
    os.close(ours)
    return asking.returncode, shown


def test_a_restore_shows_what_it_will_do_and_asks_first(
    enter_story: EnterStory, migsafe: Migsafe, connect: Connect
) -> None:
    folder = enter_story("generic")
    write_chain(folder, FIRST, "op.execute(\"UPDATE t SET b = 'x' WHERE id < 10\")")
    assert migsafe(folder, "upgrade f00 --yes --backup none").returncode == 0
    assert migsafe(folder, "upgrade head --yes --backup none").returncode == 0
    connect().execute("UPDATE t SET b = 'newer' WHERE id = 3; UPDATE t SET b = 'b4' WHERE id = 4")
    connect().execute("DELETE FROM t WHERE id = 5")
    asked = migsafe(folder, "restore")
    assert asked.returncode == 2
    assert asked.stderr == "migsafe: there is no terminal to ask on\nPass --yes to go on without being asked.\n"
    said = " ".join(asked.stdout.split())
    assert "restores: 9 values of public.t.b (migrations/versions/f01_written.py:11): " in said
    assert "6 to restore, 1 kept as they are, 1 conflicting, 1 deleted since" in said
    assert connect().execute("SELECT count(*) FROM t WHERE b = 'x'").fetchone() == (6,)
    command = [sys.executable, "-c", "from migsafe.cli import main; main(['restore'])"]
    code, shown = on_a_terminal(command, folder, "n")
    assert (code, "Restore this into" in shown, "Declined: nothing was changed." in shown) == (1, True, True)
    code, shown = on_a_terminal(command, folder, "y")
    assert (code, "Restore: 6 restored, 1 kept, 1 conflicting, 1 deleted since" in shown) == (5, True)


def test_more_than_the_cap_is_refused_before_anything_is_done(enter_story: EnterStory, migsafe: Migsafe) -> None:
    folder = enter_story("generic")
    write_chain(folder, FIRST, DROP)
    (folder / "migsafe.toml").write_text('undo_up_to = "1kB"\n')
    assert migsafe(folder, "upgrade f00 --yes --backup none").returncode == 0
    done = migsafe(folder, "upgrade", "head", *ALLOWED)
    assert done.returncode == 1
    assert "saving what the run destroys takes about" in done.stdout
    assert "Raise undo_up_to" in done.stdout
    (folder / "migsafe.toml").write_text('undo = "off"\n')
    assert migsafe(folder, "upgrade", "head", *ALLOWED).returncode == 0
    assert not (last_report(folder)["undo"] or {}).get("saved")
    none = migsafe(folder, "restore last")
    assert (none.returncode, "no run has saved anything yet" in none.stderr) == (2, True)


def test_a_run_that_failed_keeps_nothing(enter_story: EnterStory, migsafe: Migsafe) -> None:
    folder = enter_story("generic")
    write_chain(folder, FIRST, f'{DROP}\nop.execute("SELECT 1 / 0")')
    assert migsafe(folder, "upgrade f00 --yes --backup none").returncode == 0
    assert migsafe(folder, "upgrade", "head", *ALLOWED).returncode == 3
    run = sorted((folder / ".migsafe" / "runs").iterdir())[-1]
    assert (run / "report.json").exists()
    assert not (run / "saved").exists()


IN_BETWEEN = """with op.get_context().autocommit_block():
    op.execute("INSERT INTO t VALUES (900, 'a', 'written in between')")
op.drop_column("t", "b")"""


def test_what_is_written_before_the_transaction_that_destroys_is_caught_up_in_it(
    enter_story: EnterStory, migsafe: Migsafe, connect: Connect
) -> None:
    folder = enter_story("generic")
    write_chain(folder, FIRST, IN_BETWEEN)
    assert migsafe(folder, "upgrade f00 --yes --backup none").returncode == 0
    done = migsafe(folder, "upgrade", "head", *ALLOWED, "--max-wait", "20s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "column public.t.b: 501 rows" in done.stdout
    restored = migsafe(folder, "restore --yes")
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert connect().execute("SELECT b FROM t WHERE id = 900").fetchone() == ("written in between",)
    assert "says f01 still: rows that the run inserted or changed otherwise stay" in restored.stdout


def test_a_table_that_is_back_already_is_not_made_again(
    enter_story: EnterStory, migsafe: Migsafe, connect: Connect
) -> None:
    folder = enter_story("generic")
    first = """op.execute("CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)")
op.execute("CREATE TABLE p_25 PARTITION OF p FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')")
op.execute("INSERT INTO p SELECT n, '2025-06-01' FROM generate_series(1, 20) n")"""
    write_chain(folder, first, 'op.execute("DROP TABLE p_25")')
    assert migsafe(folder, "upgrade f00 --yes --backup none").returncode == 0
    allowed = ("--yes", "--backup", "none", "--allow", "drop-table", "--because", "old")
    assert migsafe(folder, "upgrade", "head", *allowed).returncode == 0
    assert "made again: TABLE ATTACH public p_25" in migsafe(folder, "restore --yes").stdout
    again = migsafe(folder, "restore --yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "made again" not in again.stdout
    assert "already a partition" not in again.stdout


def test_a_role_that_may_not_restore_is_told_so(
    enter_story: EnterStory, migsafe: Migsafe, connect: Connect, role: Role
) -> None:
    folder = enter_story("generic")
    write_chain(folder, FIRST, DROP)
    assert migsafe(folder, "upgrade f00 --yes --backup none").returncode == 0
    assert migsafe(folder, "upgrade", "head", *ALLOWED).returncode == 0
    other = role()
    unread = migsafe(folder, "status", "--url", other.url())
    assert unread.returncode == 2
    assert "GRANT SELECT ON alembic_version" in unread.stderr
    connect().execute(f"GRANT SELECT ON alembic_version TO {other.parameters['user']}".encode())
    stopped = migsafe(folder, "restore", "last", "--yes", "--url", other.url())
    assert stopped.returncode == 3, stopped.stdout + stopped.stderr
    assert "the restore stopped: " in stopped.stderr
    assert "Restore as the owner of what was destroyed" in stopped.stderr
