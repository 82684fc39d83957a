"""A rename, followed everywhere that the old name is mentioned."""

import re
from typing import Any

import msgspec

from migsafe.model.catalog import Use
from migsafe.model.change import Change
from migsafe.model.effects import Object, Rename

replace = msgspec.structs.replace


def renamed(change: Change, rename: Rename) -> None:
    """Give an object its new name in the catalog that `change` works on."""
    old, new = rename.old, rename.new
    match old.kind:
        case "column" if old.of:
            _column(change, old.of, old.name, new.name)
        case "constraint" if old.of:
            _constraint(change, old.of, old.name, new.name)
        case "trigger" | "rule" | "policy" if old.of:
            _attached(change, old, new.name)
        case "index" | "partitioned index":
            _index(change, old.name, new.name)
        case "type" | "domain":
            _type(change, old.name, new.name)
            _relation(change, old.name, new.name)
        case "extension":
            _keyed(change.extensions, old.name, new.name)
        case "statistics":
            _keyed(change.statistics, old.name, new.name)
        case "function":
            _function(change, old.name, new.name)
        case "schema":
            _schema(change, old.name, new.name)
        case "event trigger":
            _keyed(change.event_triggers, old.name, new.name)
        case "publication":
            if old.name in change.publications:
                change.publications[new.name] = change.publications.pop(old.name)
        case _:
            _relation(change, old.name, new.name)


def _keyed(things: dict[str, Any], old: str, new: str) -> None:
    if old in things:
        things[new] = replace(things.pop(old), name=new)


def _schema(change: Change, old: str, new: str) -> None:
    """Everything in the schema, under its new name."""
    change.set_schemas(*(new if name == old else name for name in change.schemas))
    for kind, things in (
        ("table", change.relations),
        ("index", change.indexes),
        ("type", change.types),
        ("statistics", change.statistics),
        ("function", change.functions),
    ):
        for name in [name for name in things if name.startswith(f"{old}.")]:
            renamed(change, Rename(Object(kind, name), Object(kind, f"{new}{name[len(old) :]}")))


def _function(change: Change, old: str, new: str) -> None:
    """A name without arguments is that of the only function that has it, or of none that can be told."""
    own = [signature for signature, each in change.functions.items() if old in (signature, each.name)]
    if len(own) != 1:
        return
    function = change.functions.pop(own[0])
    name = new.split("(")[0]
    change.put(replace(function, name=name))
    for triggers in tuple(change.triggers.values()):
        for trigger in triggers.values():
            if trigger.function == function.name and not function.arguments:
                change.put(replace(trigger, function=name))


def _attached(change: Change, old: Object, new: str) -> None:
    of = old.of or ""
    things: Any = {"trigger": change.triggers, "rule": change.rules, "policy": change.policies}[old.kind]
    thing = things.get(of, {}).get(old.name)
    if thing is not None:
        change.drop(old)
        change.put(replace(thing, name=new))


def _index(change: Change, old: str, new: str) -> None:
    index = change.indexes.pop(old, None)
    if index is None:
        return
    change.ways.remove_index(index)
    change.put(replace(index, name=new))
    for part in change.ways.take("parts", old):
        change.put(replace(change.indexes[part], parent=new))
    for constraint in tuple(change.constraints.get(index.relation, {}).values()):
        if constraint.index == old:
            _put_renamed_constraint(change, constraint, name=new.split(".", 1)[1], index=new)


def _put_renamed_constraint(change: Change, constraint: Any, **changes: Any) -> None:
    kept = dict(change.constraints[constraint.relation])
    del kept[constraint.name]
    change.constraints[constraint.relation] = kept
    change.ways.remove_constraint(constraint)
    change.put(replace(constraint, **changes))


def _constraint(change: Change, relation: str, old: str, new: str) -> None:
    constraint = change.constraints.get(relation, {}).get(old)
    if constraint is None:
        if (domain := change.types.get(relation)) and old in domain.constraints:
            change.types[relation] = replace(
                domain,
                constraints=_swapped(domain.constraints, old, new),
                unvalidated=_swapped(domain.unvalidated, old, new),
            )
        return
    if constraint.index:
        _index(change, constraint.index, f"{constraint.index.split('.', 1)[0]}.{new}")
    else:
        _put_renamed_constraint(change, constraint, name=new)


def _swapped(names: tuple[Any, ...], old: str, new: str) -> tuple[Any, ...]:
    return tuple(new if name == old else name for name in names)


