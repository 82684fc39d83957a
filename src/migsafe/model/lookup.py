"""The ways back through a catalog: which partitions, indexes, foreign keys and views hang on a relation."""

from collections import deque
from typing import Any

from migsafe.model.catalog import Catalog, Constraint, Index, Policy, Relation

_Way = dict[str, tuple[Any, ...]]
_WAYS = ("children", "indexes", "keys", "sequences", "views", "parts", "typed", "policies")


class Lookup:
    """Names by what they hang on. Kept beside a Catalog, never inside it: it holds nothing that is not in there.

    `children` are inheritance children and partitions, `indexes` those of a table, `keys` the foreign keys (relation,
    name) that reference a table, `sequences` those owned by a table, `views` the views that read a relation,
    `parts` the indexes that are parts of a partitioned index, `typed` the tables OF a composite type,
    `policies` the policies (relation, name) whose expressions read a relation.
    """

    def __init__(self) -> None:
        self.children: dict[str, tuple[str, ...]] = {}
        self.indexes: dict[str, tuple[str, ...]] = {}
        self.keys: dict[str, tuple[tuple[str, str], ...]] = {}
        self.sequences: dict[str, tuple[str, ...]] = {}
        self.views: dict[str, tuple[str, ...]] = {}
        self.parts: dict[str, tuple[str, ...]] = {}
        self.typed: dict[str, tuple[str, ...]] = {}
        self.policies: dict[str, tuple[tuple[str, str], ...]] = {}
        self._shared: set[str] = set()

    def copy(self) -> "Lookup":
        """The same ways; either side copies one before it changes it."""
        other = Lookup()
        vars(other).update(vars(self))
        self._shared, other._shared = set(_WAYS), set(_WAYS)
        return other

    def take(self, way: str, key: str) -> tuple[str, ...]:
        """Remove all that hangs on `key` in one of the ways from names to names."""
        taken: tuple[str, ...] = self._own(way).pop(key, ())
        return taken

    def _own(self, way: str) -> _Way:
        if way in self._shared:
            self._shared.discard(way)
            setattr(self, way, dict(getattr(self, way)))
        mapping: _Way = getattr(self, way)
        return mapping

    def _add(self, way: str, key: str, value: Any) -> None:
        known = getattr(self, way).get(key, ())
        if value not in known:
            self._own(way)[key] = (*known, value)

    def _remove(self, way: str, key: str, value: Any) -> None:
        if value in getattr(self, way).get(key, ()):
            own = self._own(way)
            own[key] = tuple(name for name in own[key] if name != value)

    def add_relation(self, relation: Relation) -> None:
        for parent in relation.parents:
            self._add("children", parent, relation.name)
        if relation.owned_by:
            self._add("sequences", relation.owned_by[0], relation.name)
        for use in relation.uses:
            self._add("views", use.relation, relation.name)
        if relation.of_type:
            self._add("typed", relation.of_type, relation.name)

    def remove_relation(self, relation: Relation) -> None:
        for parent in relation.parents:
            self._remove("children", parent, relation.name)
        if relation.owned_by:
            self._remove("sequences", relation.owned_by[0], relation.name)
        for use in relation.uses:
            self._remove("views", use.relation, relation.name)
        if relation.of_type:
            self._remove("typed", relation.of_type, relation.name)

    def add_index(self, index: Index) -> None:
        self._add("indexes", index.relation, index.name)
        if index.parent:
            self._add("parts", index.parent, index.name)

    def remove_index(self, index: Index) -> None:
        self._remove("indexes", index.relation, index.name)
        if index.parent:
            self._remove("parts", index.parent, index.name)

    def add_constraint(self, constraint: Constraint) -> None:
        if constraint.references:
            self._add("keys", constraint.references, (constraint.relation, constraint.name))

    def remove_constraint(self, constraint: Constraint) -> None:
        if constraint.references:
            self._remove("keys", constraint.references, (constraint.relation, constraint.name))

    def add_policy(self, policy: Policy) -> None:
        for use in policy.uses:
            self._add("policies", use.relation, (policy.relation, policy.name))

    def remove_policy(self, policy: Policy) -> None:
        for use in policy.uses:
            self._remove("policies", use.relation, (policy.relation, policy.name))


_recent: deque[tuple[Catalog, Lookup]] = deque(maxlen=8)


def lookup(catalog: Catalog) -> Lookup:
    """The ways back through `catalog`, built once and kept for the catalogs used last."""
    for known, ways in _recent:
        if known is catalog:
            return ways
    ways = _build(catalog)
    remember(catalog, ways)
    return ways


def remember(catalog: Catalog, ways: Lookup) -> None:
    """Keep `ways` as those of `catalog`: after() derives them from the catalog before instead of building anew."""
    _recent.append((catalog, ways))


def _build(catalog: Catalog) -> Lookup:
    ways = Lookup()
    for relation in catalog.relations.values():
        ways.add_relation(relation)
    for index in catalog.indexes.values():
        ways.add_index(index)
    for constraints in catalog.constraints.values():
        for constraint in constraints.values():
            ways.add_constraint(constraint)
    for policies in catalog.policies.values():
        for policy in policies.values():
            ways.add_policy(policy)
    return ways
