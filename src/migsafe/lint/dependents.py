"""What keeps something from being dropped, or a column's type from being changed (measured).

Of types RememberAllDependentForRebuilding() in tablecmds.c.
"""

from collections.abc import Iterable, Iterator

from migsafe.model.catalog import Catalog, Column, Use
from migsafe.model.effects import Object
from migsafe.model.lookup import lookup
from migsafe.sql.expressions import columns
from migsafe.sql.parse import parse_expression
from migsafe.sql.types import parts, underlying, user_type


def refusing(relation: str, column: str, catalog: Catalog) -> tuple[str, ...]:
    """The views, rules, policies, triggers and generated columns that use a column: each refuses another type of it."""
    ways = lookup(catalog)
    views = [catalog.relations[name] for name in ways.views.get(relation, ())]
    named = [f"{view.kind} {view.name}" for view in views if _use(view.uses, relation, column)]
    for of, name in ways.policies.get(relation, ()):
        named += [f"policy {name} of {of}"] if _use(catalog.policies[of][name].uses, relation, column) else []
    for rules in catalog.rules.values():
        named += [
            f"rule {rule.name} of {rule.relation}" for rule in rules.values() if _use(rule.uses, relation, column)
        ]
    triggers = catalog.triggers.get(relation, {}).values()
    named += [f"trigger {trigger.name} of {relation}" for trigger in triggers if column in trigger.columns]
    for other in catalog.columns.get(relation, {}).values():
        if other.generated and isinstance(other.default, str) and column in _mentioned(other.default):
            named.append(f"generated column {other.name}")
    return tuple(dict.fromkeys(named))


def depending(gone: Object, catalog: Catalog) -> tuple[Object, ...]:
    """The columns, views, keys and tables without which `gone` cannot go (manual, section 5.15)."""
    if gone.kind in ("type", "domain"):
        return tuple(_typed(gone.name, catalog))
    if gone.kind == "extension":
        types = (known.name for known in catalog.types.values() if known.extension == gone.name)
        return tuple(column for name in types for column in _typed(name, catalog))
    if gone.kind == "function":
        triggers = (trigger for of in catalog.triggers.values() for trigger in of.values())
        name = gone.name.removesuffix("()")
        return tuple(Object("trigger", each.name, each.relation) for each in triggers if each.function == name)
    if gone.kind == "constraint":
        return tuple(_keys_of(gone, catalog))
    relation = gone.of or gone.name
    views = [catalog.relations[name] for name in lookup(catalog).views.get(relation, ())]
    found = [Object(v.kind, v.name) for v in views if gone.of is None or _use(v.uses, relation, gone.name)]
    if gone.of is None:
        found += [Object("constraint", key, of) for of, key in lookup(catalog).keys.get(relation, ()) if of != relation]
        found += [Object("table", child) for child in lookup(catalog).children.get(relation, ())]
    return tuple(found)


def _typed(name: str, catalog: Catalog) -> Iterator[Object]:
    gone = catalog.types.get(name)
    for relation, columns_ in catalog.columns.items() if gone else ():
        for column in columns_.values():
            if column.type and user_type(column.type.removesuffix("[]"), catalog) is gone:
                yield Object("column", column.name, relation)


def _keys_of(gone: Object, catalog: Catalog) -> Iterator[Object]:
    """The foreign keys that only this primary key or unique constraint can serve."""
    relation = gone.of or ""
    kept = catalog.constraints.get(relation, {}).get(gone.name)
    if kept is None or kept.kind not in ("primary key", "unique"):
        return
    indexes = [catalog.indexes[name] for name in lookup(catalog).indexes.get(relation, ()) if name in catalog.indexes]
    alike = [index for index in indexes if index.unique and set(index.columns) == set(kept.columns)]
    for of, name in lookup(catalog).keys.get(relation, ()) if len(alike) == 1 else ():
        key = catalog.constraints.get(of, {}).get(name)
        if key is not None and set(key.referenced_columns) == set(kept.columns):
            yield Object("constraint", name, of)


def _use(uses: Iterable[Use], relation: str, column: str) -> bool:
    return any(use.relation == relation and (column in use.columns or "*" in use.columns) for use in uses)


def _mentioned(expression: str) -> tuple[str, ...]:
    node = parse_expression(expression)
    return columns(node) if node is not None else ()


_TEXTS = {"text", "character varying", "character"}
_NUMBERS = {"smallint", "integer", "bigint", "numeric", "real", "double precision"}
# Types to which pg_cast has no assignment cast from text: only USING, which a default has not, can bring it there.
_OTHERS = {
    *("boolean", "uuid", "json", "jsonb", "date", "bytea", "inet", "interval"),
    *("timestamp without time zone", "timestamp with time zone"),
}


def default_cannot_follow(new: Column, old: Column, catalog: Catalog) -> bool:
    """Whether the default, which ALTER COLUMN … TYPE casts as an assignment would, has no such cast to the new type."""
    if not isinstance(old.default, str) or new.default != old.default or old.generated:
        return False
    before, after = _base(old, catalog), _base(new, catalog)
    enums = [_is_enum(column, catalog) for column in (old, new)]
    if before in _TEXTS:
        return enums[1] or after in _NUMBERS | _OTHERS
    if enums[0]:
        return enums[1] or after in _NUMBERS | _OTHERS
    return {before, after} == {"boolean", "integer"} or (before in _NUMBERS and (enums[1] or after == "boolean"))


def _base(column: Column, catalog: Catalog) -> str:
    printed = parts(underlying(column.type or "", catalog))
    return f"{printed.base}[]" if printed.array else printed.base


def _is_enum(column: Column, catalog: Catalog) -> bool:
    known = user_type(column.type or "", catalog)
    return known is not None and known.kind == "enum" and not (column.type or "").endswith("[]")
