"""A value of any type, as text that the type reads; the same number gives the same value."""

from collections.abc import Callable, Mapping

from migsafe.postgres.fitting import Type

_NUMBERS = ("int2", "int4", "int8", "oid", "numeric", "float4", "float8", "money")
_WORDS = ("text", "varchar", "bpchar", "citext", "name")
_MAKERS: Mapping[str, Callable[[int], str]] = {
    **dict.fromkeys(_NUMBERS, lambda n: str(n)),
    # The number first: varchar(1) keeps it.
    **dict.fromkeys(_WORDS, lambda n: f"{n} row"),
    "char": lambda n: chr(96 + n),
    "bool": lambda n: "true" if n % 2 else "false",
    "uuid": lambda n: f"00000000-0000-4000-8000-{n:012d}",
    "date": lambda n: f"2024-01-{n:02d}",
    "timestamp": lambda n: f"2024-01-01 00:00:{n:02d}.123456",
    "timestamptz": lambda n: f"2024-01-01 00:00:{n:02d}.123456+00",
    "time": lambda n: f"00:00:{n:02d}.123456",
    "timetz": lambda n: f"00:00:{n:02d}.123456+00",
    "interval": lambda n: f"{n} days",
    "json": lambda n: f'{{"n": {n}}}',
    "jsonb": lambda n: f'{{"n": {n}}}',
    "bytea": lambda n: f"\\x{n:02x}",
    "inet": lambda n: f"10.0.0.{n}",
    "cidr": lambda n: f"10.0.0.{n}/32",
    "macaddr": lambda n: f"00:00:00:00:00:{n:02x}",
    "macaddr8": lambda n: f"00:00:00:00:00:00:00:{n:02x}",
    "bit": lambda n: f"{n:b}",
    "varbit": lambda n: f"{n:b}",
    "xml": lambda n: f"<n>{n}</n>",
    "tsvector": lambda n: f"word{n}",
    "tsquery": lambda n: f"word{n}",
    "hstore": lambda n: f"n=>{n}",
    "ltree": lambda n: f"n{n}",
    "pg_lsn": lambda n: f"0/{n:X}",
    "point": lambda n: f"({n},{n})",
    "line": lambda n: f"{{1,1,{n}}}",
    "lseg": lambda n: f"[(0,0),({n},{n})]",
    "box": lambda n: f"(({n},{n}),(0,0))",
    "path": lambda n: f"[(0,0),({n},{n})]",
    "polygon": lambda n: f"((0,0),({n},0),(0,{n}))",
    "circle": lambda n: f"<(0,0),{n}>",
}
_FREE_DIMENSIONS = 3


def value(type: Type, modifier: int, n: int, types: Mapping[int, Type]) -> str | None:
    """The text of value `n` (from 1) of a column of `type` and `modifier` (atttypmod); None when we know none."""
    if type.labels:
        return type.labels[(n - 1) % len(type.labels)]
    if type.kind == "d":
        return value(types[type.element], type.modifier, n, types) if type.element in types else None
    if type.kind in ("r", "m"):
        return _range(type, n, types)
    if type.element and type.name.startswith("_"):
        inner = value(types[type.element], -1, n, types) if type.element in types else None
        return None if inner is None else f"{{{_quoted(inner)}}}"
    if type.name in ("vector", "halfvec"):
        dimensions = modifier if modifier > 0 else _FREE_DIMENSIONS
        return f"[{','.join(str((n + place) % 7) for place in range(dimensions))}]"
    if type.name == "sparsevec":
        return f"{{1:{n}}}/{modifier if modifier > 0 else _FREE_DIMENSIONS}"
    maker = _MAKERS.get(type.name)
    return maker(n) + _fraction(type, modifier) if maker is not None else None


def _fraction(type: Type, modifier: int) -> str:
    """As many digits as the column keeps, so that it shows where a type rounds them away."""
    # numeric(p,s) has s in the lower half of its modifier, which is 4 more than it says, and s has 11 bits with a sign.
    scale = (modifier - 4) & 0x7FF if modifier >= 4 else 0
    return f".{'1' * scale}" if type.name == "numeric" and 0 < scale < 1024 else ""


def _range(type: Type, n: int, types: Mapping[int, Type]) -> str | None:
    subtype = types.get(type.element)
    if subtype is None:
        return None
    if subtype.kind == "r":
        inner = _range(subtype, n, types)
        return None if inner is None else f"{{{inner}}}"
    bounds = [value(subtype, -1, bound, types) for bound in (2 * n, 2 * n + 1)]
    return None if None in bounds else f"[{','.join(_quoted(bound or '') for bound in bounds)})"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
