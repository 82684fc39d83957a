"""Whether every value of one type is a value of another, and itself again when it is taken back."""

from migsafe.sql.types import Parts

# Digits of the largest value; the longest text has a sign before them.
_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
# Decimal digits that survive the way through a float (C: FLT_DIG, DBL_DIG), and integers that do.
_FLOATS = {"real": 6, "double precision": 15}
_WHOLE = {"real": ("smallint",), "double precision": ("smallint", "integer", "real")}
_TEXTS = ("text", "character varying", "citext")
_LIMITED = ("character varying", "character")
_STAMPS = ("timestamp without time zone", "timestamp with time zone")
_TIMES = ("time without time zone", "time with time zone", "interval", *_STAMPS)


def widens(old: Parts, new: Parts) -> bool:
    """Measured on 18 for the values at the ends of every type (tests/sql/test_widening.py); False where in doubt.

    Dates beyond the year 294276 are no timestamps: they are refused, not lost. A json text and its jsonb count as the
    same document.
    """
    if old.array != new.array:
        return False
    if old.base == new.base:
        return _same_base(old, new)
    if new.base in _TEXTS:
        return _as_text(old, new)
    if new.base == "character":
        return False
    if new.base in _DIGITS:
        return _as_integer(old, new.base)
    if new.base == "numeric":
        return old.base in _DIGITS and (not new.modifiers or _holds(new.modifiers, _DIGITS[old.base], 0))
    if new.base in _FLOATS:
        fits = old.base == "numeric" and bool(old.modifiers) and _total(old.modifiers) <= _FLOATS[new.base]
        return old.base in _WHOLE[new.base] or fits
    return _others(old, new)


def _same_base(old: Parts, new: Parts) -> bool:
    if old.modifiers == new.modifiers:
        return True
    if old.base == "numeric":
        whole, scale = _split(old.modifiers) if old.modifiers else (0, 0)
        return not new.modifiers or (bool(old.modifiers) and _holds(new.modifiers, whole, scale))
    if old.base in (*_LIMITED, "bit varying"):
        return not new.modifiers or (bool(old.modifiers) and new.modifiers[0] >= old.modifiers[0])
    if old.base in _TIMES:
        return (new.modifiers or (6,))[0] >= (old.modifiers or (6,))[0]
    # vector(3) as vector; bit(3) as bit(5) gets zeros, and bit is bit(1).
    return not new.modifiers and old.base != "bit"


def _as_text(old: Parts, new: Parts) -> bool:
    if not new.modifiers:
        return not old.array
    if old.base in _DIGITS:
        return new.modifiers[0] > _DIGITS[old.base]
    # bpchar loses its blanks on the way, and has them again when it is back.
    return old.base in _LIMITED and bool(old.modifiers) and old.modifiers[0] <= new.modifiers[0]


def _as_integer(old: Parts, new: str) -> bool:
    if old.base in _DIGITS:
        return _DIGITS[old.base] < _DIGITS[new]
    if old.base != "numeric" or not old.modifiers:
        return False
    whole, scale = _split(old.modifiers)
    return scale <= 0 and whole < _DIGITS[new]


def _others(old: Parts, new: Parts) -> bool:
    if old.base == "date":
        return new.base == "timestamp without time zone"
    if old.base == "bit" and new.base == "bit varying":
        return not new.modifiers or new.modifiers[0] >= (old.modifiers or (1,))[0]
    return (old.base, new.base) in (("json", "jsonb"), ("jsonb", "json"), ("cidr", "inet"))


def _split(modifiers: tuple[int, ...]) -> tuple[int, int]:
    """Digits before the point, and after it (less than none: zeros before it)."""
    scale = modifiers[1] if len(modifiers) > 1 else 0
    return modifiers[0] - scale, scale


def _holds(modifiers: tuple[int, ...], whole: int, scale: int) -> bool:
    there = _split(modifiers)
    return there[0] >= whole and there[1] >= scale


def _total(modifiers: tuple[int, ...]) -> int:
    whole, scale = _split(modifiers)
    return max(whole, 0) + max(scale, 0)
