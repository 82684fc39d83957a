"""A catalog under way from one statement to the next: objects put, dropped, filled and emptied."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from migsafe.model.catalog import (
    Catalog,
    Column,
    Constraint,
    EventTrigger,
    Extension,
    Function,
    Index,
    Policy,
    Publication,
    Relation,
    RewriteRule,
    Schema,
    Statistics,
    Trigger,
    Type,
)
from migsafe.model.effects import CatalogObject, Object
from migsafe.model.lookup import Lookup

RELATIONS = frozenset(
    {"table", "partitioned table", "view", "materialized view", "sequence", "foreign table", "composite type"}
)

_MAPPINGS = tuple(name for name in Catalog.__struct_fields__ if isinstance(getattr(Catalog(), name), Mapping))


class Change:
    """Applies effects to a catalog, keeping `ways` in step.

    `own`: its mappings are plain dicts and nobody else's. Else one is copied at its first use: most statements touch
    few, and a schema may have thousands of columns and indexes.
    """

    relations: dict[str, Any]
    columns: dict[str, Any]
    constraints: dict[str, Any]
    indexes: dict[str, Any]
    types: dict[str, Any]
    extensions: dict[str, Any]
    volatility: dict[str, Any]
    triggers: dict[str, Any]
    rules: dict[str, Any]
    policies: dict[str, Any]
    statistics: dict[str, Any]
    functions: dict[str, Any]
    publications: dict[str, Any]
    event_triggers: dict[str, Any]

    def __init__(self, catalog: Catalog, ways: Lookup, *, own: bool) -> None:
        self.ways = ways
        self._catalog = catalog
        self._own = own

    def __getattr__(self, name: str) -> Any:
        if name not in _MAPPINGS:
            raise AttributeError(name)
        mapping = getattr(self._catalog, name)
        if not self._own:
            mapping = dict(mapping)
            msgspec.structs.force_setattr(self._catalog, name, mapping)
        setattr(self, name, mapping)
        return mapping

    def put(self, thing: CatalogObject) -> None:
        """Add `thing`, in the place of one with its name."""
        match thing:
            case Relation():
                self._put_relation(thing)
            case Column():
                _put(self.columns, thing.relation, thing)
            case Index():
                if before := self.indexes.get(thing.name):
                    self.ways.remove_index(before)
                self.indexes[thing.name] = thing
                self.ways.add_index(thing)
            case Constraint():
                self._put_constraint(thing)
            case Policy():
                if before_policy := self.policies.get(thing.relation, {}).get(thing.name):
                    self.ways.remove_policy(before_policy)
                _put(self.policies, thing.relation, thing)
                self.ways.add_policy(thing)
            case Trigger():
                _put(self.triggers, thing.relation, thing)
            case RewriteRule():
                _put(self.rules, thing.relation, thing)
            case Type():
                self.types[thing.name] = thing
            case Extension():
                self.extensions[thing.name] = thing
            case Statistics():
                self.statistics[thing.name] = thing
            case Publication():
                self.publications[thing.name] = thing.tables
            case EventTrigger():
                self.event_triggers[thing.name] = thing
            case Schema():
                self.set_schemas(*(name for name in self._catalog.schemas if name != thing.name), thing.name)
            case Function():
                self.functions[thing.signature] = thing
                self.volatility[thing.name] = thing.volatility

    def set_schemas(self, *names: str) -> None:
        # A tuple, unlike the mappings: apply() works on a catalog that is nobody else's.
        msgspec.structs.force_setattr(self._catalog, "schemas", names)

    @property
    def schemas(self) -> tuple[str, ...]:
        return self._catalog.schemas

    def _put_relation(self, relation: Relation) -> None:
        if before := self.relations.get(relation.name):
            self.ways.remove_relation(before)
        self.relations[relation.name] = relation
        self.ways.add_relation(relation)

    def _put_constraint(self, constraint: Constraint) -> None:
        if before := self.constraints.get(constraint.relation, {}).get(constraint.name):
            self.ways.remove_constraint(before)
        _put(self.constraints, constraint.relation, constraint)
        self.ways.add_constraint(constraint)

    def drop(self, dropped: Object) -> None:
        """Remove an object and what cannot be there without it."""
        match dropped.kind:
            case "column" if dropped.of:
                self._drop_column(dropped.of, dropped.name)
            case "constraint" if dropped.of:
                self._drop_constraint(dropped.of, dropped.name)
            case "trigger" if dropped.of:
                _take(self.triggers, dropped.of, dropped.name)
            case "rule" if dropped.of:
                _take(self.rules, dropped.of, dropped.name)
            case "policy" if dropped.of:
                if policy := _take(self.policies, dropped.of, dropped.name):
                    self.ways.remove_policy(policy)
            case "type" | "domain":
                self.types.pop(dropped.name, None)
                self._drop_relation(dropped.name)
            case "extension":
                self._drop_extension(dropped.name)
            case "statistics":
                self.statistics.pop(dropped.name, None)
            case "publication":
                self.publications.pop(dropped.name, None)
            case "event trigger":
                self.event_triggers.pop(dropped.name, None)
            case "schema":
                self.set_schemas(*(name for name in self.schemas if name != dropped.name))
            case "function":
                self.functions.pop(dropped.name, None)
            case "index" | "partitioned index":
                self._drop_index(dropped.name)
            case kind if kind in RELATIONS:
                self._drop_relation(dropped.name)

    def _drop_relation(self, name: str) -> None:
        relation = self.relations.pop(name, None)
        if relation:
            self.ways.remove_relation(relation)
        self.columns.pop(name, None)
        for constraint in tuple(self.constraints.get(name, {})):
            self._drop_constraint(name, constraint)
        for index in self.ways.indexes.get(name, ()):
            self._drop_index(index)
        for other, key in self.ways.keys.get(name, ()):
            self._drop_constraint(other, key)
        for sequence in self.ways.sequences.get(name, ()):
            self._drop_relation(sequence)
        for policy in self.policies.pop(name, {}).values():
            self.ways.remove_policy(policy)
        self.triggers.pop(name, None)
        self.rules.pop(name, None)
        for statistics in [s.name for s in self.statistics.values() if s.relation == name]:
            del self.statistics[statistics]

    def _drop_index(self, name: str) -> None:
        index = self.indexes.pop(name, None)
        if index is None:
            return
        self.ways.remove_index(index)
        for part in self.ways.parts.get(name, ()):
            self._drop_index(part)
        for constraint in tuple(self.constraints.get(index.relation, {}).values()):
            if constraint.index == name:
                self._drop_constraint(index.relation, constraint.name)

    def _drop_constraint(self, relation: str, name: str) -> None:
        constraint = _take(self.constraints, relation, name)
        if constraint is None:
            return
        self.ways.remove_constraint(constraint)
        if constraint.index:
            self._drop_index(constraint.index)
        if constraint.kind == "not null":
            for column in constraint.columns:
                self._change_column(relation, column, not_null=False)

    def _drop_column(self, relation: str, name: str) -> None:
        _take(self.columns, relation, name)
        for constraint in tuple(self.constraints.get(relation, {}).values()):
            if name in constraint.columns:
                self._drop_constraint(relation, constraint.name)
        for index in self.ways.indexes.get(relation, ()):
            known = self.indexes.get(index)
            if known and name in (*known.columns, *known.mentions, *known.included):
                self._drop_index(index)
        for other, key in self.ways.keys.get(relation, ()):
            if name in self.constraints[other][key].referenced_columns:
                self._drop_constraint(other, key)
        for sequence in self.ways.sequences.get(relation, ()):
            owned = self.relations.get(sequence)
            if owned and owned.owned_by == (relation, name):
                self._drop_relation(sequence)

    def _drop_extension(self, name: str) -> None:
        self.extensions.pop(name, None)
        for type_name in [t.name for t in self.types.values() if t.extension == name]:
            del self.types[type_name]
        for signature in [f.signature for f in self.functions.values() if f.extension == name]:
            del self.functions[signature]

    def validate(self, validated: Object) -> None:
        if validated.of is None:
            return
        constraint = self.constraints.get(validated.of, {}).get(validated.name)
        if constraint:
            self._put_constraint(msgspec.structs.replace(constraint, validated=True))
        elif (domain := self.types.get(validated.of)) and validated.name in domain.unvalidated:
            left = tuple(name for name in domain.unvalidated if name != validated.name)
            self.types[domain.name] = msgspec.structs.replace(domain, unvalidated=left)

    def _change_column(self, relation: str, name: str, **changes: Any) -> None:
        if column := self.columns.get(relation, {}).get(name):
            _put(self.columns, relation, msgspec.structs.replace(column, **changes))

    def empty(self, name: str) -> None:
        if relation := self.relations.get(name):
            self.relations[name] = msgspec.structs.replace(relation, rows=0.0)

    def fill(self, name: str) -> None:
        relation = self.relations.get(name)
        if relation and relation.rows == 0:
            self.relations[name] = msgspec.structs.replace(relation, rows=None)


Thing = TypeVar("Thing", Column, Constraint, Trigger, RewriteRule, Policy)


def _put(things: dict[str, Mapping[str, Thing]], relation: str, thing: Thing) -> None:
    things[relation] = {**things.get(relation, {}), thing.name: thing}


def _take(things: dict[str, Mapping[str, Thing]], relation: str, name: str) -> Thing | None:
    taken = things.get(relation, {}).get(name)
    if taken is not None:
        things[relation] = {key: value for key, value in things[relation].items() if key != name}
    return taken
