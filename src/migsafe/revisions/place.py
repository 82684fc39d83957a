"""Where in a revision file a statement comes from."""

import bisect
import functools
import re
import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

import msgspec
from alembic.operations.batch import BatchOperationsImpl
from alembic.runtime.migration import HeadMaintainer


class Place(msgspec.Struct, frozen=True):
    """A line (from 1) of a file, and Alembic's name of the operation (`op.add_column`) if one was called."""

    path: str | None = None
    line: int | None = None
    operation: str | None = None


# What the version table's own statements carry instead of a line.
BOOKKEEPING = Place(operation="(version table)")

# The version table's own INSERT, UPDATE and DELETE come from here, and from nothing that a user wrote.
_BOOKKEEPING: frozenset[CodeType] = frozenset(
    function.__code__ for function in vars(HeadMaintainer).values() if hasattr(function, "__code__")
)
_REFLECTION = ("sqlalchemy/engine/reflection.py", "sqlalchemy/dialects/postgresql/base.py")


def locate(paths: frozenset[str]) -> Place | None:
    """The innermost line of one of `paths` (names as in `co_filename`) that leads to the caller.

    BOOKKEEPING for Alembic's own version table, None for SQLAlchemy's reflection. A place without a line when no
    frame belongs to a revision.
    """
    operation = None
    for frame in _frames(sys._getframe(1)):
        code = frame.f_code
        if code.co_filename in paths and code not in _BOOKKEEPING:
            return Place(code.co_filename, _line(frame), operation)
        match _kind(code):
            case "bookkeeping":
                return BOOKKEEPING
            case "reflection":
                return None
            case "flush" if isinstance(frame.f_locals.get("self"), BatchOperationsImpl):
                queued = frame.f_locals["self"].batch
                if isinstance(queued, _TracedBatch) and queued.current is not None:
                    return queued.current
            case "invoke" if operation is None and "operation" in frame.f_locals:
                operation = operation_name(type(frame.f_locals["operation"]).__name__)
    return Place(operation=operation)


def _line(frame: FrameType) -> int | None:
    """`f_lineno`, which reads a function's table of lines from its start at every call: slow for a long upgrade()."""
    if len(frame.f_code.co_linetable) < _LONG:
        return frame.f_lineno
    starts, lines = _lines(frame.f_code)
    return lines[bisect.bisect_right(starts, frame.f_lasti) - 1]


_LONG = 2000


@functools.cache
def _lines(code: CodeType) -> tuple[list[int], list[int | None]]:
    ranges = list(code.co_lines())
    return [start for start, _, _ in ranges], [line for _, _, line in ranges]


@functools.cache
def _kind(code: CodeType) -> str | None:
    """What a frame of that code tells."""
    if code in _BOOKKEEPING:
        return "bookkeeping"
    if code.co_filename.endswith(_REFLECTION):
        return "reflection"
    return code.co_name if code.co_name in ("flush", "invoke") else None


def line_in(paths: frozenset[str]) -> int | None:
    """The innermost line of one of `paths` that leads to the caller, whatever lies between."""
    return next((frame.f_lineno for frame in _frames(sys._getframe(1)) if frame.f_code.co_filename in paths), None)


@functools.cache
def operation_name(class_name: str) -> str:
    """`AddColumnOp` as its users know it: `op.add_column`."""
    if class_name == "ExecuteSQLOp":
        return "op.execute"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", class_name.removesuffix("Op"))
    return f"op.{words.lower()}"


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
    # `op.run_async` and async drivers run our caller in a greenlet whose parent holds the revision's frame.
    if "greenlet" not in sys.modules:
        return
    import greenlet

    parent = greenlet.getcurrent().parent
    while parent is not None:
        frame = parent.gr_frame
        while frame is not None:
            yield frame
            frame = frame.f_back
        parent = parent.parent


class _TracedBatch(list[Any]):
    """The queue of a `batch_alter_table` block, flushed at its end: each item keeps its own line."""

    def __init__(self, paths: frozenset[str]) -> None:
        super().__init__()
        self.paths = paths
        self.places: list[Place | None] = []
        self.current: Place | None = None

    def append(self, item: Any) -> None:
        super().append(item)
        self.places.append(locate(self.paths))

    def __iter__(self) -> Iterator[Any]:
        for item, place in zip(super().__iter__(), self.places, strict=True):
            self.current = place
            yield item
        self.current = None


class BatchTracer:
    """While entered, batches remember the line of each of their operations. `paths` may change meanwhile."""

    def __init__(self) -> None:
        self.paths: frozenset[str] = frozenset()

    def __enter__(self) -> "BatchTracer":
        self._init = BatchOperationsImpl.__init__
        original, tracer = self._init, self

        def traced(self: BatchOperationsImpl, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)  # type: ignore[no-untyped-call]
            self.batch = _TracedBatch(tracer.paths)

        BatchOperationsImpl.__init__ = traced  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        BatchOperationsImpl.__init__ = self._init  # type: ignore[method-assign]