def _column(change: Change, relation: str, old: str, new: str) -> None:
    columns = change.columns.get(relation, {})
    change.columns[relation] = {
        (new if name == old else name): (replace(column, name=new) if name == old else column)
        for name, column in columns.items()
    }
    for constraint in tuple(change.constraints.get(relation, {}).values()):
        change.put(replace(constraint, columns=_swapped(constraint.columns, old, new)))
    for other, key in change.ways.keys.get(relation, ()):
        constraint = change.constraints[other][key]
        change.put(replace(constraint, referenced_columns=_swapped(constraint.referenced_columns, old, new)))
    for name in change.ways.indexes.get(relation, ()):
        index = change.indexes[name]
        change.indexes[name] = replace(
            index,
            columns=_swapped(index.columns, old, new),
            mentions=_swapped(index.mentions, old, new),
            included=_swapped(index.included, old, new),
        )
    for name in change.ways.sequences.get(relation, ()):
        if change.relations[name].owned_by == (relation, old):
            change.put(replace(change.relations[name], owned_by=(relation, new)))
    for name in change.ways.views.get(relation, ()):
        change.put(_reading(change.relations[name], relation, relation, old, new))
    if known := change.relations.get(relation):
        change.relations[relation] = replace(known, partition_key=_swapped(known.partition_key, old, new))
    for statistics in tuple(change.statistics.values()):
        if statistics.relation == relation:
            change.put(replace(statistics, columns=_swapped(statistics.columns, old, new)))


def _reading(thing: Any, relation: str, renamed_to: str, old: str = "", new: str = "") -> Any:
    uses = tuple(
        Use(renamed_to, _swapped(use.columns, old, new)) if use.relation == relation else use for use in thing.uses
    )
    return replace(thing, uses=uses)


def _type(change: Change, old: str, new: str) -> None:
    _keyed(change.types, old, new)
    for relation, columns in change.columns.items():
        for column in columns.values():
            if column.type and _is_of(column.type, old):
                typed = column.type.replace(_spelled(column.type, old), new, 1)
                default = _cast(column.default, old, new) if isinstance(column.default, str) else column.default
                put = replace(column, type=typed, default=default)
                change.columns[relation] = {**change.columns[relation], column.name: put}
    for name in change.ways.take("typed", old):
        change.put(replace(change.relations[name], of_type=new))


def _cast(text: str, old: str, new: str) -> str:
    """An expression whose casts name the type, as the server prints them: `'good'::mood`."""
    return re.sub(rf"::(?:{re.escape(old)}|{re.escape(old.split('.', 1)[-1])})(?![\w.\"])", lambda _: f"::{new}", text)


def _is_of(text: str, type_name: str) -> bool:
    return text.removesuffix("[]").split("(")[0].replace('"', "") in (type_name, type_name.split(".", 1)[-1])


def _spelled(text: str, type_name: str) -> str:
    return text.removesuffix("[]").split("(")[0]


def _relation(change: Change, old: str, new: str) -> None:
    relation = change.relations.get(old)
    if relation is None:
        return
    ways = change.ways
    policies = tuple(change.policies.get(old, {}).values())
    hanging = {
        "indexes": [change.indexes[name] for name in ways.indexes.get(old, ())],
        "keys": [change.constraints[other][key] for other, key in ways.keys.get(old, ())],
        "children": [change.relations[name] for name in ways.children.get(old, ())],
        "sequences": [change.relations[name] for name in ways.sequences.get(old, ())],
        "views": [change.relations[name] for name in ways.views.get(old, ())],
        "readers": [change.policies[of][name] for of, name in ways.policies.get(old, ())],
    }
    columns = change.columns.pop(old, {})
    constraints = change.constraints.pop(old, {})
    ways.remove_relation(change.relations.pop(old))
    change.put(replace(relation, name=new))
    change.columns[new] = {name: replace(column, relation=new) for name, column in columns.items()}
    for constraint in constraints.values():
        ways.remove_constraint(constraint)
        change.put(replace(constraint, relation=new, references=_other(constraint.references, old, new)))
    for things in (change.triggers, change.rules):
        if old in things:
            things[new] = {name: replace(thing, relation=new) for name, thing in things.pop(old).items()}
    change.policies.pop(old, None)
    for policy in policies:
        ways.remove_policy(policy)
        change.put(_reading(replace(policy, relation=new), old, new))
    _follow(change, hanging, old, new)


def _other(name: str | None, old: str, new: str) -> str | None:
    return new if name == old else name


def _follow(change: Change, hanging: dict[str, list[Any]], old: str, new: str) -> None:
    """Put back what hung on `old`, hanging on `new`."""
    for index in hanging["indexes"]:
        change.put(replace(index, relation=new))
    for key in hanging["keys"]:
        if key.relation != old:
            change.put(replace(key, references=new))
    for child in hanging["children"]:
        change.put(replace(child, parents=_swapped(child.parents, old, new)))
    for sequence in hanging["sequences"]:
        change.put(replace(sequence, owned_by=(new, sequence.owned_by[1])))
    for view in hanging["views"]:
        change.put(_reading(view, old, new))
    for policy in hanging["readers"]:
        if policy.relation != old:
            change.put(_reading(policy, old, new))
    for statistics in tuple(change.statistics.values()):
        if statistics.relation == old:
            change.put(replace(statistics, relation=new))
    for triggers in tuple(change.triggers.values()):
        for trigger in triggers.values():
            if trigger.references == old:
                change.put(replace(trigger, references=new))
    for publication, tables in tuple(change.publications.items()):
        if tables is not None and old in tables:
            change.publications[publication] = _swapped(tables, old, new)
