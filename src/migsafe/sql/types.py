"""Types as `format_type()` prints them, and what changing one into another costs."""

import re
from functools import lru_cache
from typing import NamedTuple

from migsafe.model.catalog import Catalog, Type
from migsafe.sql.names import found
from migsafe.sql.nodes import pb
from migsafe.sql.parse import strings
from migsafe.sql.quote import identifier

# pg_type.typname → what format_type() prints; a modifier goes where the braces stand.
_PRINTED = {
    "int2": "smallint",
    "int4": "integer",
    "int": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "bpchar": "character{}",
    "varchar": "character varying{}",
    "varbit": "bit varying{}",
    "bit": "bit{}",
    "numeric": "numeric{}",
    "decimal": "numeric{}",
    "timestamp": "timestamp{} without time zone",
    "timestamptz": "timestamp{} with time zone",
    "time": "time{} without time zone",
    "timetz": "time{} with time zone",
    "interval": "interval{}",
    "char": '"char"',
    "json": "json",
}
_PLAIN = frozenset(pattern.replace("{}", "") for pattern in _PRINTED.values())
# Types that extensions bring, all of them base types: a column of one shows that the extension is used.
EXTENSION_TYPES = {
    "vector": ("vector", "halfvec", "sparsevec"),
    "citext": ("citext",),
    "hstore": ("hstore",),
    "ltree": ("ltree", "lquery", "ltxtquery"),
    "postgis": ("geometry", "geography", "box2d", "box3d"),
    "cube": ("cube",),
    "seg": ("seg",),
    "isn": ("isbn", "isbn13", "issn", "ean13"),
    "pg_trgm": ("gtrgm",),
}
_WELL_KNOWN = frozenset(name for types in EXTENSION_TYPES.values() for name in types)
_SERIAL = {
    "serial": "integer",
    "serial4": "integer",
    "bigserial": "bigint",
    "serial8": "bigint",
    "smallserial": "smallint",
    "serial2": "smallint",
}
_BUILTIN = frozenset(
    [
        "text",
        "bytea",
        "uuid",
        "jsonb",
        "xml",
        "date",
        "money",
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "point",
        "line",
        "lseg",
        "box",
        "path",
        "polygon",
        "circle",
        "tsvector",
        "tsquery",
        "oid",
        "regclass",
        "regproc",
        "regprocedure",
        "regtype",
        "regrole",
        "regnamespace",
        "regconfig",
        "name",
        "int4range",
        "int8range",
        "numrange",
        "tsrange",
        "tstzrange",
        "daterange",
        "int4multirange",
        "int8multirange",
        "nummultirange",
        "tsmultirange",
        "tstzmultirange",
        "datemultirange",
        "pg_lsn",
        "txid_snapshot",
        "pg_snapshot",
        "jsonpath",
        "xid",
        "xid8",
        "cid",
        "tid",
        "refcursor",
        "void",
        "trigger",
        "event_trigger",
        "record",
        "anyelement",
        "anyarray",
        "int2vector",
        "oidvector",
        "unknown",
        "anycompatible",
        "internal",
        "cstring",
    ]
)
_INTERVAL_FULL_RANGE = 32767


def text(name: pb.TypeName, catalog: Catalog) -> str:
    """The type as format_type() prints it: `character varying(20)`, `integer`, `vector(1536)`, `text[]`."""
    names = strings(name.names)
    array = "[]" if name.array_bounds else ""
    base = names[-1] if names else "unknown"
    builtin = len(names) == 1 or names[0] == "pg_catalog"
    if builtin and base in _PRINTED and not (len(names) == 1 and _is_users(base, catalog)):
        return _PRINTED[base].format(_modifier(base, name)) + array
    if builtin and base in _SERIAL:
        return _SERIAL[base] + array
    return _users(names, catalog) + _modifier(base, name) + array


def is_serial(name: pb.TypeName) -> bool:
    names = strings(name.names)
    return len(names) == 1 and names[0] in _SERIAL


def _is_users(base: str, catalog: Catalog) -> bool:
    return any(f"{schema}.{base}" in catalog.types for schema in catalog.search_path)


def _users(names: tuple[str, ...], catalog: Catalog) -> str:
    if len(names) == 1 or names[0] == "pg_catalog":
        return identifier(names[-1])
    schema, base = names[-2], names[-1]
    visible = schema in catalog.search_path and found(base, catalog, catalog.types) == f"{schema}.{base}"
    return identifier(base) if visible else f"{identifier(schema)}.{identifier(base)}"


def _modifier(base: str, name: pb.TypeName) -> str:
    values = [_constant(node) for node in name.typmods]
    if base == "interval" and values:
        values = values[1:] if values[0] == str(_INTERVAL_FULL_RANGE) or len(values) > 1 else []
    if base in ("numeric", "decimal") and len(values) == 1:
        values.append("0")
    return f"({','.join(values)})" if values else ""


def _constant(node: pb.Node) -> str:
    value = node.a_const
    if value.WhichOneof("val") == "ival":
        return str(value.ival.ival)
    if value.WhichOneof("val") == "sval":
        return str(value.sval.sval)
    return strings(node.column_ref.fields)[0] if node.WhichOneof("node") == "column_ref" else "?"


class Parts(NamedTuple):
    """A printed type taken apart: `numeric(10,2)[]` is `numeric`, `(10, 2)`, True."""

    base: str
    modifiers: tuple[int, ...]
    array: bool


_TEXT = re.compile(
    r'(?P<base>"(?:[^"]|"")*"(?:\.\S+)?|[^("]+)(?:\((?P<mods>[\d,\s-]*)\))?(?P<rest> with(?:out)? time zone)?'
)


@lru_cache(maxsize=1024)
def parts(printed: str) -> Parts:
    array = printed.endswith("[]")
    match = _TEXT.fullmatch(printed.removesuffix("[]").strip())
    if match is None:
        return Parts(printed.removesuffix("[]"), (), array)
    modifiers = tuple(int(number) for number in (match["mods"] or "").split(",") if number.strip())
    return Parts(match["base"].strip() + (match["rest"] or ""), modifiers, array)


def user_type(printed: str, catalog: Catalog) -> Type | None:
    """The type of the user's own that a printed type stands for."""
    name = parts(printed).base.replace('"', "")
    if "." in name:
        return catalog.types.get(name)
    return next((catalog.types[key] for s in catalog.search_path if (key := f"{s}.{name}") in catalog.types), None)


def is_known(printed: str, catalog: Catalog) -> bool:
    """Whether the type is PostgreSQL's own, in the catalog, or that of an extension everybody knows."""
    base = parts(printed).base
    if base in _BUILTIN or base in _PLAIN or user_type(printed, catalog) is not None:
        return True
    return base.rpartition(".")[2] in _WELL_KNOWN


def domain_of(printed: str, catalog: Catalog) -> Type | None:
    known = user_type(printed, catalog)
    return known if known and known.kind == "domain" and not printed.endswith("[]") else None


def is_constrained(printed: str, catalog: Catalog) -> bool:
    """Whether it is a domain with a constraint, its own or that of the domain it is made of."""
    domain = domain_of(printed, catalog)
    return domain is not None and (domain.constrained or is_constrained(domain.base or "", catalog))


def underlying(printed: str, catalog: Catalog) -> str:
    """The type below a domain; any other type is itself."""
    domain = domain_of(printed, catalog)
    return underlying(domain.base, catalog) if domain and domain.base else printed
