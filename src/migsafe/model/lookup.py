"""The ways back through a catalog: which partitions, indexes, foreign keys and views hang on a relation."""

from collections import deque
from typing import Any

from migsafe.model.catalog import Catalog, Constraint, Index, Policy, Relation

_Way = dict[str, tuple[Any, ...]]


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

    def copy(self) -> "Lookup":
        other = Lookup()
        for name, way in vars(self).items():
            setattr(other, name, dict(way))
        return other

    def add_relation(self, relation: Relation) -> None:
        for parent in relation.parents:
            _add(self.children, parent, relation.name)
        if relation.owned_by:
            _add(self.sequences, relation.owned_by[0], relation.name)
        for use in relation.uses:
            _add(self.views, use.relation, relation.name)
        if relation.of_type:
            _add(self.typed, relation.of_type, relation.name)

    def remove_relation(self, relation: Relation) -> None:
        for parent in relation.parents:
            _remove(self.children, parent, relation.name)
        if relation.owned_by:
            _remove(self.sequences, relation.owned_by[0], relation.name)
        for use in relation.uses:
            _remove(self.views, use.relation, relation.name)
        if relation.of_type:
            _remove(self.typed, relation.of_type, relation.name)

    def add_index(self, index: Index) -> None:
        _add(self.indexes, index.relation, index.name)
        if index.parent:
            _add(self.parts, index.parent, index.name)

    def remove_index(self, index: Index) -> None:
        _remove(self.indexes, index.relation, index.name)
        if index.parent:
            _remove(self.parts, index.parent, index.name)

    def add_constraint(self, constraint: Constraint) -> None:
        if constraint.references:
            _add(self.keys, constraint.references, (constraint.relation, constraint.name))

    def remove_constraint(self, constraint: Constraint) -> None:
        if constraint.references:
            _remove(self.keys, constraint.references, (constraint.relation, constraint.name))

    def add_policy(self, policy: Policy) -> None:
        for use in policy.uses:
            _add(self.policies, use.relation, (policy.relation, policy.name))

    def remove_policy(self, policy: Policy) -> None:
        for use in policy.uses:
            _remove(self.policies, use.relation, (policy.relation, policy.name))


def _add(way: _Way, key: str, value: Any) -> None:
    known = way.get(key, ())
    if value not in known:
        way[key] = (*known, value)


def _remove(way: _Way, key: str, value: Any) -> None:
    if key in way:
        way[key] = tuple(name for name in way[key] if name != value)


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
