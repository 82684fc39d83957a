"""`migsafe lint --fix` and `--diff`: naive revisions become safe ones that end in the same schema."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fix_alembic import Environment, Run
from fix_migsafe import Migsafe
from fix_postgres import PROGRAMS
from fix_stories import write_chain
from migsafe.postgres.connection import Database

CreateDatabase = Callable[[], Database]
DEMO = Path(__file__).parent.parent / "src" / "migsafe" / "demo" / "project"

TABLES = """
op.execute("CREATE TABLE users (id bigint PRIMARY KEY, email text)")
op.execute("CREATE TABLE orders (id bigint PRIMARY KEY, note text, number text, user_id bigint, amount integer)")
op.execute("CREATE INDEX ix_old ON orders (amount)")
op.execute("CREATE MATERIALIZED VIEW totals AS SELECT id, amount FROM orders")
op.execute("CREATE UNIQUE INDEX totals_id ON totals (id)")
"""


# An empty table would be small: nothing on it is more than information.
LARGE = "[lint]\nsmall_rows = -1\n"


def versions(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((folder / "migrations" / "versions").glob("*.py"))}


def schema(database: Database) -> str:
    """The schema as pg_dump writes it, without what is different in every dump, and without order."""
    command = [str(PROGRAMS / "pg_dump"), "-s", "--no-owner", "-d", database.url()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    statements = re.split(r";\n", re.sub(r"(?m)^(--.*|\\(un)?restrict.*)?\n", "", done.stdout))
    return "\n".join(sorted(statements))


def succeeds(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def story(environment: Environment, database: Database, alembic: Run) -> Callable[..., Path]:
    """`story(*bodies)`: revisions with these bodies after one that makes TABLES, which alone is applied."""

    def make(*bodies: str) -> Path:
        folder = environment("generic", database)
        write_chain(folder, TABLES, *bodies)
        (folder / "migsafe.toml").write_text(LARGE)
        succeeds(alembic(folder, "upgrade f00"))
        return folder

    return make


def ends_like(
    folder: Path, naive: dict[str, str], database: Database, other: Database, alembic: Run, start: str = "f00"
) -> None:
    """Whether the fixed revisions run, their way back too, and end in the schema of the `naive` ones."""
    succeeds(alembic(folder, "upgrade head", f"downgrade {start}", "upgrade head"))
    ini = folder / "alembic.ini"
    ini.write_text(ini.read_text().replace(database.label.rpartition("/")[2], other.label.rpartition("/")[2]))
    for path in (folder / "migrations" / "versions").glob("*.py"):
        path.unlink()
    for name, text in naive.items():
        (folder / "migrations" / "versions" / name).write_text(text)
    succeeds(alembic(folder, "upgrade head"))
    assert schema(database) == schema(other)


def test_the_naive_revision_of_the_demo_is_mended(
    environment: Environment, database: Database, create_database: CreateDatabase, migsafe: Migsafe, alembic: Run
) -> None:
    folder = environment("generic", database)
    for path in (folder / "migrations" / "versions").glob("*.py"):
        path.unlink()
    for name in ("0001_chat.py", "0002_source_tracking.py", "0004_history_index_naive.py", "0005_validate_sources.py"):
        text = (DEMO / name).read_text().replace('"0003"', '"0002"')
        (folder / "migrations" / "versions" / name).write_text(text)
    (folder / "migsafe.toml").write_text(LARGE)
    env = folder / "migrations" / "env.py"
    env.write_text(env.read_text().replace("context.configure(", "context.configure(transaction_per_migration=True, "))
    succeeds(alembic(folder, "upgrade 0002"))
    naive = versions(folder)
    done = succeeds(migsafe(folder, "lint --fix"))
    assert "fixed create-index-not-concurrently at migrations/versions/0004_history_index_naive.py:16" in done.stderr
    assert "error" not in done.stdout
    assert "warning" not in done.stdout
    fixed = versions(folder)
    assert fixed["0004_history_index_naive.py"].endswith(
        """
