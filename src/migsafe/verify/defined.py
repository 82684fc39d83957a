"""What statements define of an object (sql/defines/): the SQL that gives each value, and what is as by default."""

import re

from migsafe.model.effects import Object
from migsafe.sql.quote import literal
from migsafe.verify.proof import fill

_PLAIN = {
    "trigger": ("update of", "transition tables", "deferral", "arguments", "calls"),
    "constraint": ("operators", "set on delete", "period"),
    "function": (
        *("security", "strict", "leakproof", "parallel", "volatility", "cost", "rows"),
        *("argument names", "argument modes"),
    ),
    "relation": ("columns", "partition classes", "tablespace", "data type", "owned by"),
    "index": ("tablespace",),
    "publication": ("operations", "via root", "everything", "schemas"),
    "statistics": ("kinds",),
    "type": ("not null", "subtype"),
}
_BY_DEFAULT = {
    "enabled": ("O",),
    "increment": ("1",),
    "cache": ("1",),
    "cycle": ("false",),
    "data type": ("bigint",),
    "cost": ("1", "100"),
    "rows": ("0", "1000"),
    "operations": ("delete, insert, truncate, update",),
    "via root": ("false",),
    "everything": ("false",),
    "not null": ("false",),
    **dict.fromkeys(("superuser", "createdb", "createrole", "login", "replication", "bypassrls"), ("false",)),
    "inherit": ("true",),
    "columns": (),
    "kinds": ("dfm", "defm"),
}
_SILENT = {name for names in _PLAIN.values() for name in names} | set(_BY_DEFAULT)
_PREFIXED = ("setting ", "comment on ", "statistics target")
# Told with the object itself.
_TOLD = ("columns", "argument modes")
_ON_ROLE = {
    "superuser": "rolsuper",
    "createdb": "rolcreatedb",
    "createrole": "rolcreaterole",
    "inherit": "rolinherit",
    "login": "rolcanlogin",
    "replication": "rolreplication",
    "bypassrls": "rolbypassrls",
}
_DEFAULTS = re.compile(r"(?:of (?P<maker>.+) )?on (?P<kind>\w+)(?: in schema (?P<schema>.+))?")
_TYPES = {"tables": "r", "sequences": "S", "functions": "f", "types": "T", "schemas": "n"}


def is_silent(name: str, value: str | None) -> bool:
    """Whether a value is as by default, so that a reader need not be told of it."""
    if value is None:
        return name in _SILENT or name == "parameter check_option" or name.startswith(_PREFIXED)
    return value in _BY_DEFAULT.get(name, ()) or name in _TOLD


def value(thing: Object, name: str, wanted: str | None) -> str | None:
    """The SQL; None for what is not compared by a value."""
    if name == "schemas" and wanted is None:
        return None
    if name in _PLAIN.get(thing.kind, ()):
        kind = "relation" if name == "tablespace" else thing.kind
        template = f"verify_defined_{kind}_{name.replace(' ', '_')}"
        return fill(template, wanted=literal(wanted or ""))
    return _special(thing, name)


def _special(thing: Object, name: str) -> str | None:
    word, _, rest = name.partition(" ")
    match thing.kind, word:
        case "function", "setting":
            return fill("verify_defined_function_setting", setting=literal(rest))
        case "type", "comment" if rest.startswith("on "):
            return fill("verify_defined_type_comment", constraint=literal(rest.removeprefix("on ")))
        case "index", "statistics" if rest.startswith("target "):
            return fill("verify_defined_index_statistics_target", number=rest.removeprefix("target "))
        case "statistics", "statistics":
            return fill("verify_defined_statistics_target")
        case "role", "is":
            return fill("verify_defined_role_is")
        case "role", "member":
            return fill("verify_defined_role_member", role=literal(rest.removeprefix("in ")))
        case "role", _ if word in _ON_ROLE:
            return fill("verify_defined_role_switch", switch=literal(_ON_ROLE[word]))
        case "publication", ("columns" | "filtered"):
            return fill(f"verify_defined_publication_{word}")
    return None


def default_privilege(thing: Object, name: str, wanted: str | None) -> str | None:
    """A privilege that what is made later comes with.

    Without FOR ROLE they are those of the role that migrated, which need not be the one that asks: then whoever's are
    enough where it was granted, and only one's own are looked at where it was revoked.
    """
    found = _DEFAULTS.fullmatch(thing.name)
    if found is None:
        return None
    maker, schema, kind = found["maker"], found["schema"], _TYPES[found["kind"]]
    option = name.startswith("grant option for ")
    privilege, _, role = name.removeprefix("grant option for ").partition(" of ")
    if maker is not None:
        whose = f"o.rolname = {literal(maker)}"
    else:
        whose = "true" if wanted is not None else "o.rolname = current_user"
    namespace = f"(SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = {literal(schema)})" if schema else "0"
    built_in = "NULL" if schema else f"acldefault({literal(kind.replace('S', 's'))}, o.oid)"
    return fill(
        "verify_default_privilege",
        type=literal(kind),
        namespace=namespace,
        built_in=built_in,
        maker=whose,
        privilege=literal(privilege),
        role=literal(role),
        grantable="true" if option else "false",
    )
