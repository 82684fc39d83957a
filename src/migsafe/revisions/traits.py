"""What a revision file says of itself, beside the statements that it sends."""

import dis
import functools
import re
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Literal

WayBack = Literal["there", "empty", "raises", "missing"]

_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([\w.]+))", re.MULTILINE)


def way_back(module: ModuleType) -> WayBack:
    """What downgrade() of a revision is, from its code alone: empty calls nothing, raises never returns."""
    function = getattr(module, "downgrade", None)
    code = getattr(function, "__code__", None)
    if code is None:
        return "missing" if function is None else "there"
    operations = {dis.opname[number] for number in code.co_code[::2]}
    if "RAISE_VARARGS" in operations and operations.isdisjoint({"RETURN_VALUE", "RETURN_CONST"}):
        return "raises"
    return "there" if code.co_names or code.co_freevars else "empty"


def application_imports(path: str) -> tuple[str, ...]:
    """The modules that a revision file imports and that are neither installed, nor Python's, nor beside it.

    Only what is loaded by now can be told. Empty for a file that cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ()
    environment = str(Path(path).resolve().parent.parent)
    named = dict.fromkeys(match[1] or match[2] for match in _IMPORT.finditer(text))
    return tuple(name for name in named if _is_application(name.partition(".")[0], environment))


@functools.cache
def _is_application(root: str, environment: str) -> bool:
    if not root or root in sys.stdlib_module_names:
        return False
    module = sys.modules.get(root)
    places = [getattr(module, "__file__", None), *(getattr(module, "__path__", None) or ())]
    found = [Path(place).resolve() for place in places if place]
    foreign = (sysconfig.get_path("stdlib"), environment)
    return bool(found) and not any(str(place).startswith(foreign) or _is_installed(place, root) for place in found)


@cache
def _is_installed(place: Path, root: str) -> bool:
    """Whether it lies where an installer put it: beside the records of installed distributions."""
    folder = next((above.parent for above in (place, *place.parents) if above.stem == root), place.parent)
    return any(folder.glob("*.dist-info"))
