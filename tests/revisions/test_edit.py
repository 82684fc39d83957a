"""The editor of revision files: what is asked for changes, every other byte stays."""

import textwrap
from pathlib import Path

import pytest

from migsafe.errors import RevisionError
from migsafe.model.rewrite import Line, Part, Rewrite, Undo
from migsafe.revisions.edit import Change, RevisionFile
from migsafe.revisions.edit_second import after_another

CONCURRENTLY = (("postgresql_concurrently", "True"),)
CALL = Line("", "", is_call=True)
BUILT = Rewrite(here=Part(concurrent=(CALL,)), keywords=CONCURRENTLY)
DROPPED = Undo(operation="drop_index", names=("a",), keywords=CONCURRENTLY, concurrent=True, first=True)

FILE = '''\
# -*- coding: utf-8 -*-
"""doc"""
from alembic import op
NAME = "a"
def upgrade() :
{upgrade}


def downgrade():
{downgrade}
# the end, without a line break'''


def file(upgrade: str, downgrade: str = "pass") -> RevisionFile:
    bodies = {"upgrade": upgrade, "downgrade": downgrade}
    indented = {name: textwrap.indent(body, "    ") for name, body in bodies.items()}
    return RevisionFile(Path("f.py"), FILE.format(**indented).encode())


def change(rewrite: Rewrite = BUILT, operation: str = "op.create_index", sql: str = "", line: int = 6) -> Change:
    return Change(line, operation, sql, rewrite)


def edited(upgrade: str, given: Change, downgrade: str = "pass") -> tuple[str, str]:
    """The bodies of upgrade() and downgrade(); everything around them is what it was."""
    source = file(upgrade, downgrade)
    assert source.refusal(given) is None
    text = source.changed([given])[0].decode()
    start, end = FILE.partition("{upgrade}")[0], FILE.partition("{downgrade}")[2]
    assert text.startswith(start)
    assert text.endswith(end)
    up, _, down = text.removeprefix(start).removesuffix(end).partition("\n\n\ndef downgrade():\n")
    return up, down


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('op.create_index("a", "t", ["x"])', 'op.create_index("a", "t", ["x"], postgresql_concurrently=True)'),
        ("op.create_index('a', 't', ['x'],)", "op.create_index('a', 't', ['x'], postgresql_concurrently=True,)"),
        (
            'op.create_index(op.f("a"),\n                "t", ["x"])  # why',
            'op.create_index(op.f("a"),\n                        "t", ["x"], postgresql_concurrently=True)  # why',
        ),
        (
            'op.create_index(\n    "a",  # name\n    "t",\n    ["x"],  # columns\n)',
            'op.create_index(\n            "a",  # name\n            "t",\n            ["x"],\n'
            "            postgresql_concurrently=True,  # columns\n        )",
        ),
        (
            'op.create_index("a", "t", ["x"], postgresql_concurrently=False)',
            'op.create_index("a", "t", ["x"], postgresql_concurrently=True)',
        ),
    ],
)
def test_a_keyword_is_added_in_the_layout_of_the_call(before: str, after: str) -> None:
    up, _ = edited(before, change())
    assert up.removeprefix("    with op.get_context().autocommit_block():\n        ") == after


def test_comments_above_stay_above_and_the_next_call_joins_the_block() -> None:
    source = file('# one\nop.create_index("a", "t", ["x"])\n\n# two\nop.create_index("b", "t", ["y"])\nop.f()')
    text = source.changed([change(line=7), change(line=10)])[0].decode()
    assert (
        """\
    # one
    with op.get_context().autocommit_block():
        op.create_index("a", "t", ["x"], postgresql_concurrently=True)

        # two
        op.create_index("b", "t", ["y"], postgresql_concurrently=True)
    op.f()
"""
        in text
    )


def test_text_is_put_into_the_piece_of_sql_that_it_belongs_to() -> None:
    sql = "CREATE INDEX a ON t (x)"
    rewrite = Rewrite(here=Part(concurrent=(CALL,)), insertions=((12, " CONCURRENTLY"),))
    up, _ = edited('op.execute("CREATE INDEX "\n           "a ON t (x)")', change(rewrite, "op.execute", sql))
    assert '"CREATE INDEX CONCURRENTLY "' in up
    escaped = file('op.execute("CREATE\\tINDEX a ON t (x)")')
    assert (
        escaped.refusal(change(rewrite, "op.execute", "CREATE\tINDEX a ON t (x)"))
        == "its SQL is not written in the call"
    )


def test_what_downgrade_drops_is_dropped_concurrently_before_its_transaction() -> None:
    rewrite = Rewrite(here=BUILT.here, keywords=CONCURRENTLY, undo=DROPPED)
    back = 'op.drop_column("t", "y")\n# the index\nop.drop_index(NAME, "t")'
    _, down = edited('op.create_index(NAME, "t", ["x"])', change(rewrite), back)
    assert (
        down
        == """\
    # the index
    with op.get_context().autocommit_block():
        op.drop_index(NAME, "t", postgresql_concurrently=True)
    op.drop_column("t", "y")"""
    )


def test_what_moves_takes_along_the_names_it_needs() -> None:
    line = Line("", 'op.drop_index("a", postgresql_concurrently=True)')
    undo = Undo(operation="drop_index", names=("a",), line=line, concurrent=True)
    rewrite = Rewrite(here=BUILT.here, keywords=CONCURRENTLY, undo=undo, moved=True)
    source = file('op.create_index(NAME, "t", ["x"])')
    content, second = source.changed([change(rewrite)])
    assert "def upgrade() :\n    pass\n" in content.decode()
    assert second.up.source.endswith('op.create_index(NAME, "t", ["x"], postgresql_concurrently=True)')
    assert second.down.source.endswith(line.python)
    assert second.needed.source(second.nodes, {"op"}) == '\nNAME = "a"'
    local = file('local = "a"\nop.create_index(local, "t", ["x"])')
    assert local.refusal(change(rewrite, line=7)) == "it uses local, which a second revision would not have"


def test_what_downgrade_undoes_in_its_own_way_is_not_moved() -> None:
    line = Line("", 'op.drop_index("a")')
    undo = Undo(operation="drop_index", names=("a",), line=line, concurrent=True)
    rewrite = Rewrite(here=BUILT.here, undo=undo, moved=True)
    source = file('op.create_index("a", "t", ["x"])', 'if True:\n    op.drop_index("a")')
    assert source.refusal(change(rewrite)) == "downgrade() undoes it in a way that cannot be moved"


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ('down_revision = "f01"', 'down_revision = "new"'),
        ("down_revision: str | None = 'f01'  # x", "down_revision: str | None = 'new'  # x"),
        ('down_revision = ("e00", "f01")', 'down_revision = ("e00", "new")'),
    ],
)
def test_a_revision_comes_after_another_one(line: str, after: str) -> None:
    content = f'"""doc\r\n\r\nRevises: f01\r\n"""\r\nrevision = "f02"\r\n{line}\r\n'.encode()
    expected = content.replace(line.encode(), after.encode()).replace(b"Revises: f01", b"Revises: new")
    assert after_another(content, Path("f.py"), "f01", "new") == expected


def test_a_down_revision_that_is_not_written_as_a_string_is_not_guessed() -> None:
    with pytest.raises(RevisionError, match="does not write its down_revision 'f01'"):
        after_another(b"down_revision = BEFORE\n", Path("f.py"), "f01", "new")


def test_a_file_that_is_no_python_is_refused() -> None:
    with pytest.raises(RevisionError, match=r"f\.py is not valid Python"):
        RevisionFile(Path("f.py"), b"def upgrade(:\n")
