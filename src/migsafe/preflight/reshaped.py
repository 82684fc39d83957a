"""What a plan changes about the columns of tables: all that matters to whoever copies rows from or to them."""

from collections.abc import Iterator

import msgspec

from migsafe.model.catalog import Column
from migsafe.model.plan import Plan
from migsafe.preflight.touched import Moment, moments


class Reshaped(msgspec.Struct, frozen=True):
    """A change of `column` (None: the table itself) of `relation`, its name of now.

    `what` is added, dropped, renamed, retyped or required (NOT NULL).
    """

    relation: str
    what: str
    column: str | None
    place: str

    @property
    def label(self) -> str:
        return f"{self.column or 'the table'} {_WORDS[self.what]}"

    @property
    def order(self) -> str:
        """When a subscriber wants the same change."""
        thing = f"column {self.column}" if self.column else "table"
        return {
            "added": f"add {thing} before this upgrade",
            "dropped": f"drop {thing} after it",
            "renamed": f"pause the subscription, rename the {thing} there and here, and enable it again",
            "retyped": f"change the type of {thing} before this upgrade, where it becomes wider",
            "required": f"set {thing} NOT NULL after it",
        }[self.what]


_WORDS = {
    "added": "is added",
    "dropped": "is dropped",
    "renamed": "is renamed",
    "retyped": "gets another type",
    "required": "becomes NOT NULL",
}


def reshaped(plan: Plan) -> Iterator[Reshaped]:
    """Every change of columns that are on the server, in the order of the plan; a partition's is its parent's."""
    for moment in moments(plan):
        for name, what, column in _changes(moment):
            relation = moment.now(name)
            if relation is not None:
                yield Reshaped(relation, what, column, moment.statement.place)


def _changes(moment: Moment) -> Iterator[tuple[str, str, str | None]]:
    effects = moment.effects
    for made in effects.creates:
        if isinstance(made, Column):
            yield made.relation, "added", made.name
    for drop in effects.drops:
        if drop.kind == "column" and drop.of is not None:
            yield drop.of, "dropped", drop.name
        elif drop.kind in ("table", "partitioned table"):
            yield drop.name, "dropped", None
    for rename in effects.renames:
        if rename.old.kind == "column" and rename.old.of is not None:
            yield rename.old.of, "renamed", rename.old.name
        elif rename.old.kind in ("table", "partitioned table"):
            yield rename.old.name, "renamed", None
    for altered in effects.alters:
        new, old = altered.after, altered.before
        if isinstance(new, Column) and isinstance(old, Column):
            if new.type != old.type:
                yield new.relation, "retyped", new.name
            if new.not_null and not old.not_null:
                yield new.relation, "required", new.name
