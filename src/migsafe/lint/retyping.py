"""What a change of a column's type does to tables and values, as more than one rule says it."""

from migsafe.lint.facts import blocking_builds
from migsafe.lint.operations import bare
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed
from migsafe.model.catalog import Column
from migsafe.model.effects import Effects
from migsafe.sql.rounding import is_cast, rounded
from migsafe.sql.types import parts, underlying


def work(tables: tuple[str, ...], effects: Effects, situation: Situation) -> str:
    """What goes on under the lock: `writes public.orders anew`; nothing where it is over at once."""
    written = [table for table in tables if table in effects.rewrites]
    if written:
        return f"writes {listed(written)} anew"
    rebuilt = [bare(build.index) for build in blocking_builds(effects, situation) if build.table in tables]
    if rebuilt:
        return f"builds {listed(rebuilt)} anew"
    return f"reads every row of {listed(tables)}" if tables else ""


def types(new: Column, old: Column | None) -> str:
    """`from integer to bigint`, as far as it is known."""
    collation = f' COLLATE "{new.collation}"' if new.collation and old and new.collation != old.collation else ""
    origin = f"from {old.type} " if old and old.type else ""
    return f"{origin}to {new.type}{collation}"


def loses(new: Column, old: Column | None, effects: Effects, situation: Situation) -> str | None:
    """What becomes of values that do not fit, after "is"; None where they stay, or are refused.

    A USING that computes is meant.
    """
    if old is None or old.type is None or new.type is None or old.type == new.type:
        return None
    using = next((altered.using for altered in effects.alters if altered.after == new), None)
    if using is not None and not is_cast(using, new.name):
        return None
    before, after = (parts(underlying(kind, situation.catalog)) for kind in (old.type, new.type))
    return rounded(before, after, cast=using is not None)
