"""The way back on the command line: shown, written into the file, run, and held to what was recorded."""

import json
from pathlib import Path

import pytest

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe, last_report
from fix_postgres import Connect
from migsafe.postgres.connection import Database

BASE = """
    op.execute("CREATE TABLE notes (id int PRIMARY KEY, body varchar(20), kind text NOT NULL DEFAULT 'a:b')")
    op.create_index("notes_body", "notes", ["body"])
    op.execute("COMMENT ON TABLE notes IS 'what people write'")
"""
AT_A1 = """
    CREATE TABLE notes (id int PRIMARY KEY, body varchar(20), kind text NOT NULL DEFAULT 'a:b');
    CREATE INDEX notes_body ON notes (body);
    COMMENT ON TABLE notes IS 'what people write';
    CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
    INSERT INTO alembic_version VALUES ('a1a1a1a1');
"""
UP = "upgrade head --yes --backup none"
DOWN = "downgrade a1a1a1a1 --yes --backup none"
CHANGES = """
    op.add_column("notes", sa.Column("stars", sa.Integer()))
    op.alter_column("notes", "body", nullable=False)
    with op.get_context().autocommit_block():
        op.drop_index("notes_body", "notes", postgresql_concurrently=True)
"""
REVISION = '''"""{doc}"""
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down}


def upgrade():{upgrade}
{rest}'''


@pytest.fixture
def folder(environment: Environment, database: Database, connect: Connect) -> Path:
    """An environment at a revision that made a table, and a change to come whose file has no downgrade()."""
    home = environment("generic", database)
    versions = home / "migrations/versions"
    for old in versions.glob("*.py"):
        old.unlink()
    undo = '\n\ndef downgrade():\n    op.drop_table("notes")\n'
    (versions / "a1.py").write_text(
        REVISION.format(doc="notes", revision="a1a1a1a1", down=None, upgrade=BASE, rest=undo)
    )
    (versions / "b2.py").write_text(
        REVISION.format(doc="stars", revision="b2b2b2b2", down='"a1a1a1a1"', upgrade=CHANGES, rest="")
    )
    connect().execute(AT_A1)
    return home


def test_undo_plan_shows_what_is_derived_beside_what_the_revision_has(folder: Path, migsafe: Migsafe) -> None:
    shown = migsafe(folder, "undo-plan base:heads")
    assert shown.returncode == 0, shown.stderr
    for line in (
        "own downgrade(): it has none",
        "exact: ALTER TABLE public.notes DROP COLUMN stars;",
        "discards column:public.notes.stars",
        "exact: ALTER TABLE public.notes ALTER COLUMN body DROP NOT NULL;",
        "CREATE INDEX CONCURRENTLY notes_body ON",
        "outside the transaction",
        "Write one: migsafe revision-downgrade b2b2b2b2",
    ):
        assert line in shown.stdout
    told = json.loads(migsafe(folder, "undo-plan base:heads --format json").stdout)["revisions"]
    assert [(each["own"]["verdict"], each["derived"]["verdict"]) for each in told] == [
        ("exact", "exact"),
        ("missing", "exact"),
    ]


def test_a_range_may_be_named_from_either_end(folder: Path, migsafe: Migsafe) -> None:
    forth, back = (migsafe(folder, f"undo-plan {each}") for each in ("a1a1a1a1:heads", "heads:a1a1a1a1"))
    assert "revision b2b2b2b2 -> a1a1a1a1" in forth.stdout
    assert (back.returncode, back.stdout) == (forth.returncode, forth.stdout)
    for none in ("a1a1a1a1:a1a1a1a1", "b2b2b2b2:"):
        assert migsafe(folder, f"undo-plan {none}").stdout.startswith("There is nothing to undo")


