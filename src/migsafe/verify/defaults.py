"""What can be proven of a column's default, and what cannot.

The server prints an expression in its own words (`now() AT TIME ZONE 'utc'` for `timezone('utc', now())`), and SQL has
no way to compare two texts of expressions. So: a constant is compared by value, as the type of the column reads it;
what means the same in every session is compared by the server (sameness.py); of a call of a well-known function among
the rest its name must be there; of anything else only that there is a default.
"""

import re

from migsafe.model.catalog import Catalog, Type
from migsafe.verify.proof import fill

# They are printed under the name they were written with (measured on 14 to 18); anything else may have another one.
_CALLED = (
    "nextval",
    "now",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "gen_random_uuid",
    "uuid_generate_v1",
    "uuid_generate_v4",
    "uuidv4",
    "uuidv7",
    "random",
)
_KEYWORDS = ("current_timestamp", "localtimestamp", "current_date", "current_time", "current_user", "session_user")
_CONSTANT = re.compile(
    r"""\(*\s*(?P<value>[-+]?\d[\d.]*(?:e[-+]?\d+)?|true|false|'(?:[^']|'')*')\s*(?:::\s*[\w\s."\[\](),]+)?\s*\)*""",
    re.IGNORECASE,
)
_NULL = re.compile(r"null\s*(?:::.*)?", re.IGNORECASE | re.DOTALL)
_NO_DATE = re.compile(r"'(?!\d{4}-\d\d-\d\d)", re.IGNORECASE)
_STRINGS = re.compile(r"'(?:[^']|'')*'")
# Types whose values are compared after a cast. Not timestamptz: a text without a zone means the session's TimeZone.
_COMPARED = re.compile(
    r"(smallint|integer|bigint|numeric|real|double precision|boolean|text|citext|character varying|character|jsonb?"
    r"|uuid|date|timestamp|interval|inet|cidr|bytea)(\([\d,\s]*\))?( without time zone)?(\[\])?"
)


def condition(default: str | None, type_name: str | None, catalog: Catalog) -> tuple[str, str]:
    """SQL that must hold of `expression` (pg_get_expr of the default, or null), and the same for a reader."""
    if default is None:
        return "expression IS NULL", "no default"
    if _NULL.fullmatch(default.strip()):
        return fill("verify_column_null_default"), "no default but NULL"
    read_as = _read_as(type_name, catalog)
    constant = None if _is_renamed_label(default, type_name, catalog) else _CONSTANT.fullmatch(default.strip())
    if constant and read_as and not (read_as.startswith(("date", "timestamp")) and _NO_DATE.match(constant["value"])):
        computed = rf"'\m({'|'.join((*_CALLED, *_KEYWORDS))})\M'"
        return fill("verify_column_value", type=read_as, value=default, computed=computed), f"default {default}"
    called = _called(default)
    if called:
        sql = [fill("verify_column_calls", called=f"'{name}'") for name in called]
        return " AND ".join(
            sql
        ), f"a default that calls {' and '.join(called)} (written {default}; not compared further)"
    return "expression IS NOT NULL", f"a default (written {default}; its text is not compared)"


def is_same_everywhere(default: str, type_name: str | None, catalog: Catalog) -> bool:
    """Whether reading the default again gives the expression that was stored.

    Not a constant, whose value is compared; not a time in a string, which is read once, in the TimeZone and DateStyle
    of that session; not a sequence or a label that goes by another name now.
    """
    if _CONSTANT.fullmatch(default.strip()) or _NULL.fullmatch(default.strip()):
        return False
    if _STRINGS.search(default) and (_is_time(type_name) or _is_time(_STRINGS.sub("", default))):
        return False
    sequences = re.findall(r"nextval\('([^']*)'", default)
    known = (catalog.relations.get(name.replace('"', "")) or _on_path(name, catalog) for name in sequences)
    return all(known) and not _is_renamed_label(default, type_name, catalog)


def is_read_alike(written: str, type_name: str | None, catalog: Catalog) -> bool:
    """Whether the server reads a default as it did: a string of most types is read as the session's settings say."""
    of_text = re.fullmatch(r"(text|citext|name|character varying)(\(\d+\))?", type_name or "")
    return "'" not in written or of_text is not None or is_same_everywhere(written, type_name, catalog)


def _is_time(text: str | None) -> bool:
    return re.search(r"\b(date|time|timetz|timestamp|timestamptz|reg\w+)\b", text or "", re.IGNORECASE) is not None


def _on_path(name: str, catalog: Catalog) -> bool:
    return any(f"{schema}.{name}" in catalog.relations for schema in catalog.search_path)


def _is_renamed_label(default: str, type_name: str | None, catalog: Catalog) -> bool:
    """Whether a later ALTER TYPE … RENAME VALUE may have changed how the default is printed."""
    known = _user_type(type_name, catalog) if type_name else None
    written = _STRINGS.match(default)
    label = written[0][1:-1].replace("''", "'") if written else None
    return known is not None and known.kind == "enum" and label not in known.labels


def _called(default: str) -> tuple[str, ...]:
    text = _STRINGS.sub("", default.lower())
    functions = [name for name in _CALLED if re.search(rf"\b{name}\s*\(", text)]
    return (*functions, *(name for name in _KEYWORDS if re.search(rf"\b{name}\b", text)))


def _read_as(type_name: str | None, catalog: Catalog) -> str | None:
    """The type to cast to before two values are compared as text; None when they cannot be compared safely."""
    if type_name is None:
        return None
    if _COMPARED.fullmatch(type_name):
        return type_name.replace("citext", "text")
    known = _user_type(type_name, catalog)
    if known and known.kind == "enum":
        return "text"
    return _read_as(known.base, catalog) if known and known.kind == "domain" else None


def _user_type(type_name: str, catalog: Catalog) -> Type | None:
    name = type_name.replace('"', "")
    return catalog.types.get(name) or next(
        (known for known in catalog.types.values() if known.name.split(".", 1)[-1] == name), None
    )
