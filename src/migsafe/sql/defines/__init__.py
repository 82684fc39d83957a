"""What stands in the definition of an object and the catalog in memory does not hold: WHEN of a trigger and such."""

from collections.abc import Callable, Iterable
from typing import Any

from migsafe.model.effects import Attribute, Object
from migsafe.sql.defines import functions, others, relations, roles, sequences, triggers
from migsafe.sql.draft import Draft

Found = Iterable[tuple[Object, str, str | None]]

_FAMILIES: dict[str, Callable[[Any, Draft], Found]] = {
    **triggers.NOTING,
    **functions.NOTING,
    **relations.NOTING,
    **sequences.NOTING,
    **others.NOTING,
    **roles.NOTING,
}


def defines(node: Any, draft: Draft) -> tuple[Attribute, ...]:
    """What the statement defines of objects; its own module has filled the draft already."""
    noting = _FAMILIES.get(type(node).__name__)
    if noting is None or draft.nothing_to_do or draft.unknown is not None:
        return ()
    return tuple(Attribute(*each) for each in noting(node, draft) if not _is_temporary(each[0]))


def _is_temporary(thing: Object) -> bool:
    return (thing.of or thing.name).startswith("pg_temp.")
