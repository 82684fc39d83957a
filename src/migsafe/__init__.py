"""migsafe: Alembic migrations on a live PostgreSQL.

`import migsafe` is cheap: what is named here is loaded when it is first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from migsafe import command as command
    from migsafe.env_guard import guard as guard
    from migsafe.explanation import explain as explain
    from migsafe.model.catalog import Catalog as Catalog
    from migsafe.model.report import Report as Report
    from migsafe.revisions.check import Check as Check

__version__ = "0.1.0"
__all__ = ["Catalog", "Check", "Report", "__version__", "command", "explain", "guard"]

_HOMES = {
    "Catalog": "migsafe.model.catalog",
    "Check": "migsafe.revisions.check",
    "Report": "migsafe.model.report",
    "explain": "migsafe.explanation",
    "guard": "migsafe.env_guard",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name == "command":
        return importlib.import_module("migsafe.command")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
