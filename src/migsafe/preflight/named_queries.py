"""Which of the named queries a check asks: found in its source, so that the page cannot drift from the code."""

import inspect
import re
from types import ModuleType

from migsafe.postgres.queries import query

_NAME = re.compile(r"\"(preflight_\w+)\"")
_PACKAGE = "migsafe.preflight."


def queries_of(module: ModuleType) -> dict[str, str]:
    """SQL by name: of the check itself, then of what it imports from this package."""
    names: dict[str, None] = {}
    todo, seen = [module], {module.__name__}
    while todo:
        asking = todo.pop(0)
        names |= dict.fromkeys(_NAME.findall(inspect.getsource(asking)))
        for each in _imported(asking):
            if each.__name__ not in seen:
                seen.add(each.__name__)
                todo.append(each)
    return {name: query(name) for name in names}


def _imported(module: ModuleType) -> list[ModuleType]:
    homes = [inspect.getmodule(value) for value in vars(module).values() if callable(value) or inspect.ismodule(value)]
    return [home for home in homes if home is not None and home.__name__.startswith(_PACKAGE)]
