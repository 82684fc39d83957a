"""The version table goes back as Alembic would take it: branches, merges, base."""

import pytest

from fix_postgres import Connect
from fix_way_back import HISTORY
from migsafe.model.plan import Plan, Step
from migsafe.undo.versions import heads_before, moves

LINE = (("a", ()), ("b", ("a",)))
BRANCHES = (("a", ()), ("b", ("a",)), ("c", ("a",)))
MERGE = (*BRANCHES, ("d", ("b", "c")))


@pytest.mark.parametrize(
    ("revisions", "expected"),
    [
        (LINE, [{"a", "b"} - {"a"}, {"a"}, set()]),
        (BRANCHES, [{"b", "c"}, {"b"}, {"a"}, set()]),
        (MERGE, [{"d"}, {"b", "c"}, {"b"}, {"a"}, set()]),
    ],
)
def test_each_step_back_leaves_the_rows_of_the_step_before(
    connect: Connect, revisions: tuple[tuple[str, tuple[str, ...]], ...], expected: list[set[str]]
) -> None:
    connection = connect()
    connection.execute(HISTORY)
    steps = tuple(Step(revision, down, "") for revision, down in revisions)
    plan = Plan(current=(), target=tuple(expected[0]), steps=steps)
    states = heads_before(plan)
    for head in expected[0]:
        connection.execute("INSERT INTO alembic_version VALUES (%s)", (head,))
    seen = []
    for step in reversed(steps):
        seen.append({row[0] for row in connection.execute("SELECT version_num FROM alembic_version")})
        before, after = states[step.revision]
        for statement in moves("alembic_version", after, before):
            assert connection.execute(statement.encode()).rowcount == 1
    seen.append({row[0] for row in connection.execute("SELECT version_num FROM alembic_version")})
    assert seen == expected


def test_a_row_that_depends_on_took_away_comes_back() -> None:
    steps = (Step("x1", ("x0",), ""), Step("y1", ("y0",), ""))
    plan = Plan(current=("x0", "y0"), target=("y1",), steps=steps)
    before, after = heads_before(plan)["y1"]
    assert moves("t", after, before) == (
        "UPDATE t SET version_num = 'x1' WHERE version_num = 'y1'",
        "INSERT INTO t (version_num) VALUES ('y0')",
    )
