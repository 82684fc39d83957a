"""What the catalog had before a statement outside a transaction, by oid: what is new since then is ours.

CREATE INDEX and REINDEX hold SHARE UPDATE EXCLUSIVE on the table to their end, and nobody else can make an index on it
meanwhile; what came later has another oid than the one noted.
"""

from typing import Any

import msgspec
import psycopg

from migsafe.model.catalog import Index
from migsafe.model.effects import Effects
from migsafe.postgres.leftovers import find_indexes, partition_oids


class Seen(msgspec.Struct, frozen=True):
    """Oids. `valid` and `invalid` are the indexes that `tables` had; `made` what the statement has made since.

    `target`: the index to drop, with its `definition`, or the parent and the partition to detach.
    """

    tables: tuple[str, ...] = ()
    valid: tuple[int, ...] = ()
    invalid: tuple[int, ...] = ()
    made: tuple[int, ...] = ()
    target: tuple[int, ...] = ()
    definition: str | None = None

    def is_new(self, oid: int) -> bool:
        """Whether the statement made it; where it was not caught at that, whether it was not there before."""
        return oid in self.made if self.made else oid not in self.valid and oid not in self.invalid

    def with_made(self, oid: int) -> "Seen":
        return self if oid in self.made else msgspec.structs.replace(self, made=(*self.made, oid))

    def text(self) -> str:
        """What is kept in the database."""
        return msgspec.json.encode(self).decode()


def read(text: str | None) -> Seen | None:
    """What `Seen.text` has written; None where nothing is known."""
    return None if text is None else msgspec.json.decode(text, type=Seen)


def look(own: psycopg.Connection[Any], effects: Effects) -> Seen | None:
    """What there is now of what a statement with `effects` will work on; None when it makes or drops no index, and

    detaches no partition.
    """
    if is_detach(effects):
        found = partition_oids(own, detached_from(effects), {lock.relation for lock in effects.locks})
        return Seen(target=found[0]) if len(found) == 1 else Seen()
    dropped = dropped_indexes(effects)
    if dropped:
        there = find_indexes(own, names=dropped)
        definition = there[0].definition if there else None
        return Seen(target=tuple(each.oid for each in there), definition=definition)
    tables = _tables(own, effects)
    if not tables:
        return None
    indexes = find_indexes(own, tables=tables)
    return Seen(
        tables,
        valid=tuple(each.oid for each in indexes if each.valid),
        invalid=tuple(each.oid for each in indexes if not each.valid),
    )


def new_indexes(effects: Effects) -> tuple[str, ...]:
    """The names of the indexes that a CREATE INDEX makes, or would have made if it had found none."""
    made = tuple(each.name for each in effects.creates if isinstance(each, Index)) if _is_create(effects) else ()
    return made or ((effects.if_not_exists,) if effects.if_not_exists else ())


def dropped_indexes(effects: Effects) -> tuple[str, ...]:
    """The names of the indexes that a DROP INDEX drops."""
    return tuple(each.name for each in effects.drops if each.kind == "index") if effects.command == "DROP INDEX" else ()


def is_detach(effects: Effects) -> bool:
    return effects.concurrently and effects.command == "ALTER TABLE"


def is_reindex(effects: Effects) -> bool:
    return effects.concurrently and effects.command == "REINDEX"


def detached_from(effects: Effects) -> str:
    """The parent that DETACH PARTITION CONCURRENTLY waits for the readers of."""
    return next(each.removeprefix("readers of ") for each in effects.waits_for if each.startswith("readers of "))


def name_of(effects: Effects) -> str:
    """The statement in short: `CREATE INDEX CONCURRENTLY public.ix`."""
    names = [*new_indexes(effects), *dropped_indexes(effects)]
    if is_detach(effects):
        return f"DETACH PARTITION CONCURRENTLY from {detached_from(effects)}"
    names = names or [lock.relation for lock in effects.locks][-1:]
    return f"{effects.command} CONCURRENTLY {', '.join(names)}".rstrip()


def _is_create(effects: Effects) -> bool:
    return effects.command == "CREATE INDEX"


def _tables(own: psycopg.Connection[Any], effects: Effects) -> tuple[str, ...]:
    if not (_is_create(effects) or is_reindex(effects)):
        return ()
    named = {each.relation for each in effects.creates if isinstance(each, Index)}
    named |= {each.table for each in effects.builds}
    indexes = [lock.relation for lock in effects.locks if lock.kind == "index"]
    named |= {each.relation for each in find_indexes(own, names=[*indexes, *new_indexes(effects)])}
    return tuple(sorted(named | {lock.relation for lock in effects.locks if lock.kind == "table"}))
