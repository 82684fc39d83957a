"""What `migsafe lint` is given, read: one plan for every schema that something is linted over."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from migsafe.cli.options import Choices, Globals
from migsafe.errors import ConnectionFailed, RevisionError, UsageError
from migsafe.model.catalog import Catalog
from migsafe.model.plan import Plan

if TYPE_CHECKING:
    from migsafe.preview import Preview

STDIN = "<stdin>"
_WITHOUT_A_DATABASE = (
    "Without a database: `migsafe lint --base-ref origin/main` for what this branch adds, or `migsafe lint FROM:TO` "
    "(base:heads is everything)."
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be linted. `url` is set only when it was typed: the schema is then that of this database.

    `schema` and `server_version` are for SQL: a file that builds the schema, and PostgreSQL's major version.
    """

    inputs: tuple[str, ...] = ()
    base_ref: str | None = None
    downgrade: bool = False
    url: str | None = None
    schema: str | None = None
    server_version: int | None = None


class Seen(msgspec.Struct, frozen=True):
    """A plan and the schema before its first statement. `each_alone`: history, each revision deployed by itself.

    `sources` are texts that no file has, by the path that statements name.
    """

    plan: Plan
    before: Catalog
    each_alone: bool = False
    sources: Mapping[str, str] = {}


def look_at_inputs(given: Globals, wanted: Wanted, choices: Choices) -> tuple[Seen, ...]:
    """The plans of what is `wanted`. Raises UsageError for what is neither a revision nor a file."""
    files = tuple(each for each in wanted.inputs if _is_a_file(each))
    names = tuple(each for each in wanted.inputs if each not in files)
    if wanted.base_ref is not None and wanted.inputs:
        raise UsageError(f"--base-ref and {wanted.inputs[0]} both say what to lint", "Give one of them.")
    if len(names) > 1 or (names and files):
        raise UsageError(
            f"{' '.join(wanted.inputs)}: that is more than one thing to lint",
            "Give one revision or FROM:TO, or any number of files.",
        )
    scripts = tuple(each for each in files if each == "-" or not each.endswith(".py"))
    if (wanted.schema or wanted.server_version) and not scripts:
        raise UsageError("--schema and --server-version are for SQL", "Give SQL files; revisions bring their schema.")
    if files:
        modules = tuple(Path(each) for each in files if each not in scripts)
        return (*_of_modules(given, modules, wanted, choices), *_of_scripts(scripts, wanted))
    if wanted.base_ref is not None:
        return _of_branch(given, wanted.base_ref, wanted, choices)
    return _of_revisions(given, names[0] if names else None, choices, downgrade=wanted.downgrade)


def _is_a_file(given: str) -> bool:
    return given == "-" or given.endswith((".py", ".sql")) or Path(given).is_file()


def _of_revisions(given: Globals, revision: str | None, choices: Choices, *, downgrade: bool) -> tuple[Seen, ...]:
    """What the database does not have, up to a revision; the way down to it; or a range without any database."""
    from migsafe.cli.looked import look_at

    ranged = revision is not None and ":" in revision
    # The way down to a revision is one thing, the downgrade() of what is pending, or in a range, another.
    down = downgrade and revision is not None
    try:
        looked = look_at(given, revision or "heads", choices, "downgrade" if down else "upgrade", undoing=downgrade)
    except (ConnectionFailed, RevisionError) as error:
        if ranged or (isinstance(error, RevisionError) and "env.py" not in error.message):
            raise
        remedy = " ".join(part for part in (error.remedy, _WITHOUT_A_DATABASE) if part)
        raise type(error)(error.message, remedy) from None
    return tuple(_seen(each.preview, downgrade=downgrade, each_alone=ranged) for each in looked)


def _seen(preview: "Preview", *, downgrade: bool, each_alone: bool) -> Seen:
    if downgrade and preview.back is not None:
        return Seen(preview.back, preview.after, each_alone=True)
    return Seen(preview.plan, preview.before, each_alone=each_alone)


def _of_branch(given: Globals, ref: str, wanted: Wanted, choices: Choices) -> tuple[Seen, ...]:
    """The revisions whose files differ from where this branch left `ref`."""
    from migsafe.cli.opened import opened
    from migsafe.git import changed_since
    from migsafe.revisions.files import revisions_in

    changes = changed_since(ref, Path(opened(given, choices)[0].script.dir))
    if changes.note:
        _note(changes.note)
    found = revisions_in(opened(given, choices)[0], sorted(changes.paths))
    if not found:
        _note(f"no revision file differs from {ref}")
    return _of_some(given, tuple(found.values()), wanted, choices)


def _of_modules(given: Globals, paths: Sequence[Path], wanted: Wanted, choices: Choices) -> tuple[Seen, ...]:
    if not paths:
        return ()
    from migsafe.revisions.files import looks_like_a_revision, revisions_in

    for path in paths:
        if not path.is_file():
            raise UsageError(f"{path}: there is no such file", "Give a revision file, a SQL file, or a revision.")
    candidates = [path for path in paths if looks_like_a_revision(path)]
    for path in paths:
        if path not in candidates:
            _note(f"{path} is no revision file, and was not linted")
    if not candidates:
        return ()
    from migsafe.cli.opened import opened

    environment = opened(given, choices)[0]
    found = revisions_in(environment, candidates)
    strangers = [str(path) for path in candidates if path not in found]
    if strangers:
        raise UsageError(
            f"{', '.join(strangers)}: no revision of the environment in {environment.script.dir}",
            "Name the environment that has it: migsafe -c FILE lint …, or -n SECTION.",
        )
    return _of_some(given, tuple(found.values()), wanted, choices)


def _of_some(given: Globals, revisions: tuple[str, ...], wanted: Wanted, choices: Choices) -> tuple[Seen, ...]:
    from migsafe.cli.looked import look_at_some
    from migsafe.cli.opened import opened

    if not revisions:
        return ()
    environment, settings = opened(given, choices)
    previews = look_at_some(environment, settings, revisions, url=wanted.url, downgrade=wanted.downgrade)
    read = {step.revision for preview in previews for step in preview.plan.steps}
    for missing in sorted(set(revisions) - read):
        _note(f"{missing} is in the database of --url already, and was not linted; without --url it is")
    return tuple(Seen(preview.plan, preview.before, each_alone=True) for preview in previews)


def _of_scripts(paths: Sequence[str], wanted: Wanted) -> tuple[Seen, ...]:
    """SQL files and standard input, one after the other. Needs no environment, and loads no Alembic."""
    if not paths:
        return ()
    if wanted.downgrade:
        raise UsageError("--downgrade is for revisions; SQL has one direction", "Give the SQL that leads down.")
    from migsafe.cli.explain import content, context, decoded
    from migsafe.explanation import Text, planned

    if paths.count("-") > 1:
        raise UsageError("standard input can be read once", "Give - once.")
    texts = [
        Text(decoded(sys.stdin.buffer.read(), "standard input"), STDIN)
        if path == "-"
        else Text(content(path), os.path.normpath(path))
        for path in paths
    ]
    catalog, version = context(wanted.schema, wanted.url, wanted.server_version)
    sources = {text.path: text.sql for text in texts if text.path == STDIN}
    return (Seen(planned(texts, catalog, version), catalog, each_alone=True, sources=sources),)


def _note(text: str) -> None:
    print(f"migsafe: note: {text}", file=sys.stderr)
