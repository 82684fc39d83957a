"""Names and values as SQL text."""

import re
from functools import lru_cache

from migsafe.sql.nodes import pb
from migsafe.sql.parse import tokens

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")


@lru_cache(maxsize=8192)
def identifier(name: str) -> str:
    """`name` as PostgreSQL's quote_ident() prints it: in double quotes only when it needs them."""
    if _PLAIN.fullmatch(name):
        kind = tokens(name)[0].keyword_kind
        if kind in (pb.NO_KEYWORD, pb.UNRESERVED_KEYWORD):
            return name
    return '"' + name.replace('"', '""') + '"'


def qualified(name: str) -> str:
    """`schema.name`, unquoted, as SQL: cut at the first dot, each part quoted where it must be."""
    return ".".join(identifier(part) for part in name.split(".", 1))


def literal(value: str) -> str:
    """`value` as a string constant, as quote_literal() prints it."""
    text = "'" + value.replace("'", "''").replace("\\", "\\\\") + "'"
    return f"E{text}" if "\\" in value else text
