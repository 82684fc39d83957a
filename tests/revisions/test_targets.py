"""Targets as Alembic takes them, from the heads that the database has or from those that a range names."""

import pytest

from fix_alembic import Run
from fix_postgres import Connect
from fix_stories import EnterStory, RunTo, outcomes
from migsafe.errors import UsageError
from migsafe.revisions.config import open_environment
from migsafe.revisions.read import Direction, range_of, read, steps_between

pytestmark = pytest.mark.alembic_matrix

# story, heads of the database, direction, target: the revisions, and the heads afterwards
UP: Direction = "upgrade"
DOWN: Direction = "downgrade"
TARGETS: list[tuple[str, tuple[str, ...], Direction, str, list[str], tuple[str, ...]]] = [
    ("generic", (), UP, "head", ["3f1c8a5d2b90", "7be04d19c6a3", "a92d5e7f0c14", "c05b3e86d7f1"], ("c05b3e86d7f1",)),
    ("generic", (), UP, "heads", ["3f1c8a5d2b90", "7be04d19c6a3", "a92d5e7f0c14", "c05b3e86d7f1"], ("c05b3e86d7f1",)),
    ("generic", (), UP, "7be0", ["3f1c8a5d2b90", "7be04d19c6a3"], ("7be04d19c6a3",)),
    ("generic", ("7be04d19c6a3",), UP, "+1", ["a92d5e7f0c14"], ("a92d5e7f0c14",)),
    ("generic", ("3f1c8a5d2b90",), UP, "7be04d19c6a3+1", ["7be04d19c6a3", "a92d5e7f0c14"], ("a92d5e7f0c14",)),
    ("generic", (), UP, "c05b3e86d7f1-2", ["3f1c8a5d2b90", "7be04d19c6a3"], ("7be04d19c6a3",)),
    ("generic", ("c05b3e86d7f1",), UP, "head", [], ("c05b3e86d7f1",)),
    ("generic", ("c05b3e86d7f1",), UP, "7be04d19c6a3", [], ("c05b3e86d7f1",)),
    ("generic", ("a92d5e7f0c14",), DOWN, "-1", ["a92d5e7f0c14"], ("7be04d19c6a3",)),
    ("generic", ("a92d5e7f0c14",), DOWN, "base", ["a92d5e7f0c14", "7be04d19c6a3", "3f1c8a5d2b90"], ()),
    ("generic", ("c05b3e86d7f1",), DOWN, "7be0", ["c05b3e86d7f1", "a92d5e7f0c14"], ("7be04d19c6a3",)),
    (
        "branches",
        (),
        UP,
        "billing@head",
        ["aa0000000001", "bb0000000001", "cc0000000001", "dd0000000001"],
        ("dd0000000001",),
    ),
    ("branches", ("aa0000000001",), UP, "billing@bb0000000001", ["bb0000000001"], ("bb0000000001",)),
    ("branches", ("aa0000000001",), UP, "shipping@+1", ["cc0000000001"], ("cc0000000001",)),
    ("branches", (), UP, "ee0000000001", ["ee0000000001"], ("ee0000000001",)),
    (
        "branches",
        ("bb0000000001", "cc0000000001"),
        UP,
        "heads",
        ["dd0000000001", "ee0000000001", "ee0000000002"],
        ("ee0000000002",),
    ),
]


@pytest.mark.parametrize(("story", "heads", "direction", "target", "revisions", "after"), TARGETS)
def test_a_target_is_what_alembic_makes_of_it(
    story: str,
    heads: tuple[str, ...],
    direction: Direction,
    target: str,
    revisions: list[str],
    after: tuple[str, ...],
    enter_story: EnterStory,
) -> None:
    enter_story(story)
    reading = read(open_environment(), target, direction=direction, start=heads)
    assert sorted(step.revision for step in reading.steps) == sorted(revisions)
    assert [step.revision for step in reading.steps] == [
        step.revision.revision for step in steps_between(open_environment(), target, direction, heads)
    ]
    assert reading.target == after
    assert reading.heads == heads


def test_the_heads_of_the_database_are_the_start(enter_story: EnterStory, alembic: Run, connect: Connect) -> None:
    folder = enter_story("branches")
    done = alembic(folder, "upgrade bb0000000001", "upgrade cc0000000001")
    assert done.returncode == 0, done.stderr
    reading = read(open_environment(), "heads")
    assert sorted(reading.heads) == ["bb0000000001", "cc0000000001"]
    assert {step.revision for step in reading.steps} == {"dd0000000001", "ee0000000001", "ee0000000002"}
    assert (reading.version_table, reading.search_path) == ("public.alembic_version", ("public",))
    version = connect().info.server_version // 10000
    assert reading.server_version == version


