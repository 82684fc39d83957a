"""The mark in the WAL just before a run, where a backup is relied upon that WAL can be replayed over."""

from pathlib import Path

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe, last_report
from fix_postgres import Connect
from migsafe import journal
from migsafe.postgres.connection import Database

REVISION = """from alembic import op
import sqlalchemy as sa

revision = "f00000000001"
down_revision = "c05b3e86d7f1"


def upgrade():
    op.add_column("customers", sa.Column("nickname", sa.Text()))


def downgrade():
    op.drop_column("customers", "nickname")
"""


def test_a_run_that_relies_on_another_backup_marks_the_wal(
    environment: Environment, database: Database, alembic: Run, migsafe: Migsafe, connect: Connect
) -> None:
    folder = environment("generic", database)
    assert alembic(folder, "upgrade head").returncode == 0
    (folder / "migrations" / "versions" / "f00000000001.py").write_text(REVISION)
    refused = migsafe(folder, "upgrade head --yes --backup evidence")
    assert (refused.returncode, "has no recent dump of this database" in " ".join(refused.stdout.split())) == (1, True)
    assert migsafe(folder, "backup").returncode == 0
    done = migsafe(folder, "upgrade head --yes --backup evidence")
    assert done.returncode == 0, done.stdout + done.stderr
    report = last_report(folder)
    (note,) = (each for each in report["notes"] if each.startswith("restore point before the run: migsafe_"))
    (entry,) = (
        each for each in journal.read(Path(report["directory"]) / "journal.jsonl") if each["event"] == "restore-point"
    )
    assert f"{entry['name']} at {entry['lsn']}" in note
    assert connect().execute("SELECT %s::pg_lsn < pg_current_wal_insert_lsn()", (entry["lsn"],)).fetchone() == (True,)
    assert entry["name"] in (Path(report["directory"]) / "report.md").read_text().replace("\\_", "_")
