"""What statements set of an object beyond its structure: the SQL that gives each value."""

from migsafe.model.effects import Object
from migsafe.sql.quote import literal
from migsafe.verify import defined
from migsafe.verify.proof import fill
from migsafe.verify.stated import UNCLEAR

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
_GRANTED = {
    "relation": ("relacl", "r"),
    "schema": ("nspacl", "n"),
    "function": ("proacl", "f"),
    "type": ("typacl", "T"),
}
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


def condition(thing: Object, name: str, value: str | None) -> tuple[str, str] | None:
    """The SQL that gives the value as text, and what it must equal; None for what is compared with the object."""
    sql = _value(thing, name, value) if value != UNCLEAR else None
    return None if sql is None else (sql, "NULL" if value is None else literal(value))


def _value(thing: Object, name: str, value: str | None) -> str | None:
    catalog = _CATALOGS.get(thing.kind)
    if thing.kind == "default privileges":
        return defined.default_privilege(thing, name, value)
    if name == "comment":
        if thing.kind == "column":
            return fill("verify_attribute_column_comment")
        return fill("verify_attribute_comment", catalog=literal(catalog)) if catalog else None
    if name == "owner":
        return fill("verify_attribute_owner", catalog=catalog, owner=_OWNERS[catalog]) if catalog in _OWNERS else None
    if " of " in name and not name.startswith("comment on "):
        return _privilege(thing, name)
    found = defined.value(thing, name, value)
    return found if found is not None else _of_kind(thing, name, value)


def _of_kind(thing: Object, name: str, value: str | None) -> str | None:
    word, _, rest = name.partition(" ")
    if thing.kind == "column":
        return _of_column(name, value)
    if name in _ON_RELATION:
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


def _privilege(thing: Object, name: str) -> str | None:
    option = name.startswith("grant option for ")
    privilege, _, role = name.removeprefix("grant option for ").partition(" of ")
    said = {"privilege": literal(privilege), "role": literal(role)}
    if thing.kind == "column":
        return fill("verify_attribute_column_privilege", grantable=str(option).lower(), **said)
    if thing.kind not in _GRANTED:
        return None
    catalog = _CATALOGS[thing.kind]
    acl, kind = _GRANTED[thing.kind]
    template = "verify_defined_grant_option" if option else "verify_attribute_privilege"
    return fill(template, catalog=catalog, acl=acl, kind=literal(kind), owner=_OWNERS[catalog], **said)
