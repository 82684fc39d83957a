"""Partitions: their bounds as text, the indexes they get from their parent, and the ones that a query reaches."""

from typing import Any

from migsafe.sql import proofs
from migsafe.sql.draft import Draft
from migsafe.sql.expressions import text
from migsafe.sql.nodes import pb


def bound_text(bound: pb.PartitionBoundSpec) -> str:
    """A partition's bound as `pg_get_expr(relpartbound)` would print it, near enough to compare."""
    if bound.is_default:
        return "DEFAULT"
    if bound.strategy == "h":
        return f"FOR VALUES WITH (modulus {bound.modulus}, remainder {bound.remainder})"
    if bound.strategy == "l":
        return f"FOR VALUES IN ({_values(bound.listdatums)})"
    return f"FOR VALUES FROM ({_values(bound.lowerdatums)}) TO ({_values(bound.upperdatums)})"


def _values(nodes: Any) -> str:
    return ", ".join(text(node) for node in nodes)


def reached(draft: Draft, name: str, where: Any | None, moved: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The table and those of its partitions that a WHERE does not exclude; all when a key in `moved` is set."""
    relation = draft.relation(name)
    if relation is None or relation.kind != "partitioned table":
        return draft.family(name)
    key = relation.partition_key[0] if len(relation.partition_key) == 1 else None
    known = proofs.facts(proofs.conjuncts(where), key) if where is not None and key else proofs.Facts()
    found = [name]
    for child in draft.children(name):
        part = draft.relation(child)
        bound = proofs.bound_of(part.bound) if part else None
        if bound is None or key in moved or not proofs.excluded(bound, known):
            found += reached(draft, child, where, moved)
    return tuple(found)


def routed(draft: Draft, name: str, row: dict[str, Any]) -> tuple[str, ...]:
    """The partitions that a row of constants goes to; none when that cannot be told."""
    relation = draft.relation(name)
    if relation is None or relation.kind != "partitioned table" or len(relation.partition_key) != 1:
        return ()
    key = relation.partition_key[0]
    value = proofs.constant(row[key]) if key in row else None
    if value is None:
        return ()
    known = proofs.Facts((("=", value),), (value,))
    default: tuple[str, ...] = ()
    for child in draft.children(name):
        part = draft.relation(child)
        bound = proofs.bound_of(part.bound) if part else None
        if part and part.is_default_partition:
            default = (child,)
        elif bound is None:
            return ()
        elif not proofs.excluded(bound, known):
            return (child, *routed(draft, child, row))
    return default
