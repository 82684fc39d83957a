"""The upgrade is in, and its verification does not come to its end: exit code 5, and what to type."""

from example_reports import DONE, made
from fix_migsafe import Migsafe, last_report
from fix_postgres import Connect, Role
from fix_stories import EnterStory, write_chain
from migsafe.errors import UsageError
from migsafe.stopped import broken_off

LOCKS_US_OUT = """op.execute("CREATE TABLE made (id integer)")
op.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 0', current_database()); END $$")"""


def test_a_server_that_lets_nobody_in_to_verify_ends_with_5_and_the_upgrade_is_in(
    enter_story: EnterStory, migsafe: Migsafe, connect: Connect, role: Role
) -> None:
    folder = enter_story("generic")
    write_chain(folder, LOCKS_US_OUT)
    owner = role("owner")
    # A superuser is let in whatever the limit is.
    watch, name = connect(), owner.parameters["user"]
    watch.execute(f"ALTER DATABASE {owner.dbname} OWNER TO {name}; ALTER SCHEMA public OWNER TO {name}".encode())
    done = migsafe(folder, "upgrade", "head", "--yes", "--backup", "none", "--url", owner.url())
    watch.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER".encode())
    assert done.returncode == 5, done.stdout + done.stderr
    assert "the server has no free connection" in done.stdout
    assert "migsafe verify last" in done.stdout
    report = last_report(folder)
    assert (report["outcome"], [each["outcome"] for each in report["steps"]]) == ("unverified", ["done"])
    assert watch.execute("SELECT version_num FROM alembic_version").fetchone() == ("f00",)


def test_an_error_of_ours_inside_the_verification_ends_with_5_and_one_before_it_does_not() -> None:
    arrived = broken_off(made(steps=DONE), ZeroDivisionError("by chance"))
    assert (arrived.outcome, arrived.exit_code, arrived.failure) == ("unverified", 5, None)
    (check,) = arrived.after
    assert check.message == "the upgrade is in, and its verification broke off: ZeroDivisionError: by chance"
    assert (check.remedy or "").startswith("This is a bug in migsafe")
    assert (check.remedy or "").endswith("Then: migsafe verify last")
    told = broken_off(made(steps=DONE), UsageError("verify() of f00 cannot be read", "Mend it."))
    assert (told.exit_code, told.after[-1].remedy) == (5, "Mend it. Then: migsafe verify last")
    before = broken_off(made(), UsageError("no pg_dump", "Install it."))
    assert (before.failure, before.remedy, before.after, before.exit_code) == ("no pg_dump", "Install it.", (), 3)
