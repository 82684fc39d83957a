"""What each statement of a plan locks, in words."""

from migsafe.formats.words import listed
from migsafe.model.catalog import Relation
from migsafe.model.effects import Effects
from migsafe.model.locks import Lock, LockMode
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement

_TABLES = ("table", "partitioned table", "foreign table", "materialized view", "view")
NOBODY_WAITS = "no lock that the application waits for"


def in_words(plan: Plan) -> dict[int, tuple[str, ...]]:
    """Sentences by the index of a statement, the strongest lock first; never none for a statement.

    Locks on a relation that the plan itself creates are left out: nothing uses it yet.
    """
    new: set[str] = set()
    sentences: dict[int, tuple[str, ...]] = {}
    for step in plan.steps:
        busy = _last_work(step, new)
        for statement in step.statements:
            new |= _created(statement.effects)
            new |= {rename.new.label for rename in statement.effects.renames if rename.old.label in new}
            sentences[statement.index] = _sentences(statement, new, busy)
    return sentences


def _sentences(statement: Statement, new: set[str], busy: dict[int, Statement]) -> tuple[str, ...]:
    effects = statement.effects
    later = None if statement.transaction is None else busy.get(statement.transaction)
    held_through = later if later is not None and later.index > statement.index else None
    lines = [_sentence(lock, effects, held_through) for lock in felt(effects) if lock.relation not in new]
    if effects.waits_for:
        lines.append(f"waits for {listed(effects.waits_for)} to end")
    lines += [f"not certain: {condition}" for condition in effects.conditions]
    if effects.unknown:
        lines.append(f"not fully known: {effects.unknown}")
    return tuple(lines) or (NOBODY_WAITS,)


def felt(effects: Effects) -> tuple[Lock, ...]:
    """The strongest lock of each relation that others may have to wait for, strongest first.

    Locks on indexes and sequences only where there is none on a table.
    """
    strongest: dict[str, Lock] = {}
    for lock in sorted(effects.locks, key=lambda lock: lock.mode.strength):
        strongest[lock.relation] = lock
    written = {write.relation for write in effects.writes}
    heavy = [
        lock
        for lock in strongest.values()
        if lock.mode.strength >= LockMode.SHARE_UPDATE_EXCLUSIVE.strength or lock.relation in written
    ]
    tables = [lock for lock in heavy if lock.kind in _TABLES]
    return tuple(sorted(tables or heavy, key=lambda lock: (-lock.mode.strength, lock.relation)))


def _sentence(lock: Lock, effects: Effects, later: Statement | None) -> str:
    what = f"{lock.mode.text} on {lock.relation}"
    work = _work(lock.relation, effects)
    if work is not None:
        return f"{what} while it {work}: {_waiting(lock.mode)}"
    if later is not None and lock.mode.blocks_writes and lock.relation not in effects.transient:
        through = f"line {later.line}" if later.line else later.operation or "a later statement"
        return f"{what} until the transaction ends, through the work of {through}: {_waiting(lock.mode)}"
    return f"{what} (brief)"


def _work(relation: str, effects: Effects) -> str | None:
    builds = [build for build in effects.builds if build.table == relation]
    if relation in effects.rewrites:
        return "rewrites the table"
    if builds:
        noun = "the index" if len(builds) == 1 else f"{len(builds)} indexes"
        return f"builds {noun}{' concurrently' if builds[0].concurrently else ''}"
    if relation in effects.scans:
        return "reads the whole table"
    writes = [write for write in effects.writes if write.relation == relation]
    if writes:
        return "changes every row" if any(write.whole for write in writes) else "changes rows"
    return None


def _waiting(mode: LockMode) -> str:
    if mode.blocks_reads:
        return "reads and writes wait"
    if mode.blocks_writes:
        return "writes wait"
    return "others that change the same rows wait" if mode is LockMode.ROW_EXCLUSIVE else "reads and writes go on"


def _last_work(step: Step, new: set[str]) -> dict[int, Statement]:
    created = new.union(*(_created(statement.effects) for statement in step.statements))
    return {
        statement.transaction: statement
        for statement in step.statements
        if statement.transaction is not None and _takes_long(statement.effects, created)
    }


def _created(effects: Effects) -> set[str]:
    return {made.name for made in effects.creates if isinstance(made, Relation)}


def _takes_long(effects: Effects, new: set[str]) -> bool:
    busy = {*effects.rewrites, *effects.scans, *(build.table for build in effects.builds)}
    busy |= {write.relation for write in effects.writes if write.whole}
    return bool(busy - new)