def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_chat_messages_user_id_created_at",
            "chat_messages",
            ["user_id", "created_at"],
            postgresql_concurrently=True,
        )
    op.create_foreign_key(
        "fk_chat_sources_message_id",
        "chat_sources",
        "chat_messages",
        ["message_id"],
        ["id"],
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_chat_messages_user_id_created_at", table_name="chat_messages", postgresql_concurrently=True)
    op.drop_constraint("fk_chat_sources_message_id", "chat_sources", type_="foreignkey")
"""
    )
    (new,) = set(fixed) - set(naive)
    assert 'op.execute("ALTER TABLE chat_sources VALIDATE CONSTRAINT fk_chat_sources_message_id")' in fixed[new]
    assert f'down_revision = "{new[:12]}"' in fixed["0005_validate_sources.py"]
    assert f"Revises: {new[:12]}" in fixed["0005_validate_sources.py"]
    ends_like(folder, naive, database, create_database(), alembic, "0002")


NAIVE = '''
op.create_unique_constraint("uq_orders_number", "orders", ["number"])  # one number, one order
op.add_column("orders", sa.Column("buyer_id", sa.BigInteger(), sa.ForeignKey("users.id", ondelete="SET NULL"), index=1))
# who looks for an email
op.create_index(
    INDEX,
    "users",
    [sa.text("lower(email)")],  # not a plain column
    unique=False,
)
op.drop_index("ix_old", table_name="orders")
op.execute("""
    CREATE INDEX ix_orders_note
    ON orders (note)  -- for the search
""")
op.execute("REFRESH MATERIALIZED VIEW totals")
op.create_check_constraint("amount_positive", "orders", "amount > 0")
op.alter_column("users", "email", existing_type=sa.Text(), nullable=False)
op.execute(
    "ALTER TABLE orders "
    "ADD CONSTRAINT fk_user FOREIGN KEY (user_id) REFERENCES users (id)"
)
'''
BACK = """
op.drop_constraint("fk_user", "orders", type_="foreignkey")
op.alter_column("users", "email", existing_type=sa.Text(), nullable=True)
op.drop_constraint("amount_positive", "orders", type_="check")
op.execute("DROP INDEX ix_orders_note")
op.create_index("ix_old", "orders", ["amount"])
op.drop_index(INDEX, table_name="users")
op.drop_column("orders", "buyer_id")
op.drop_constraint("uq_orders_number", "orders", type_="unique")
"""


MOVED = """\
        # who looks for an email
        op.create_index(
            INDEX,
            "users",
            [sa.text("lower(email)")],  # not a plain column
            unique=False,
            postgresql_concurrently=True,
        )
"""


def test_one_revision_with_everything_becomes_two_that_end_in_the_same_schema(
    story: Callable[..., Path], database: Database, create_database: CreateDatabase, migsafe: Migsafe, alembic: Run
) -> None:
    folder = story(NAIVE, "op.execute('COMMENT ON TABLE users IS NULL')")
    path = folder / "migrations" / "versions" / "f01_written.py"
    text = path.read_text().replace("    pass\n", "".join(f"    {line}\n" for line in BACK.strip().split("\n")))
    path.write_text(text.replace("down_revision = 'f00'", "down_revision = 'f00'\n\nINDEX = 'ix_users_email'"))
    naive = versions(folder)
    done = migsafe(folder, "lint --fix")
    succeeds(done)
    assert "left" not in done.stderr
    fixed = versions(folder)
    assert "error" not in migsafe(folder, "lint --fix").stdout
    assert versions(folder) == fixed
    second = next(text for name, text in fixed.items() if "second_part" in name)
    assert MOVED in second
    assert "INDEX = 'ix_users_email'" in second
    assert "  # one number, one order" in fixed["f01_written.py"]
    ends_like(folder, naive, database, create_database(), alembic)


def test_without_a_transaction_before_it_concurrent_work_stays_and_two_calls_share_a_block(
    story: Callable[..., Path], migsafe: Migsafe
) -> None:
    folder = story('op.create_index("a", "orders", ["note"])\nop.create_index("b", "orders", ["amount"])')
    succeeds(migsafe(folder, "lint --fix"))
    fixed = versions(folder)
    assert len(fixed) == 2
    assert fixed["f01_written.py"].count("autocommit_block") == 1


LEFT = {
    'for name in ("a", "b"):\n    op.create_index(name, "orders", ["note"])': "it stands in a loop",
    'with op.batch_alter_table("orders") as batch:\n    batch.create_index("c", ["id"])': "in a batch",
    'name = "d"\nop.execute(f"CREATE INDEX {name} ON orders (user_id)")': "its SQL is not written in the call",
    'op.add_column("orders", sa.Column("kind", sa.Text(), nullable=False))': "cannot be guessed",
    'op.create_index("e", "orders", ["number"]); op.execute("SELECT 1")': "its line holds more than the call",
    'op.execute("CREATE INDEX f ON users (email); CREATE INDEX g ON orders (number, id)")': "other statements",
    'op.add_column("users", sa.Column("x", sa.Text()))\nop.create_index("h", "orders", ["amount", "id"])\n'
    'op.execute("UPDATE orders SET note = 1 WHERE id = 1")': "would come before it",
}


def test_what_cannot_be_mended_is_left_with_the_reason(story: Callable[..., Path], migsafe: Migsafe) -> None:
    folder = story(*LEFT)
    before = versions(folder)
    done = migsafe(folder, "lint --fix")
    for number, because in enumerate(LEFT.values(), start=1):
        assert re.search(
            rf"left [\w-]+ at migrations/versions/f0{number}_written.py:\d+ to you: .*{because}", done.stderr
        )
    assert versions(folder) == before


def test_a_diff_changes_nothing_and_applies(story: Callable[..., Path], migsafe: Migsafe) -> None:
    folder = story('op.create_check_constraint("positive", "orders", "amount > 0")')
    before = versions(folder)
    done = migsafe(folder, "lint --diff")
    assert done.returncode == 1
    assert versions(folder) == before
    subprocess.run(["git", "apply", "-"], input=done.stdout, cwd=folder, text=True, check=True)
    applied = versions(folder)
    for name, text in before.items():
        (folder / "migrations" / "versions" / name).write_text(text)
    (folder / "migrations" / "versions" / next(iter(set(applied) - set(before)))).unlink()
    succeeds(migsafe(folder, "lint --fix"))
    assert {n: _undated(t) for n, t in versions(folder).items()} == {n: _undated(t) for n, t in applied.items()}


def _undated(text: str) -> str:
    return re.sub(r"Create Date: .*", "", text)


def test_a_file_that_may_not_be_written_leaves_everything_as_it_was(
    story: Callable[..., Path], migsafe: Migsafe
) -> None:
    folder = story(
        'op.create_check_constraint("positive", "orders", "amount > 0")', "op.execute('COMMENT ON TABLE users IS NULL')"
    )
    follower = folder / "migrations" / "versions" / "f02_written.py"
    follower.chmod(0o444)
    before = versions(folder)
    done = migsafe(folder, "lint --fix")
    assert done.returncode == 2
    assert "migrations/versions/f02_written.py is read-only" in done.stderr
    assert versions(folder) == before
    assert sorted(path.suffix for path in follower.parent.iterdir() if path.is_file()) == [".py"] * 3


def test_what_may_be_applied_is_not_changed(story: Callable[..., Path], migsafe: Migsafe) -> None:
    folder = story('op.create_index("a", "orders", ["note"])')
    done = migsafe(folder, "lint --fix f00:f01")
    assert done.returncode == 2
    assert "whether these revisions are applied somewhere" in done.stderr
    assert "+    with op.get_context()" in migsafe(folder, "lint --diff f00:f01").stdout


def test_a_branch_is_mended_without_a_database_but_not_what_its_base_has(
    story: Callable[..., Path], migsafe: Migsafe
) -> None:
    folder = story('op.create_index("a", "orders", ["note"])')
    new = folder / "migrations" / "versions" / "f01_written.py"
    kept = new.read_text()
    new.unlink()
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    new.write_text(kept)
    succeeds(migsafe(folder, "lint --fix --base-ref main"))
    assert "autocommit_block" in new.read_text()
    new.write_text(kept)
    for words in (["add", "."], ["commit", "-qm", "merged"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    new.write_text(f"# changed\n{kept}")
    done = migsafe(folder, "lint --fix --base-ref main")
    assert done.returncode == 2
    assert "is in main already" in done.stderr
