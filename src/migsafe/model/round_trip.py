"""What came of going up, down and up again."""

from typing import Literal

import msgspec

Verdict = Literal["exact", "lossy", "wrong", "empty", "none", "nothing", "unknown"]
Rows = Literal["all", "without NULLs", "none"]


class RoundTrip(msgspec.Struct, frozen=True):
    """A revision's downgrade(), tried. `verdict`: `exact` (schema and rows as before), `lossy` (the schema is, `lost`
    are tables and columns whose values are not), `wrong` (the schema is not, or it fails), `empty` (it does nothing
    and upgrade() does), `none` (there is none, or it raises on purpose), `nothing` (upgrade() changes nothing),
    `unknown` (upgrade() could not be run there).

    `differences` are objects, `message` is what was said by what failed. `rows_refused`: why upgrade() does not run on
    tables with rows; it was tried on rows without NULLs, or without rows where it does not run on those either (`rows`
    says which). `new_rows_refused`: why downgrade() does not run on rows that only the new schema takes; it was tried
    without them. `reordered`: tables whose columns are in another order. `unfilled`: tables without a row and columns
    without a value, and why. `kept`: extensions that downgrade() leaves in place, which is no fault. `untried`: the
    revisions that were not tried because upgrade() of this one does not run.
    """

    revision: str
    path: str
    verdict: Verdict
    message: str | None = None
    differences: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    reordered: tuple[str, ...] = ()
    rows_refused: str | None = None
    rows: Rows = "all"
    new_rows_refused: str | None = None
    unfilled: dict[str, str] = {}
    kept: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