def test_several_heads_are_run_to_and_back(enter_story: EnterStory, run_to: RunTo, connect: Connect) -> None:
    enter_story("branches")
    assert outcomes(run_to("bb0000000001")) == ["done"] * 2
    assert outcomes(run_to("shipping@cc0000000001")) == ["done"]
    assert outcomes(run_to("heads")) == ["done"] * 3
    assert connect().execute("SELECT count(*) FROM charges_by_account").fetchone() == (0,)
    assert outcomes(run_to("base", direction="downgrade")) == ["done"] * 6
    assert connect().execute("SELECT count(*) FROM alembic_version").fetchone() == (0,)


def test_looking_changes_nothing(enter_story: EnterStory, connect: Connect) -> None:
    enter_story("generic")
    read(open_environment(), "head")
    assert connect().execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    ).fetchone() == (0,)


@pytest.mark.parametrize(
    ("text", "start", "target"),
    [
        ("head", None, "head"),
        ("7be0+1", None, "7be0+1"),
        ("base:head", (), "head"),
        (":head", (), "head"),
        ("7be0:", ("7be04d19c6a3",), "heads"),
        ("7be04d19c6a3:c05b3e86d7f1", ("7be04d19c6a3",), "c05b3e86d7f1"),
        ("head:head", ("c05b3e86d7f1",), "head"),
    ],
)
def test_a_range_has_a_start(text: str, start: tuple[str, ...] | None, target: str, enter_story: EnterStory) -> None:
    enter_story("generic")
    assert range_of(open_environment(), text) == (start, target)


def test_a_range_may_start_at_several_heads(enter_story: EnterStory) -> None:
    enter_story("branches")
    start, target = range_of(open_environment(), "bb00,cc00:heads")
    assert (start, target) == (("bb0000000001", "cc0000000001"), "heads")


def test_a_range_needs_no_server(enter_story: EnterStory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = enter_story("generic")
    ini = folder / "alembic.ini"
    ini.write_text(
        ini.read_text().replace("sqlalchemy.url = ", "sqlalchemy.url = postgresql+psycopg://nobody@127.0.0.1:1/none\n#")
    )
    reading = read(open_environment(), "head", start=())
    assert [len(step.pieces) for step in reading.steps] == [2, 2, 2, 2]
    assert (reading.connection, reading.server_version) == (None, None)


@pytest.mark.parametrize(("story", "because"), [("offline_refused", ""), ("offline_raises", " (migrations/env.py:52")])
def test_an_env_py_that_refuses_offline_mode_is_done_without(
    story: str, because: str, enter_story: EnterStory, capsys: pytest.CaptureFixture[str]
) -> None:
    enter_story(story)
    reading = read(open_environment(), "head", start=())
    assert [[piece.place.line for piece in step.pieces] for step in reading.steps] == [[23], [23]]
    assert reading.notes[0].startswith(f"env.py refuses offline mode{because}")
    assert capsys.readouterr().out == ""


def test_an_unknown_target_stays_one_where_env_py_refuses_offline_mode(enter_story: EnterStory) -> None:
    enter_story("offline_raises")
    with pytest.raises(UsageError, match="Can't locate revision identified by 'nope'"):
        read(open_environment(), "nope", start=())


def test_the_version_table_is_where_env_py_says(enter_story: EnterStory, run_to: RunTo, connect: Connect) -> None:
    enter_story("version_table_schema")
    assert read(open_environment(), "head").version_table == "bookkeeping.shop_revision"
    assert outcomes(run_to("head")) == ["done", "done"]
    assert connect().execute("SELECT version_num FROM bookkeeping.shop_revision").fetchall() == [("d1d1d1d1d1d1",)]
    assert read(open_environment(), "head").heads == ("d1d1d1d1d1d1",)
    assert outcomes(run_to("base", direction="downgrade")) == ["done", "done"]


def test_the_search_path_is_what_env_py_set(enter_story: EnterStory, run_to: RunTo) -> None:
    enter_story("external_transaction")
    reading = read(open_environment(), "head")
    assert (reading.search_path, reading.version_table) == (("app", "public"), "app.alembic_version")
    assert outcomes(run_to("head")) == ["done"] * 3
    assert read(open_environment(), "head").version_table == "app.alembic_version"


def test_an_existing_version_table_further_down_the_search_path_is_found(
    enter_story: EnterStory, connect: Connect
) -> None:
    enter_story("external_transaction")
    connect().execute("CREATE TABLE public.alembic_version (version_num varchar(32))")
    assert read(open_environment(), "head").version_table == "public.alembic_version"
