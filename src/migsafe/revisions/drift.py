"""Where the models (target_metadata of env.py) and the database differ, by Alembic's own comparison."""

from collections.abc import Iterable, Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from migsafe.errors import RevisionError
from migsafe.revisions.config import Environment
from migsafe.revisions.drive import run_env
from migsafe.revisions.sentence import named


def drift(environment: Environment, *, url: str | None = None) -> tuple[str, ...] | None:
    """What `alembic check` would find, a phrase each, sorted; None when env.py gives no target_metadata.

    With env.py's own options (include_object, compare_type, …), in a read-only transaction. Raises RevisionError
    (also for what a comparison raises: it calls functions of env.py and of plugins) or ConnectionFailed.
    """
    found: list[set[str]] = []

    def compare(_: tuple[str, ...], context: MigrationContext) -> Iterable[Any]:
        metadata = context.opts.get("target_metadata")
        if metadata is not None and context.connection is not None:
            context.connection.execute(text("SET TRANSACTION READ ONLY"))
            found.append(_compared(context, metadata))
        return ()

    run_env(environment, compare, target="heads", url=url, mutate=False)
    return tuple(sorted(set().union(*found))) if found else None


def _compared(context: MigrationContext, metadata: Any) -> set[str]:
    try:
        return set(_phrases(compare_metadata(context, metadata)))
    except Exception as error:
        raise RevisionError(named(error), "`alembic check` shows where that comes from.") from error


def _phrases(differences: Iterable[Any]) -> Iterator[str]:
    """Alembic gives a tuple for each object, and a list of them for what changes in one column."""
    for difference in differences:
        if isinstance(difference, list):
            yield from _phrases(difference)
        else:
            yield _phrase(difference)


def _phrase(difference: tuple[Any, ...]) -> str:
    operation, *details = difference
    words = str(operation).replace("_", " ")
    if words.endswith(" table comment"):
        return f"{words} {details[0]}"
    if words.startswith(("modify ", "add column", "remove column")):
        schema, table, column, *rest = details
        label = ".".join(part for part in (schema, table, getattr(column, "name", column)) if part)
        return f"{words} {label}" + (f" ({rest[1]!r} in the database, {rest[2]!r} in the models)" if rest else "")
    thing = details[0] if details else None
    table = getattr(thing, "table", None)
    label = str(getattr(thing, "name", None) or thing)
    return f"{words} {label}" + (f" on {table}" if table is not None and table is not thing else "")
