"""What DDL needs to make an object again and the Catalog does not hold: definitions as printed, and settings."""

from collections.abc import Mapping

import msgspec

from migsafe.model.catalog import Catalog
from migsafe.model.effects import Object

Facts = Mapping[str, str]

_INDEXES = ("index", "partitioned index")
_RELATIONS = ("table", "partitioned table", "view", "materialized view", "sequence", "foreign table")


class Known(msgspec.Struct, frozen=True):
    """Facts by object (`key()`) and aspect: definition, comment, owner, grants, options and such.

    Of an object that is here, an aspect that is not is as by default; UNCLEAR is an aspect that nobody knows any more.
    `complete`: an object that is not here does not exist, rather than is not known.
    """

    facts: Mapping[str, Facts] = {}
    complete: bool = False

    def of(self, thing: Object) -> Facts | None:
        """What is known of an object; None: nothing, not even that all is as by default."""
        return self.facts.get(key(thing))


class Recorded(msgspec.Struct, frozen=True):
    """A whole schema as it was at one moment."""

    catalog: Catalog
    known: Known


UNCLEAR = "?"


def key(thing: Object) -> str:
    """One spelling for an object, whichever kind of relation a statement takes it for."""
    kind = "index" if thing.kind in _INDEXES else "relation" if thing.kind in _RELATIONS else thing.kind
    return f"{'type' if kind in ('domain', 'composite type') else kind} {thing.label}"
