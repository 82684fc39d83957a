"""What a revision asks the database cannot be rendered: that is said with its line, and never rendered wrongly."""

import pytest

from fix_stories import FIRST_LINE, EnterStory, write_chain
from migsafe.revisions.config import open_environment
from migsafe.revisions.read import read
from migsafe.revisions.render import RenderedStep

pytestmark = pytest.mark.alembic_matrix

T = 'sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))'

ASKS = {
    "loop": 'for row in op.get_bind().execute(sa.text("SELECT 1")): op.execute("SELECT 2")',
    "scalar": 'op.get_bind().execute(sa.text("SELECT 1")).scalar()',
    "scalar of the connection": 'op.get_bind().scalar(sa.text("SELECT 1"))',
    "all": f"op.get_bind().execute(sa.select({T})).fetchall()",
    "rowcount": 'op.get_bind().execute(sa.text("DELETE FROM t")).rowcount',
    "truth": 'assert op.get_bind().execute(sa.text("SELECT 1"))',
    "length": 'len(op.get_bind().execute(sa.text("SELECT 1")))',
    "unpacking": '(one,) = op.get_bind().execute(sa.text("SELECT 1"))',
    "attribute test": 'hasattr(op.get_bind().execute(sa.text("SELECT 1")), "fetchone")',
    "returning": f'op.get_bind().execute(sa.insert({T}).returning(sa.text("id")), [{{"id": 1}}]).one()',
    "inspector": 'sa.inspect(op.get_bind()).get_indexes("t")',
    "has_table of the inspector": 'sa.inspect(op.get_bind()).has_table("t")',
    "has_table of the dialect": 'op.get_bind().dialect.has_table(op.get_bind(), "t")',
    "reflected table": 'sa.Table("t", sa.MetaData(), autoload_with=op.get_bind())',
    "reflected metadata": "sa.MetaData().reflect(bind=op.get_bind())",
    "session": 'Session(bind=op.get_bind()).scalars(sa.text("SELECT 1")).all()',
    "session in a block": 'with Session(op.get_bind()) as session: session.execute(sa.text("SELECT 1")).scalar_one()',
    "connection of the engine": 'op.get_bind().engine.connect().execute(sa.text("SELECT 1")).first()',
    "driver's placeholders": 'op.get_bind().exec_driver_sql("UPDATE t SET id = %s", (1,))',
    "driver's connection": "op.get_bind().connection.cursor()",
    "stream": 'op.get_bind().execution_options(stream_results=True).execute(sa.text("SELECT 1")).mappings()',
    "missing parameter": 'op.get_bind().execute(sa.text("DELETE FROM t WHERE id = :id"))',
    "a value without literal": 'op.get_bind().execute(sa.text("SELECT :it"), {"it": object()})',
}


def rendered(enter_story: EnterStory, *bodies: str) -> list[RenderedStep]:
    """A chain of revisions, each with one body after a harmless statement, rendered in one reading."""
    write_chain(enter_story("generic"), *(f'op.execute("SELECT 0")\n{body}' for body in bodies))
    return list(read(open_environment(), "head").steps)


def sent(step: RenderedStep) -> list[str]:
    return [" ".join(piece.sql.split()) for piece in step.pieces]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("{}", FIRST_LINE + 1),
        ("try:\n    {}\nexcept Exception: pass", FIRST_LINE + 2),
        ("try:\n    {}\nexcept: pass", FIRST_LINE + 2),
        ("try:\n    {}\nfinally:\n    op.execute('SELECT 9')", FIRST_LINE + 2),
    ],
    ids=["bare", "swallowed", "swallowed whole", "cleaned up"],
)
def test_a_question_makes_it_unreadable_from_its_line_on(body: str, line: int, enter_story: EnterStory) -> None:
    bodies = [body.format(asks) + '\nop.execute("SELECT 9")' for asks in ASKS.values()]
    steps = dict(zip(ASKS, rendered(enter_story, *bodies), strict=True))
    assert {asks: step.unreadable for asks, step in steps.items() if f"line {line}: " not in f"{step.unreadable}"} == {}
    assert [asks for asks, step in steps.items() if not step.needs_server] == []
    assert [asks for asks, step in steps.items() if sent(step)[0] != "SELECT 0" or "SELECT 9" in sent(step)] == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('raise ValueError("not yet")', "line 12: ValueError: not yet"),
        ('import sys; sys.exit("not here")', "line 12: SystemExit: not here"),
        ('op.drop_constraint(None, "t")', "line 12: drops a constraint without naming it, which Alembic cannot render"),
    ],
)
def test_what_raises_on_a_server_too_needs_none(body: str, reason: str, enter_story: EnterStory) -> None:
    (step,) = rendered(enter_story, body)
    assert (step.unreadable, step.needs_server) == (reason, False)