def test_a_downgrade_is_written_in_alembics_words_and_works(folder: Path, migsafe: Migsafe, connect: Connect) -> None:
    file = folder / "migrations/versions" / "b2.py"
    before = file.read_text()
    diff = migsafe(folder, "revision-downgrade b2b2b2b2 --diff")
    assert '+    op.drop_column("notes", "stars")' in diff.stdout, diff.stderr
    assert file.read_text() == before
    written = migsafe(folder, "revision-downgrade b2b2b2b2")
    assert written.returncode == 0, written.stderr
    text = file.read_text()
    assert text.startswith(before.rstrip("\n"))
    assert '    op.alter_column("notes", "body", nullable=True)\n' in text
    assert "    with op.get_context().autocommit_block():\n        op.execute(" in text
    assert migsafe(folder, "revision-downgrade b2b2b2b2").returncode == 2
    for words in (UP, DOWN):
        done = migsafe(folder, words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "the schema is the one recorded at a1a1a1a1" in json.dumps(last_report(folder))
    rows = connect().execute("SELECT indexname FROM pg_indexes WHERE tablename = 'notes' ORDER BY 1").fetchall()
    assert rows == [("notes_body",), ("notes_pkey",)]


def test_the_derived_downgrade_runs_and_takes_rows_only_when_told_so_by_name(
    folder: Path, migsafe: Migsafe, connect: Connect
) -> None:
    up = migsafe(folder, UP)
    assert up.returncode == 0, up.stdout + up.stderr
    script = (folder / last_report(folder)["undo"]["downgrade_sql"]).read_text()
    assert "ALTER TABLE public.notes DROP COLUMN stars;" in script
    assert "STOPS" not in script
    connect().execute("INSERT INTO notes VALUES (1, 'x', 'k', 5), (2, 'y', 'k', NULL)")
    refused = migsafe(folder, DOWN)
    assert refused.returncode == 1
    assert "column:public.notes.stars: 1 row would be lost" in refused.stdout
    last = refused.stdout.strip().splitlines()[-1].strip()
    assert last == 'migsafe downgrade a1a1a1a1 --lose column:public.notes.stars --because "…"'
    told = ("--lose", "column:public.notes.stars", "--because", "nobody used it")
    down = migsafe(folder, *DOWN.split(), *told)
    assert down.returncode == 0, down.stdout + down.stderr
    report = last_report(folder)
    assert {"kind": "lose", "name": "column:public.notes.stars", "because": "nobody used it"} in report["excuses"]
    assert any("b2b2b2b2 has no downgrade() of its own: the derived one is run" in note for note in report["notes"])
    (proof,) = [each for each in report["after"] if each["check"] == "schema-as-before"]
    assert proof["status"] == "passed", proof


def test_where_no_way_back_can_be_derived_nothing_is_begun_and_the_reason_said(folder: Path, migsafe: Migsafe) -> None:
    (folder / "migrations/versions" / "c3.py").write_text(
        REVISION.format(
            doc="a block",
            revision="c3c3c3c3",
            down='"b2b2b2b2"',
            upgrade='\n    op.execute("DO $$ BEGIN END $$")\n',
            rest="",
        )
    )
    assert migsafe(folder, UP).returncode == 0
    runs = len(list((folder / ".migsafe/runs").iterdir()))
    refused = migsafe(folder, DOWN)
    assert (refused.returncode, len(list((folder / ".migsafe/runs").iterdir()))) == (2, runs)
    assert "revision c3c3c3c3 has no downgrade(), and none can be derived: " in refused.stderr
    assert "migsafe undo-plan c3c3c3c3" in refused.stderr


DECIDES = """
    op.execute("DO $$ BEGIN EXECUTE 'ALTER TABLE notes ADD extra int'; END $$")
"""


def test_an_empty_downgrade_that_would_undo_nothing_is_refused_unless_named(
    folder: Path, migsafe: Migsafe, connect: Connect
) -> None:
    empty = "\n\ndef downgrade():\n    pass\n"
    for name, down, upgrade in (
        ("c3c3c3c3", "b2b2b2b2", DECIDES),
        ("d4d4d4d4", "c3c3c3c3", '\n    op.execute("UPDATE notes SET kind = kind")\n'),
    ):
        text = REVISION.format(doc=name, revision=name, down=f'"{down}"', upgrade=upgrade, rest=empty)
        (folder / "migrations/versions" / f"{name}.py").write_text(text)
    assert migsafe(folder, UP).returncode == 0
    rows_alone = migsafe(folder, "downgrade c3c3c3c3 --yes --backup none")
    assert rows_alone.returncode == 0, rows_alone.stdout + rows_alone.stderr
    down = "downgrade b2b2b2b2 --yes --backup none"
    refused = migsafe(folder, down)
    assert refused.returncode == 1
    said = "its downgrade() is empty: nothing would be undone, and public.alembic_version would say it was"
    assert f"revision:c3c3c3c3: {said}" in refused.stdout
    assert "a DO block decides when it runs what it does" in refused.stdout
    assert connect().execute("SELECT version_num FROM alembic_version").fetchone() == ("c3c3c3c3",)
    told = migsafe(folder, *down.split(), "--lose", "revision:c3c3c3c3", "--because", "extra may stay")
    assert told.returncode == 0, told.stdout + told.stderr
    assert last_report(folder)["excuses"] == [
        {"kind": "lose", "name": "revision:c3c3c3c3", "because": "extra may stay"}
    ]


def test_a_downgrade_is_judged_alone_where_that_of_a_later_revision_is_missing(folder: Path, migsafe: Migsafe) -> None:
    made = """
    op.execute("CREATE TABLE p (id int) PARTITION BY RANGE (id)")
    op.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2)")
"""
    for name, down, upgrade, rest in (
        ("c3c3c3c3", "b2b2b2b2", made, '\n\ndef downgrade():\n    op.execute("DROP TABLE p")\n'),
        ("d4d4d4d4", "c3c3c3c3", '\n    op.execute("DROP TABLE p1")\n', ""),
    ):
        text = REVISION.format(doc="partitions", revision=name, down=f'"{down}"', upgrade=upgrade, rest=rest)
        (folder / "migrations/versions" / f"{name}.py").write_text(text)
    told = json.loads(migsafe(folder, "undo-plan b2b2b2b2:heads --format json").stdout)["revisions"]
    assert [each["own"]["verdict"] for each in told] == ["exact", "missing"]


def test_a_program_says_by_name_which_rows_may_go(
    folder: Path, migsafe: Migsafe, connect: Connect, python: Run
) -> None:
    assert migsafe(folder, UP).returncode == 0
    connect().execute("INSERT INTO notes VALUES (1, 'x', 'k', 5)")
    program = (
        "import migsafe; from alembic.config import Config;"
        "migsafe.command.downgrade(Config('alembic.ini'), 'a1a1a1a1', backup='none', lose={LOSE})"
    )
    for lose, said in (("{}", "Refused by 1 check"), ("{'column:public.notes.stars': ' '}", "has no reason")):
        refused = python(folder, "-c", program.replace("{LOSE}", lose))
        assert (refused.returncode, said in refused.stderr) == (1, True), refused.stderr
    done = python(folder, "-c", program.replace("{LOSE}", "{'column:public.notes.stars': 'unused'}"))
    assert done.returncode == 0, done.stderr


def test_a_schema_that_is_not_as_before_is_listed_object_by_object(
    folder: Path, migsafe: Migsafe, connect: Connect
) -> None:
    assert migsafe(folder, UP).returncode == 0
    connect().execute("CREATE INDEX made_by_hand ON notes (kind)")
    connect().execute("COMMENT ON TABLE notes IS 'something else'")
    down = migsafe(folder, DOWN)
    assert down.returncode == 5, down.stdout + down.stderr
    (proof,) = [each for each in last_report(folder)["after"] if each["check"] == "schema-as-before"]
    told = " ".join(proof["evidence"].values())
    assert "index public.made_by_hand is there, and was not before" in told
    assert "relation public.notes: comment is something else, and was what people write" in told
    again = migsafe(folder, "verify")
    assert again.returncode == 5, again.stdout
    text = " ".join(again.stdout.split())
    assert "index public.made_by_hand is there, and was not before; relation public.notes: comment is" in text
    assert "restore.sh" not in text
    connect().execute("DROP INDEX made_by_hand; COMMENT ON TABLE notes IS 'what people write'")
    assert migsafe(folder, "verify").returncode == 0


def test_where_no_run_recorded_the_schema_nobody_says_that_it_is_as_before(
    folder: Path, migsafe: Migsafe, connect: Connect
) -> None:
    connect().execute(
        """
        ALTER TABLE notes ADD COLUMN stars int, ALTER COLUMN body SET NOT NULL;
        DROP INDEX notes_body;
        UPDATE alembic_version SET version_num = 'b2b2b2b2';
        """
    )
    down = migsafe(folder, DOWN)
    assert down.returncode == 0, down.stdout + down.stderr
    report = last_report(folder)
    assert any("from what the revisions before it say" in note for note in report["notes"])
    (proof,) = [each for each in report["after"] if each["check"] == "schema-as-before"]
    assert proof["status"] == "unknown"
