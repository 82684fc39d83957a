"""What ALTER COLUMN … TYPE makes of values that do not fit, where the server says nothing and goes on."""

import re

from migsafe.sql.types import Parts

_WHOLE = ("smallint", "integer", "bigint")
# Decimal digits that a float keeps of any number (C: FLT_DIG, DBL_DIG).
_FLOATS = {"real": 6, "double precision": 15}
_STAMPS = ("timestamp without time zone", "timestamp with time zone")
_CLOCKS = ("time without time zone", "time with time zone")
_TIMES = (*_STAMPS, *_CLOCKS, "interval")
_TEXTS = ("text", "character varying", "character")
# Column under casts alone: `total::numeric(12,2)`, `CAST(total AS integer)`.
_CASTS = re.compile(r"\(*\s*(?:CAST\s*\(\s*)?(?P<column>\w+|\"(?:[^\"]|\"\")+\")\)*\s*(?:::|AS\s).*", re.IGNORECASE)


def is_cast(using: str, column: str) -> bool:
    """Whether USING is the column under casts, and so what the type makes of it; any other expression is meant."""
    found = _CASTS.fullmatch(using.strip())
    return found is not None and found["column"].strip('"') == column and "," not in re.sub(r"\([\d,\s]*\)", "", using)


def rounded(old: Parts, new: Parts, *, cast: bool = False) -> str | None:
    """What becomes of values, after "is": `rounded to 2 digits after the point`; None: kept, refused, or not known.

    `cast`: as by an explicit one, which cuts what an assignment refuses. Measured on 14 to 18, the same
    (tests/sql/test_rounding.py).
    """
    if old.array != new.array:
        return None
    if new.base in _WHOLE:
        scale = _scale(old)
        fraction = old.base in _FLOATS or (old.base == "numeric" and (scale is None or scale > 0))
        return "rounded to a whole number" if fraction else None
    if new.base == "numeric":
        return _as_numeric(old, new)
    if new.base in _FLOATS:
        return _as_float(old, new.base)
    if new.base in (*_TIMES, "date"):
        return _as_time(old, new)
    if (old.base, new.base) == ("inet", "cidr"):
        return "cut to its network: the bits of the host become zero"
    as_wide = not old.modifiers or not new.modifiers or old.modifiers == new.modifiers
    if (_bare(old.base), _bare(new.base)) == ("vector", "halfvec") and as_wide:
        return "rounded to half precision, about 3 decimal digits"
    return _cut(old, new) if cast else None


def _bare(base: str) -> str:
    return base.rpartition(".")[2]


def _scale(kind: Parts) -> int | None:
    """Digits after the point; None: as many as there are."""
    if not kind.modifiers:
        return None
    return kind.modifiers[1] if len(kind.modifiers) > 1 else 0


def _as_numeric(old: Parts, new: Parts) -> str | None:
    scale = _scale(new)
    if old.base in _FLOATS:
        kept = f"{_FLOATS[old.base]} decimal digits"
        return f"rounded to {kept}" if scale is None else f"rounded to {kept}, and to {_digits(scale)}"
    before = 0 if old.base in _WHOLE else _scale(old)
    if scale is None or (old.base != "numeric" and old.base not in _WHOLE) or (before is not None and before <= scale):
        return None
    return f"rounded to {_digits(scale)}"


def _digits(scale: int) -> str:
    if scale < 0:
        return f"a multiple of 1{'0' * -scale}"
    return "a whole number" if scale == 0 else f"{scale} digit{'s' if scale > 1 else ''} after the point"


def _as_float(old: Parts, new: str) -> str | None:
    digits = {"smallint": 5, "integer": 10, "bigint": 19}.get(old.base)
    if old.base == "numeric":
        digits = old.modifiers[0] if old.modifiers else None
    elif old.base == "double precision":
        digits = 15
    elif digits is None:
        return None
    return None if digits is not None and digits <= _FLOATS[new] else f"rounded to {_FLOATS[new]} decimal digits"


def _as_time(old: Parts, new: Parts) -> str | None:
    if old.base in _STAMPS and new.base == "date":
        return "cut to its day: the time of day is gone"
    if new.base in _CLOCKS and old.base in (*_STAMPS, "interval"):
        # Only what has a zone becomes a time with one.
        known = new.base == _CLOCKS[0] or old.base == _STAMPS[1]
        gone = "days and months are" if old.base == "interval" else "the date is"
        return f"cut to its time of day: {gone} gone" if known else None
    if not any(old.base in alike and new.base in alike for alike in (_STAMPS, _CLOCKS, (_CLOCKS[0], "interval"))):
        return None
    before, after = ((kind.modifiers or (6,))[0] for kind in (old, new))
    if after >= before:
        return None
    return (
        "rounded to a whole second" if after == 0 else f"rounded to {after} digit{'s' if after > 1 else ''} of a second"
    )


def _cut(old: Parts, new: Parts) -> str | None:
    if old.base in _TEXTS and new.base in _TEXTS and new.modifiers:
        longer = not old.modifiers or old.modifiers[0] > new.modifiers[0]
        return f"cut to {new.modifiers[0]} characters" if longer else None
    if old.base in ("bit", "bit varying") and new.base in ("bit", "bit varying"):
        size = (new.modifiers or ((1,) if new.base == "bit" else ()))[:1]
        longer = bool(size) and (not old.modifiers or old.modifiers[0] > size[0])
        return f"cut to {size[0]} bits" if longer else None
    return None
