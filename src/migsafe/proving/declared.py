"""The questions that a team's revisions ask of the database: collected from the scripts, answered by the server."""

from collections.abc import Iterable

from migsafe.model.checks import CheckResult
from migsafe.model.declared import Declared
from migsafe.postgres.answer import Connection
from migsafe.revisions.config import Environment
from migsafe.revisions.declared import declarations
from migsafe.verify import declared_in_file, run_declared


def declared_of(environment: Environment, revisions: Iterable[str]) -> tuple[Declared, ...]:
    """What `revisions` declare in `def verify(check)` and in `verify/<revision>.sql`, and what is wrong with that.

    Raises RevisionError for a revision file that cannot be loaded.
    """
    wanted = tuple(revisions)
    found = declarations(environment, wanted)
    strays = tuple(
        Declared(f"no revision has the id that this file is named after: {path}", place=path, how="broken", revision="")
        for path in found.strays
    )
    files = tuple(each for file in found.files for each in declared_in_file(file.revision, file.path, file.text))
    ordered = sorted((*found.declared, *files), key=lambda each: wanted.index(each.revision or ""))
    return (*ordered, *strays)


def answered(connection: Connection, environment: Environment, revisions: Iterable[str]) -> tuple[CheckResult, ...]:
    """What the server says to everything that `revisions` declare."""
    return run_declared(connection, declared_of(environment, revisions))
