"""Each revision goes up, down and up again, and the verdict on its downgrade() is what happened."""

import json
from pathlib import Path

import pytest

from fix_alembic import Environment
from fix_migsafe import Migsafe
from fix_stories import write_revision
from migsafe.postgres.connection import Database

# Revision, upgrade(), downgrade(), the verdict, and a word of why.
CHAIN = (
    ("r01", 'op.create_table("t", sa.Column("id", sa.Integer, primary_key=True), sa.Column("a", sa.Text()))',
     'op.drop_table("t")', "exact", ""),
    ("r02", 'op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")\nop.add_column("t", sa.Column("b", sa.Integer()))',
     'op.drop_column("t", "b")', "exact", "extension pg_trgm is left over, as it may be"),
    ("r03", 'op.drop_column("t", "a")', 'op.add_column("t", sa.Column("a", sa.Text()))', "lossy",
     "values of public.t.a"),
    ("r04", 'op.create_index("ix_b", "t", ["b"])', "pass", "empty", "index public.ix_b is left over"),
    ("r05", 'op.create_index("ix_a", "t", ["id"])', 'op.drop_index("ix_b")', "wrong", "index public.ix_a is left over"),
    ("r06", 'op.execute("CREATE VIEW v AS SELECT 1 AS one")', "raise NotImplementedError", "none", ""),
    ("r07", 'op.execute("SELECT 1")', "pass", "nothing", ""),
    ("r08", 'op.add_column("t", sa.Column("c", sa.Integer(), nullable=False))', 'op.drop_column("t", "c")', "exact",
     "upgrade() does not run on tables with rows"),
    ("r09", 'op.execute("UPDATE t SET b = 0 WHERE b IS NULL")', 'op.execute("SELECT 1")', "lossy", "public.t.b"),
    ("r10", 'op.drop_column("t", "b")', 'op.drop_column("t", "nothing")', "wrong",
     "it fails: line 15: UndefinedColumn"),
    ("r11", 'op.add_column("t", sa.Column("b", sa.Integer()))\n'
     'op.execute("INSERT INTO t (id, c) VALUES (5001, 1)")',
     'op.drop_column("t", "b")', "wrong", "upgrade() fails after it: line 12: UniqueViolation"),
    ("r12", 'op.create_table("u", sa.Column("a", sa.Text()))\n'
     'op.create_table("w", sa.Column("a", sa.Text()), sa.CheckConstraint("false", name="never"))',
     'op.drop_table("u")\nop.drop_table("w")', "exact", ""),
    ("r13", 'op.alter_column("u", "a", nullable=False)', 'op.alter_column("u", "a", nullable=True)', "exact",
     "upgrade() does not run on NULLs, and was tried without: line 11: NotNullViolation"),
    ("r14", 'op.drop_constraint("never", "w")', 'op.create_check_constraint("never", "w", "false")', "lossy",
     "downgrade() does not run once there are rows of the new shape: line 15: CheckViolation"),
    ("r15", 'op.add_column("u", sa.Column("b", sa.Integer()))', 'op.drop_constraint(None, "u", type_="unique")',
     "wrong", "it fails: line 15: drops a constraint without naming it"),
    ("r16", 'op.execute("DELETE FROM t")', 'op.execute("SELECT 1")', "lossy", "public.t had 1 row and has 0"),
)  # fmt: skip


@pytest.fixture
def project(environment: Environment, database: Database) -> Path:
    folder = environment("generic", database)
    for path in (folder / "migrations" / "versions").glob("*.py"):
        path.unlink()
    down = None
    for revision, upgrade, downgrade, *_ in CHAIN:
        write_revision(folder, revision, down, upgrade, downgrade)
        down = revision
    return folder


def test_every_verdict_is_what_happened(project: Path, migsafe: Migsafe) -> None:
    done = migsafe(project, "verify --round-trip --format json", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 5, done.stderr
    found = json.loads(done.stdout)
    trips = {each["revision"]: each for each in found["round_trips"]}
    assert {name: trip["verdict"] for name, trip in trips.items()} == {name: verdict for name, *_, verdict, _ in CHAIN}
    for name, *_, words in CHAIN:
        assert words in json.dumps(trips[name]) or words in " ".join(_said(trips[name]))
    assert trips["r03"]["reordered"] == ["public.t"]
    assert "NotNullViolation" in trips["r08"]["rows_refused"]
    assert [trips[name]["rows"] for name in ("r08", "r13", "r14")] == ["none", "without NULLs", "all"]
    assert found["summary"] == {
        "exact": 5, "lossy": 4, "wrong": 4, "empty": 1, "none": 1, "nothing": 1, "unknown": 0,
    }  # fmt: skip


def _said(trip: dict[str, object]) -> list[str]:
    from migsafe.formats.round_trip import lines
    from migsafe.model.round_trip import RoundTrip

    return lines(RoundTrip(**{k: tuple(v) if isinstance(v, list) else v for k, v in trip.items()}))  # type: ignore[arg-type]  # as JSON has it


def test_a_range_is_tried_alone_and_a_person_reads_why(project: Path, migsafe: Migsafe) -> None:
    done = migsafe(project, "verify --round-trip r03:r04")
    assert done.returncode == 5
    assert "r04" not in done.stderr
    text = " ".join(done.stdout.split())
    assert "empty migrations/versions/r04_written.py: downgrade() does nothing, and upgrade() does" in text
    assert "index public.ix_b is left over" in text
    assert "have one written: migsafe revision-downgrade r04" in text
    assert "1 revision tried: 1 empty empty: r04" in text


def test_a_range_without_revisions_is_a_mistake(project: Path, migsafe: Migsafe) -> None:
    done = migsafe(project, "verify --round-trip r04:r03")
    assert (done.returncode, "there is no revision in r04:r03" in done.stderr) == (2, True)
    without = migsafe(project, "verify r03:r04")
    assert (without.returncode, "a range is for --round-trip" in without.stderr) == (2, True)


def test_an_upgrade_that_fails_there_is_unknown_and_ends_the_trips(project: Path, migsafe: Migsafe) -> None:
    write_revision(project, "r17", "r16", 'op.drop_table("nothing")')
    write_revision(project, "r18", "r17", "pass")
    done = migsafe(project, "verify --round-trip r16:r18")
    assert done.returncode == 5
    text = " ".join(done.stdout.split())
    assert "line 11: UndefinedTable" in text, text
    assert "1 revision tried: 1 unknown; 1 not tried, because r17 before them does not run" in text
