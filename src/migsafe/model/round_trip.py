"""What came of going up, down and up again."""

from typing import Literal

import msgspec

Verdict = Literal["exact", "lossy", "wrong", "empty", "none", "nothing", "unknown"]


class RoundTrip(msgspec.Struct, frozen=True):
    """A revision's downgrade(), tried. `verdict`: `exact` (schema and rows as before), `lossy` (the schema is, `lost`
    are tables and columns whose values are not), `wrong` (the schema is not, or it fails), `empty` (it does nothing
    and upgrade() does), `none` (there is none, or it raises on purpose), `nothing` (upgrade() changes nothing),
    `unknown` (upgrade() could not be run there).

    `differences` are objects, `message` is what was said by what failed. `rows_refused`: why upgrade() does not run on
    tables with rows; it was tried without. `reordered`: tables whose columns are in another order. `unfilled`: tables
    without a row, and why. `kept`: extensions that downgrade() leaves in place, which is no fault.
    """

    revision: str
    path: str
    verdict: Verdict
    message: str | None = None
    differences: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    reordered: tuple[str, ...] = ()
    rows_refused: str | None = None
    unfilled: dict[str, str] = {}
    kept: tuple[str, ...] = ()
