"""Gives a revision that has no downgrade() one, in memory: Alembic then runs it as if it stood in the file."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from alembic import op
from alembic.script import Script
from sqlalchemy import text

from migsafe.errors import RevisionError
from migsafe.model.inverse import Command
from migsafe.revisions.config import Environment, loading
from migsafe.revisions.traits import way_back


def without_downgrade(environment: Environment) -> dict[str, Script]:
    """The revisions whose downgrade() is missing or empty, by id. One that raises is as its author wants it."""
    with loading(environment):
        scripts = {script.revision: script for script in environment.script.walk_revisions()}
    return {name: script for name, script in scripts.items() if way_back(script.module) in ("missing", "empty")}


def give_placeholder(script: Script) -> None:
    """Let Alembic plan over a revision without downgrade(), which it cannot: that of ours raises when it is run."""
    if not hasattr(script.module, "downgrade"):
        _give(script, _refusing(script.revision))


def give_downgrade(script: Script, commands: Iterable[Command]) -> None:
    """A downgrade() that sends `commands`, each that stands apart in an autocommit block of its own."""
    _give(script, _sending(tuple(commands)))


def _give(script: Script, function: Callable[[], None]) -> None:
    """As if it stood below the last line of the file: where a statement comes from is read from the call stack."""
    lines = Path(script.path).read_text(encoding="utf-8", errors="replace").count("\n") + 1
    text_ = "\n" * lines + "def downgrade(*args, **kwargs): derived()\n"
    module: Any = script.module
    namespace: dict[str, Any] = {"derived": function, "__name__": module.__name__}
    exec(compile(text_, script.path, "exec"), namespace)  # noqa: S102  the text is the one above
    module.downgrade = namespace["downgrade"]


def _refusing(revision: str) -> Callable[[], None]:
    def downgrade() -> None:
        raise RevisionError(f"{revision} has no downgrade(), and none can be derived", "See `migsafe undo-plan`.")

    return downgrade


def _sending(commands: tuple[Command, ...]) -> Callable[[], None]:
    def downgrade() -> None:
        for each in commands:
            # A colon before a word is a parameter to SQLAlchemy.
            statement = text(each.sql.replace(":", r"\:"))
            if each.apart:
                with op.get_context().autocommit_block():
                    op.execute(statement)
            else:
                op.execute(statement)

    return downgrade
