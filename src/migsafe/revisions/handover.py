"""Alembic's own command line, for every command that migsafe does not have."""

import inspect
from collections.abc import Sequence

from alembic import command, config


def alembic_commands() -> tuple[str, ...]:
    """The names of the commands of the Alembic that is installed."""
    functions = (function for _, function in inspect.getmembers(command, inspect.isfunction))
    # The same choice as in alembic.config.CommandLine.
    return tuple(f.__name__ for f in functions if f.__module__ == command.__name__ and not f.__name__.startswith("_"))


def hand_over(argv: Sequence[str]) -> int:
    """Run `alembic` with `argv`, output and exit code unchanged (errors leave as Alembic's own SystemExit)."""
    config.main(argv=list(argv), prog="alembic")
    return 0
