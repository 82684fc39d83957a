"""A catalog after a statement: what the next statement finds."""

import msgspec

from migsafe.model.catalog import Catalog
from migsafe.model.change import Change
from migsafe.model.effects import Effects
from migsafe.model.lookup import Lookup, lookup, remember
from migsafe.model.renamed import renamed


def after(catalog: Catalog, effects: Effects) -> Catalog:
    """The catalog as it is once the statement with `effects` is done; `catalog` itself stays as it was."""
    if not effects.changes_schema and not effects.writes and not effects.truncates:
        return catalog
    ways = lookup(catalog).copy()
    following = msgspec.structs.replace(catalog)
    _work(Change(following, ways, own=False), effects)
    remember(following, ways)
    return following


def apply(catalog: Catalog, ways: Lookup, effects: Effects) -> None:
    """Work `effects` into `catalog`, whose mappings must be dicts of the caller's own, and into its `ways`."""
    _work(Change(catalog, ways, own=True), effects)


def _work(change: Change, effects: Effects) -> None:
    for dropped in effects.drops:
        change.drop(dropped)
    for rename in effects.renames:
        renamed(change, rename)
    for created in effects.creates:
        change.put(created)
    for altered in effects.alters:
        change.put(altered.after)
    for validated in effects.validates:
        change.validate(validated)
    for written in effects.writes:
        change.fill(written.relation)
    for truncated in effects.truncates:
        change.empty(truncated)
