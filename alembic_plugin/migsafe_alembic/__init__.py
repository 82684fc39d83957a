"""The part of migsafe that Alembic loads, in every process that imports alembic.

So it is tiny, imports nothing heavy and never raises: what went wrong is kept in `failure` for migsafe to report.
"""

from collections.abc import Iterator
from types import ModuleType

failure: str | None = None


class _Plugin(ModuleType):
    """An entry point that is a module and iterable: Alembic before 1.20.1 iterates over it, later ones call setup()."""

    def __iter__(self) -> Iterator["_Plugin"]:
        return iter((self,))

    def setup(self, plugin: object) -> None:
        """Register `op.verify`, `op.enable_extension` and `op.disable_extension`; a second call changes nothing."""
        global failure
        try:
            import migsafe_alembic.operations  # noqa: F401  its import registers

            failure = None
        except (Exception, SystemExit) as error:
            failure = _told(error)


def _told(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__


PLUGIN = _Plugin("migsafe_alembic.PLUGIN")
