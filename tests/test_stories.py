"""`migsafe upgrade head --yes` where `alembic upgrade head` stood: no env.py is edited in any of these."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe, last_report, losing_rows
from fix_postgres import Connect
from migsafe.postgres.connection import Database

pytestmark = pytest.mark.alembic_matrix

EVERYWHERE = (
    "generic",
    "async",
    "percent",
    "helpers",
    "autocommit",
    "external_transaction",
    "own_commit",
    "reads_rows",
    "kwargs",
    "offline_refused",
    "version_table_schema",
    "own_timeouts",
)


@pytest.mark.parametrize("story", EVERYWHERE)
def test_upgrade_goes_to_head_and_downgrade_back_to_base(
    story: str, environment: Environment, database: Database, migsafe: Migsafe
) -> None:
    folder = environment(story, database)
    up = migsafe(folder, "upgrade head --yes --backup none")
    assert up.returncode == 0, up.stdout + up.stderr
    assert last_report(folder)["outcome"] == "done"
    again = migsafe(folder, "upgrade head --yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "nothing to do" in again.stdout.lower()
    down = losing_rows(migsafe, folder, "downgrade base --yes --backup none")
    assert down.returncode == 0, down.stdout + down.stderr
    assert last_report(folder)["plan"]["target"] == []


def test_a_flask_migrate_project_is_upgraded_from_its_own_folder(
    environment: Environment, database: Database, migsafe: Migsafe
) -> None:
    folder = environment("flask", database)
    done = migsafe(folder, "upgrade head --yes --backup none")
    assert done.returncode == 0, done.stdout + done.stderr
    assert last_report(folder)["outcome"] == "done"


def test_a_config_built_in_code_is_upgraded_by_the_command_line_and_by_the_drop_in(
    environment: Environment, database: Database, migsafe: Migsafe, python: Run
) -> None:
    folder = environment("programmatic", database)
    first = migsafe(folder, "upgrade +1 --yes --backup none --config-from migrate:configure")
    assert first.returncode == 0, first.stdout + first.stderr
    program = (
        "import migsafe, migrate;"
        "report = migsafe.command.upgrade(migrate.configure(), 'head', backup='none');"
        "print(report.outcome)"
    )
    second = python(folder, "-c", program)
    assert second.returncode == 0, second.stderr
    assert second.stdout.strip() == "done"


def test_branches_go_to_all_heads(
    environment: Environment, database: Database, migsafe: Migsafe, connect: Connect
) -> None:
    folder = environment("branches", database)
    done = migsafe(folder, "upgrade heads --yes --backup none")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = connect().execute("SELECT count(*) FROM alembic_version").fetchone()
    assert rows is not None
    assert rows[0] == len(last_report(folder)["plan"]["target"])


def test_other_commands_are_alembics_own(
    environment: Environment, database: Database, migsafe: Migsafe, alembic: Run
) -> None:
    folder = environment("generic", database)
    for words in ("heads", "history -v", "current", "branches"):
        ours, theirs = migsafe(folder, words), alembic(folder, words)
        assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)


@pytest.mark.parametrize(
    ("story", "said"),
    [
        ("broken", "versions/"),
        ("missing_import", "versions/"),
        ("two_heads_error", "heads"),
    ],
)
def test_a_broken_history_is_one_clear_message(
    story: str, said: str, environment: Environment, database: Database, migsafe: Migsafe
) -> None:
    folder = environment(story, database)
    done = migsafe(folder, "upgrade head --yes")
    assert done.returncode == 2
    assert done.stderr.startswith("migsafe: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_no_password_is_printed_or_written(
    environment: Environment,
    database: Database,
    role: Callable[..., Database],
    migsafe: Migsafe,
    connect: Connect,
) -> None:
    owner = role("owner", asks_password=True).replace(host="127.0.0.1")
    connect().execute(f"GRANT ALL ON SCHEMA public TO {owner.parameters['user']}")
    folder = environment("generic", owner)
    secret = owner.parameters["password"]
    outputs = [migsafe(folder, words) for words in ("upgrade head --yes", "downgrade -1 --yes", "show last", "preview")]
    outputs.append(migsafe(folder, "upgrade head --yes", DATABASE_URL=owner.replace(password=secret + "x").url()))
    assert [done.returncode for done in outputs] == [0, 0, 0, 0, 2]
    for done in outputs:
        assert secret not in done.stdout + done.stderr
    written = [path for path in Path(folder / ".migsafe").rglob("*") if path.is_file()]
    assert len(written) > 10
    assert not [path for path in written if secret.encode() in path.read_bytes()]