def test_the_four_kinds_of_a_real_story(enter_story: EnterStory) -> None:
    enter_story("reads_rows")
    steps = read(open_environment(), "head").steps
    assert [(step.unreadable, step.needs_server) for step in steps] == [
        (None, False),
        (None, False),
        ("line 25: uses the result of a query", True),
        ("line 23: reads the database", True),
        ("line 36: uses the result of a query (context)", True),
    ]
    assert steps[1].pieces[0].sql == "UPDATE products SET name = 'Mug' WHERE id = 2"


PARAMETERS = {
    'sa.text("UPDATE t SET a = :a WHERE id = :id"), {"a": "it\'s 5%", "id": 2}': [
        "UPDATE t SET a = 'it''s 5%' WHERE id = 2"
    ],
    'sa.text("DELETE FROM t WHERE id = :id"), [{"id": 1}, {"id": 2}]': [
        "DELETE FROM t WHERE id = 1",
        "DELETE FROM t WHERE id = 2",
    ],
    'sa.text("SELECT :none"), {"none": None}': ["SELECT NULL"],
    'sa.text("SELECT :one").bindparams(one=1)': ["SELECT 1"],
    f'sa.update({T}).where(sa.text("id = :it")).values(id=7), {{"it": 3}}': ["UPDATE t SET id=7 WHERE id = 3"],
    f"sa.insert({T}), [{{'id': 4}}, {{'id': 5}}]": ["INSERT INTO t (id) VALUES (4)", "INSERT INTO t (id) VALUES (5)"],
    f'sa.delete({T}).where(sa.bindparam("it", type_=sa.Integer) == 1), {{"it": 1}}': ["DELETE FROM t WHERE 1 = 1"],
}


@pytest.mark.parametrize("execute", ["op.get_bind().execute", "op.get_bind().engine.connect().execute"])
def test_parameters_are_rendered_as_values(execute: str, enter_story: EnterStory) -> None:
    steps = rendered(enter_story, *(f"{execute}({call})" for call in PARAMETERS))
    assert [step.unreadable for step in steps] == [None] * len(PARAMETERS)
    assert [sent(step)[1:] for step in steps] == list(PARAMETERS.values())


def test_results_that_nobody_looks_at_are_readable(enter_story: EnterStory) -> None:
    (step,) = rendered(enter_story, 'result = op.get_bind().execute(sa.text("SELECT 1"))\nresult.close()')
    assert step.unreadable is None


@pytest.mark.parametrize("question", ["op.get_context().as_sql", "context.is_offline_mode()"])
def test_a_revision_that_does_something_else_offline_is_rendered_as_it_runs(
    question: str, enter_story: EnterStory
) -> None:
    body = f'from alembic import context\nop.execute("SELECT 1" if {question} else "SELECT 2")'
    write_chain(enter_story("generic"), body)
    for start in (None, ()):
        (step,) = read(open_environment(), "head", start=start).steps
        assert [piece.sql for piece in step.pieces] == ["SELECT 2"]


def test_what_a_revision_prints_is_kept_out_of_a_plan(
    enter_story: EnterStory, capsys: pytest.CaptureFixture[str]
) -> None:
    rendered(enter_story, 'print("rendered")')
    assert capsys.readouterr().out == ""
