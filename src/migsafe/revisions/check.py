"""What `def verify(check)` of a revision gets: it writes down what must be true, and asks nothing itself."""

import sys
from types import FrameType
from typing import Any, Final

from migsafe.model.declared import Declared

_NOT_GIVEN: Final = object()


class Check:
    """Collects the questions of one revision in `declared`, in the order in which they were asked.

    The SQL of every method is one SELECT (WITH, VALUES). It is run after the upgrade, and by `migsafe verify` whenever
    somebody asks, in a read-only transaction with row security off. `name` is what reports call it, `timeout` its
    seconds (30 by default). What is outside the bounds `warn_…` is a warning, outside the others a failure.
    """

    def __init__(self, revision: str, path: str, file: str) -> None:
        self.declared: list[Declared] = []
        self._revision, self._path, self._file = revision, path, file

    def value(
        self,
        sql: str,
        *,
        equals: object = _NOT_GIVEN,
        at_least: float | None = None,
        at_most: float | None = None,
        warn_below: float | None = None,
        warn_above: float | None = None,
        name: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """The query gives one row with one value: `equals` it, or a number from `at_least` to `at_most`.

        A list, dict, date or other value is compared as PostgreSQL's driver prints it. Raises TypeError when nothing
        is expected.
        """
        expected = [_exactly(equals)] if equals is not _NOT_GIVEN else []
        bounds = [*expected, *_bounds(at_least, at_most)]
        if not bounds:
            raise TypeError("check.value() needs equals=, at_least= or at_most=")
        self._add_all(sql, bounds, _bounds(warn_below, warn_above), name=name, timeout=timeout)

    def no_rows(self, sql: str, *, name: str | None = None, timeout: float | None = None) -> None:
        """The query gives no row: it selects what must not be."""
        self._add(sql, "no rows", name=name, timeout=timeout)

    def rows(
        self,
        sql: str,
        *,
        at_least: int = 1,
        exactly: int | None = None,
        name: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """The query gives so many rows."""
        expect = f"at least {at_least} rows" if exactly is None else f"{exactly} rows"
        self._add(sql, expect, name=name, timeout=timeout)

    def share(
        self,
        sql: str,
        *,
        at_least: float,
        warn_below: float | None = None,
        name: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Of the rows of the query, which have one boolean, at least this share (0 to 1) is true; NULL is not.

        Or the query gives one row: the share itself, or two numbers, the part and the whole. Of no rows there is no
        share, and the check is `unknown`.
        """
        warn = f">= {warn_below}" if warn_below is not None else None
        self._add(sql, f">= {at_least}", how="share", warn=warn, name=name, timeout=timeout)

    def vector_dimensions(
        self, column: str, dimensions: int, *, name: str | None = None, timeout: float | None = None
    ) -> None:
        """The vectors of `column` (`table.column` or `schema.table.column`, quoted as in SQL) have `dimensions`.

        Of a column vector(n), halfvec(n) or sparsevec(n) its type is proof; of one without n every row is read.
        """
        sql = f"dimensions of the vectors in {column}"
        self._add(sql, str(dimensions), how="dimensions", subject=column, name=name, timeout=timeout)

    def uses_index(
        self,
        sql: str,
        index: str,
        *,
        within_ms: float | None = None,
        warn_above_ms: float | None = None,
        name: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """The server runs the query with this index, in `within_ms` milliseconds (the best of three runs).

        EXPLAIN (ANALYZE, BUFFERS) runs it, read-only. On a table of less than 10,000 rows, where the planner rightly
        prefers to read it all, that the index could be used is enough for a warning instead of a failure.
        """
        expect = f"<= {within_ms}" if within_ms is not None else ""
        warn = f"<= {warn_above_ms}" if warn_above_ms is not None else None
        self._add(sql, expect, how="index", subject=index, warn=warn, name=name, timeout=timeout)

    def _add_all(self, sql: str, bounds: list[str], warnings: list[str], **facts: Any) -> None:
        for index in range(max(len(bounds), len(warnings))):
            warn = warnings[index] if index < len(warnings) else None
            self._add(sql, bounds[min(index, len(bounds) - 1)], warn=warn, **facts)

    def _add(self, sql: str, expect: str, **facts: Any) -> None:
        place = f"{self._path}:{self._line()}"
        self.declared.append(Declared(sql.strip().rstrip(";"), expect, place, revision=self._revision, **facts))

    def _line(self) -> int:
        """The line of the revision file that called; of whoever called, where that is a function of another file."""
        frame: FrameType | None = sys._getframe(1)
        outside: int | None = None
        while frame is not None:
            if frame.f_code.co_filename == self._file:
                return frame.f_lineno
            if outside is None and frame.f_code.co_filename != __file__:
                outside = frame.f_lineno
            frame = frame.f_back
        return outside or 1


def _bounds(least: float | None, most: float | None) -> list[str]:
    return [f"{sign} {bound}" for sign, bound in ((">=", least), ("<=", most)) if bound is not None]


def _exactly(value: object) -> str:
    """The expectation that only `value` meets, also where its text looks like another expectation."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"== '{value}'"
    return f"== {value}" if isinstance(value, int | float) else str(value)
