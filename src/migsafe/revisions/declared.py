"""What revisions declare beside their SQL: `def verify(check)`, and the file `verify/<revision>.sql`."""

import inspect
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
from alembic.script import Script

from migsafe.model.declared import Declared
from migsafe.revisions.check import Check
from migsafe.revisions.config import Environment, loading, relative

FOLDER = "verify"


class VerifyFile(msgspec.Struct, frozen=True):
    """`verify/<revision>.sql` or `verify/<revision>_<anything>.sql`: its path for a reader, and its text."""

    revision: str
    path: str
    text: str


class Declarations(msgspec.Struct, frozen=True):
    """Of the revisions asked for, in their order; `strays` are files that belong to no revision at all."""

    declared: tuple[Declared, ...] = ()
    files: tuple[VerifyFile, ...] = ()
    strays: tuple[str, ...] = ()


def declarations(environment: Environment, revisions: Iterable[str]) -> Declarations:
    """Everything that `revisions` (full ids) declare. What is wrong with a declaration is a Declared `broken`.

    Raises RevisionError for a revision file that cannot be loaded, OSError for a verify file that cannot be read.
    """
    with loading(environment):
        scripts = [script for each in revisions if (script := environment.script.get_revision(each)) is not None]
        known = {script.revision for script in environment.script.walk_revisions()}
    folder = Path(environment.script.dir) / FOLDER
    found = sorted(folder.glob("*.sql")) if folder.is_dir() else []
    owners = {path: _owner(path, known) for path in found}
    wanted = [script.revision for script in scripts]
    files = [VerifyFile(owner, relative(path), path.read_text("utf-8")) for path, owner in owners.items() if owner]
    return Declarations(
        declared=tuple(each for script in scripts for each in _declared(script)),
        files=tuple(
            sorted((each for each in files if each.revision in wanted), key=lambda each: wanted.index(each.revision))
        ),
        strays=tuple(relative(path) for path, owner in owners.items() if owner is None),
    )


def named(environment: Environment, revision: str) -> tuple[str, ...]:
    """The full ids of what `revision` means to Alembic: an id, the start of one, a label, `heads`.

    Raises UsageError for what it does not mean.
    """
    with loading(environment):
        return tuple(script.revision for script in environment.script.get_revisions(revision) if script is not None)


def applied(environment: Environment, heads: tuple[str, ...], among: Iterable[str] | None = None) -> tuple[str, ...]:
    """The revisions that a database at `heads` has, the first one first; `among` (None: all) narrows them."""
    with loading(environment):
        there = [script.revision for script in environment.script.iterate_revisions(heads, "base")] if heads else []
    wanted = set(there) if among is None else set(among)
    return tuple(each for each in reversed(there) if each in wanted)


def _owner(path: Path, known: set[str]) -> str | None:
    """The longest revision id that the name is, or begins with before an underscore."""
    fitting = [each for each in known if path.stem == each or path.stem.startswith(f"{each}_")]
    return max(fitting, key=len, default=None)


def _declared(script: Script) -> Iterator[Declared]:
    function = getattr(script.module, "verify", None)
    if not inspect.isfunction(function) or function.__module__ != script.module.__name__:
        return
    path, line = relative(script.path), function.__code__.co_firstlineno
    check = Check(script.revision, path, function.__code__.co_filename)
    try:
        inspect.signature(function).bind(check)
    except TypeError:
        wrong = "verify() takes one argument, the check: def verify(check)"
        yield Declared(wrong, place=f"{path}:{line}", how="broken", revision=script.revision)
        return
    try:
        function(check)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)
        at = next((each.lineno for each in reversed(last) if each.filename == function.__code__.co_filename), line)
        said = f"verify() raised {type(error).__name__}: {error}"
        yield from check.declared
        yield Declared(said, place=f"{path}:{at}", how="broken", revision=script.revision)
        return
    yield from check.declared
