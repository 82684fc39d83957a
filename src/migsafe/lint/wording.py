"""Sentences about locks: which lock, on what, how big it is, and who waits."""

from collections.abc import Iterable, Sequence

from migsafe.lint.situation import Situation
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects, Object
from migsafe.model.locks import LockMode

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_LISTED = 3


def size(catalog: Catalog, relation: str) -> str:
    """` (about 200,000 rows, 31 MB)` as far as the catalog knows, else nothing."""
    known = catalog.relations.get(relation)
    rows = counted(catalog, relation)
    weight = pretty_size(known.bytes) if known and known.bytes else ""
    return f" ({', '.join(part for part in (rows, weight) if part)})" if rows or weight else ""


def counted(catalog: Catalog, relation: str) -> str:
    """`about 200,000 rows` as far as the catalog knows of any, else nothing."""
    known = catalog.relations.get(relation)
    return f"about {known.rows:,.0f} rows" if known and known.rows is not None and known.rows > 0 else ""


def pretty_size(count: int) -> str:
    """`count` bytes in the largest unit that leaves at least 1, in powers of 1024 like pg_size_pretty()."""
    amount, unit = float(count), 0
    while amount >= 1024 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}"


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`, `a, b, c and 4 more`."""
    unique = list(dict.fromkeys(names))
    if len(unique) > _LISTED + 1:
        unique = [*unique[:_LISTED], f"{len(unique) - _LISTED} more"]
    return " and ".join([", ".join(unique[:-1]), unique[-1]] if len(unique) > 1 else unique)


def everything(objects: Iterable[Object]) -> str:
    """All of `objects` with their kinds, however many: `view public.v, index public.i and column public.t.c`."""
    *first, last = [f"{each.kind} {each.label}" for each in dict.fromkeys(objects)] or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last


def strongest(effects: Effects, situation: Situation) -> dict[str, LockMode]:
    """The strongest lock by live relation, of those that make an application wait; the strongest first."""
    modes: dict[str, LockMode] = {}
    for lock in sorted(effects.locks, key=lambda lock: -lock.mode.strength):
        if "index" not in lock.kind and lock.mode.blocks_writes and situation.live(lock.relation):
            modes.setdefault(lock.relation, lock.mode)
    return modes


def holding(what: str, work: str, effects: Effects, situation: Situation) -> str:
    """`CREATE INDEX i holds SHARE on public.t (about 9 rows) while it …: writes to public.t wait.`

    `what` is the statement in few words, `work` what it does under its locks, in the third person.
    """
    modes = strongest(effects, situation)
    return f"{what} holds {_locks(modes, situation)} while it {work}: {waits(modes)}." if modes else f"{what} {work}."


def taking(what: str, effects: Effects, situation: Situation) -> str:
    """The same of a statement that is quick once it has its locks: it is the wait for them that hurts."""
    modes = strongest(effects, situation)
    return (
        f"{what} takes {_locks(modes, situation)}: {waits(modes)} from the moment it queues behind the longest "
        f"running query there until the revision commits."
    )


def _locks(modes: dict[str, LockMode], situation: Situation) -> str:
    return listed(
        f"{mode.text} on {listed(_sized(situation.catalog, [r for r in modes if modes[r] is mode]))}"
        for mode in dict.fromkeys(modes.values())
    )


def waits(modes: dict[str, LockMode]) -> str:
    """`reads and writes of a and writes to b wait` for the strongest mode of each relation."""
    reads = [relation for relation, mode in modes.items() if mode.blocks_reads]
    writes = [relation for relation, mode in modes.items() if not mode.blocks_reads]
    parts = [f"reads and writes of {listed(reads)}"] if reads else []
    parts += [f"writes to {listed(writes)}"] if writes else []
    return f"{' and '.join(parts)} wait"


def _sized(catalog: Catalog, relations: Sequence[str]) -> list[str]:
    return [f"{relation}{size(catalog, relation)}" for relation in relations]
