"""What statements set of an object beyond its structure: the SQL that gives each value."""

from typing import NamedTuple

from migsafe.model.effects import Object
from migsafe.model.plan import Plan
from migsafe.model.statement import Statement
from migsafe.sql.quote import literal
from migsafe.verify.net import is_below, moved, normal
from migsafe.verify.proof import fill

_CATALOGS = {
    "relation": "pg_class",
    "index": "pg_class",
    "constraint": "pg_constraint",
    "type": "pg_type",
    "extension": "pg_extension",
    "schema": "pg_namespace",
    "function": "pg_proc",
    "trigger": "pg_trigger",
    "rule": "pg_rewrite",
    "policy": "pg_policy",
    "statistics": "pg_statistic_ext",
    "publication": "pg_publication",
}
_OWNERS = {"pg_class": "relowner", "pg_type": "typowner", "pg_namespace": "nspowner", "pg_proc": "proowner"}
_OWNERS |= {"pg_publication": "pubowner"}
_GRANTED = {"relation": ("relacl", "r"), "schema": ("nspacl", "n"), "function": ("proacl", "f")}
_ON_RELATION = {
    "row security": ("verify_attribute_row_security", "relrowsecurity"),
    "forced row security": ("verify_attribute_row_security", "relforcerowsecurity"),
    "replica identity": ("verify_attribute_replica_identity", ""),
    "clustered on": ("verify_attribute_clustered_on", ""),
    "populated": ("verify_attribute_populated", ""),
}
_SEQUENCE = {
    "start": "seqstart",
    "increment": "seqincrement",
    "minimum": "seqmin",
    "maximum": "seqmax",
    "cache": "seqcache",
    "cycle": "seqcycle",
}


class Stated(NamedTuple):
    """The attributes of one object at the end of a plan, by name, and the statement that set the last of them."""

    position: int
    statement: Statement
    values: dict[str, str | None]


def stated(plan: Plan) -> dict[Object, Stated]:
    """What the plan sets and does not take back, by the last name of the object."""
    found: dict[Object, Stated] = {}
    for position, statement in enumerate(plan.statements):
        effects = statement.effects
        for dropped in map(normal, effects.drops):
            found = {thing: kept for thing, kept in found.items() if thing != dropped and not is_below(thing, dropped)}
        for rename in effects.renames:
            old, new = normal(rename.old), normal(rename.new)
            found = {moved(thing, old, new): kept for thing, kept in found.items()}
        for attribute in effects.attributes:
            thing = normal(attribute.object)
            if thing.name in effects.perhaps:
                continue
            values = found[thing].values if thing in found else {}
            found[thing] = Stated(position, statement, {**values, attribute.name: attribute.value})
    return found


def condition(thing: Object, name: str, value: str | None) -> tuple[str, str] | None:
    """The SQL that gives the value as text, and what it must equal; None for what is compared with the object."""
    sql = _value(thing, name, value)
    return None if sql is None else (sql, "NULL" if value is None else literal(value))


def _value(thing: Object, name: str, value: str | None) -> str | None:
    catalog = _CATALOGS.get(thing.kind)
    word, _, rest = name.partition(" ")
    if name == "comment":
        if thing.kind == "column":
            return fill("verify_attribute_column_comment")
        return fill("verify_attribute_comment", catalog=literal(catalog)) if catalog else None
    if name == "owner":
        return fill("verify_attribute_owner", catalog=catalog, owner=_OWNERS[catalog]) if catalog in _OWNERS else None
    if rest.startswith("of ") and thing.kind in _GRANTED and catalog:
        return _privilege(thing, word, rest.removeprefix("of "), catalog)
    if thing.kind == "column":
        return _of_column(name, value)
    if name in ("row security", "forced row security", "replica identity", "clustered on", "populated"):
        template, switch = _ON_RELATION[name]
        return fill(template, switch=switch)
    if word == "parameter" and thing.kind in ("relation", "index"):
        toast, option = rest.startswith("toast."), rest.removeprefix("toast.")
        return fill("verify_attribute_parameter", toast=str(toast).lower(), option=literal(option))
    if name in _SEQUENCE:
        return fill("verify_attribute_sequence", parameter=_SEQUENCE[name])
    return f"{name}::text" if name == "enabled" else None


def _of_column(name: str, value: str | None) -> str | None:
    word, _, rest = name.partition(" ")
    if word == "option":
        return fill("verify_attribute_option", option=literal(rest))
    if name == "storage":
        return fill("verify_attribute_storage", wanted=literal(value or ""))
    template = {"statistics target": "statistics_target", "compression": "compression"}.get(name)
    return fill(f"verify_attribute_{template}") if template else None


def _privilege(thing: Object, privilege: str, role: str, catalog: str) -> str:
    acl, kind = _GRANTED[thing.kind]
    return fill(
        "verify_attribute_privilege",
        catalog=catalog,
        acl=acl,
        kind=literal(kind),
        owner=_OWNERS[catalog],
        privilege=literal(privilege),
        role=literal(role),
    )
