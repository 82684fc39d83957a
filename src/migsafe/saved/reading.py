"""The SELECTs that read what is to be saved, chunk by chunk."""

import re
from collections.abc import Sequence

from migsafe.model.saved import Part
from migsafe.sql.quote import identifier, literal, qualified

_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_WRAP = 4294967296


def columns(part: Part) -> tuple[str, ...]:
    """The columns of a saved file: the key's, then the others."""
    return (*part.key, *part.columns)


def source(part: Part, relation: str | None = None) -> str:
    """FROM and the alias that `part.where` speaks of."""
    only = "ONLY " if part.only else ""
    return f"{only}{qualified(relation or part.relation)} AS {part.alias}"


def chunk_by_key(part: Part, types: Sequence[str], last: Sequence[str] | None, limit: int) -> str:
    """The next rows after the key `last` (texts), `limit` at most, in the order of the key."""
    key = [f"{part.alias}.{identifier(name)}" for name in part.key]
    after = ""
    if last is not None:
        values = ", ".join(f"{literal(text)}::{kind}" for text, kind in zip(last, types, strict=False))
        after = f"({', '.join(key)}) > ({values})"
    return f"{_select(part)} {_where(part.where, after)} ORDER BY {', '.join(key)} LIMIT {limit}"


def chunk_by_page(part: Part, first: int, end: int | None) -> str:
    """The rows on the pages from `first` to before `end` (None: to the last)."""
    pages = f"{part.alias}.ctid >= '({first},0)'::tid"
    pages += "" if end is None else f" AND {part.alias}.ctid < '({end},0)'::tid"
    return f"{_select(part)} {_where(part.where, pages)}"


def newer(part: Part, horizon: int, relation: str | None = None) -> str:
    """Rows that may have been written since the snapshot whose oldest running transaction had the id `horizon`.

    Transaction ids are compared as the server does, modulo 2^32: a row that was frozen long ago may seem newer, and is
    then saved once more as it is, which does no harm (manual, section 24.1.5).
    """
    return f"{_select(part, relation)} {_where(part.where, is_newer(part, horizon))}"


def is_newer(part: Part, horizon: int) -> str:
    """The condition of `newer` alone."""
    return f"(({part.alias}.xmin::text::int8 - {horizon} + {_WRAP}) % {_WRAP}) < {_WRAP // 2}"


def met(part: Part, listed: str) -> str:
    """`listed` of the rows that the statement meets now."""
    return f"SELECT {listed} FROM {source(part)} {_where(part.where)}"


def _select(part: Part, relation: str | None = None) -> str:
    listed = ", ".join(f"{part.alias}.{identifier(name)}" for name in columns(part))
    return f"SELECT {listed} FROM {source(part, relation)}"


def texts(part: Part, select: str) -> str:
    """What `select` gives, as texts: a table of them stays whole when a type goes with CASCADE."""
    listed = ", ".join(f"given.{identifier(name)}::text" for name in columns(part))
    return f"SELECT {listed} FROM ({select}) AS given"


def _where(*conditions: str | None) -> str:
    given = [f"({each})" for each in conditions if each]
    return f"WHERE {' AND '.join(given)}" if given else ""


def key_in(line: bytes, count: int, encoding: str) -> tuple[str, ...]:
    """The first `count` fields of a line of COPY text, as the texts they stand for."""
    fields = line.rstrip(b"\n").split(b"\t", count)[:count]
    plain = (_ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), field) for field in fields)
    return tuple(field.decode(encoding) for field in plain)
