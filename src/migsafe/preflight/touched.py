"""What a plan does to the server as it is now: an object that the plan itself makes is nobody's yet."""

from collections.abc import Iterator, Mapping

import msgspec

from migsafe.model.catalog import Column, Constraint, Index, Policy, Relation, RewriteRule, Statistics, Type
from migsafe.model.effects import Effects
from migsafe.model.locks import Lock
from migsafe.model.plan import Plan
from migsafe.model.statement import Statement

_RELATIONS = ("table", "partitioned table", "view", "materialized view", "sequence", "foreign table", "index")


class Moment(msgspec.Struct, frozen=True):
    """A statement of a plan, and what the statements before it have changed about names.

    `made`: relations, indexes and types that the plan creates up to and with this statement; `gone`: those that an
    earlier one drops or renames away, `parts_gone` columns and constraints as (relation, name); `renamed`: the name
    of now by the new name. `role` is what SET ROLE chose, for the transaction when `role_is_local`.
    """

    statement: Statement
    made: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    parts_gone: frozenset[tuple[str, str]] = frozenset()
    renamed: Mapping[str, str] = {}
    role: str | None = None
    role_is_local: bool = False

    @property
    def effects(self) -> Effects:
        return self.statement.effects

    def now(self, name: str) -> str | None:
        """The name under which a relation is on the server before the plan; None when the plan makes it."""
        if name in self.made or name.startswith("pg_temp."):
            return None
        return self.renamed.get(name, name)


def moments(plan: Plan) -> Iterator[Moment]:
    """Every statement of `plan` but those that only move Alembic's version."""
    last: Moment | None = None
    for statement in plan.statements:
        last = _next(last, statement)
        if not only_moves_version(statement.effects, plan.version_table):
            yield last


def _next(last: Moment | None, statement: Statement) -> Moment:
    created = {each.name for each in statement.effects.creates if isinstance(each, Relation | Index | Type)}
    if last is None:
        return _with_role(Moment(statement, frozenset(created)), None)
    if not (last.effects.changes_schema or created):
        return _with_role(msgspec.structs.replace(last, statement=statement), last)
    made, gone, parts, renamed = set(last.made), set(last.gone - last.made), set(last.parts_gone), dict(last.renamed)
    parts |= {(drop.of, drop.name) for drop in last.effects.drops if drop.of is not None}
    parts |= {(each.old.of, each.old.name) for each in last.effects.renames if each.old.of is not None}
    dropped = {drop.name for drop in last.effects.drops if drop.of is None}
    made -= dropped
    gone |= dropped
    for rename in last.effects.renames:
        if rename.old.of is None:
            _rename(rename.old.name, rename.new.name, made, gone, renamed)
    made |= created
    return _with_role(Moment(statement, frozenset(made), frozenset(gone), frozenset(parts), renamed), last)


def _rename(old: str, new: str, made: set[str], gone: set[str], renamed: dict[str, str]) -> None:
    if old in made:
        made.discard(old)
        made.add(new)
    else:
        renamed[new] = renamed.pop(old, old)
        gone.add(old)
    gone.discard(new)


def _with_role(moment: Moment, last: Moment | None) -> Moment:
    """`moment` with what SET ROLE holds for it; SET LOCAL ROLE ends with its transaction."""
    role, is_local = (last.role, last.role_is_local) if last else (None, False)
    if is_local and last is not None and _transaction(last.statement) != _transaction(moment.statement):
        role, is_local = None, False
    for setting in moment.effects.settings:
        if setting.name == "role":
            role, is_local = None if setting.value in (None, "none", "NONE") else setting.value, setting.local
    return msgspec.structs.replace(moment, role=role, role_is_local=is_local)


def _transaction(statement: Statement) -> tuple[str | None, int | None]:
    return statement.revision, statement.transaction


def only_moves_version(effects: Effects, version_table: str) -> bool:
    """Whether a statement touches nothing but Alembic's version table."""
    touched = {write.relation for write in effects.writes}
    touched |= {lock.relation for lock in effects.locks if not lock.kind.endswith("index")}
    touched |= {made.name for made in effects.creates if isinstance(made, Relation)}
    touched |= {drop.name for drop in effects.drops if drop.of is None}
    return bool(touched) and all(is_version_table(name, version_table) for name in touched)


def is_version_table(name: str, version_table: str) -> bool:
    return name == version_table or ("." not in version_table and name.rpartition(".")[2] == version_table)


def locks(plan: Plan) -> tuple[Lock, ...]:
    """The strongest lock on each relation that is there already, under its name of now."""
    strongest: dict[str, Lock] = {}
    for moment in moments(plan):
        for lock in moment.effects.locks:
            name = moment.now(lock.relation)
            held = strongest.get(name or "")
            if name is not None and (held is None or held.mode.strength < lock.mode.strength):
                strongest[name] = Lock(name, lock.kind, lock.mode)
    return tuple(strongest.values())


def altered_relations(effects: Effects) -> Iterator[str]:
    """The relations that a statement changes the definition of: only their owner may."""
    for made in effects.creates:
        if isinstance(made, Column | Constraint | Index | Policy | RewriteRule | Statistics):
            yield made.relation
    for altered in effects.alters:
        thing = altered.after
        if isinstance(thing, Column | Constraint | Index):
            yield thing.relation
        elif isinstance(thing, Relation):
            yield thing.name
    objects = (*effects.drops, *effects.validates, *(rename.old for rename in effects.renames))
    for each in objects:
        if each.of is not None or each.kind in _RELATIONS:
            yield each.of or each.name


def concurrently(plan: Plan) -> tuple[Statement, ...]:
    return tuple(statement for statement in plan.statements if statement.effects.concurrently)


def strong_locks(plan: Plan) -> tuple[Lock, ...]:
    """Locks on relations that are there already, which readers or writers have to wait for."""
    return tuple(lock for lock in locks(plan) if lock.mode.blocks_writes)
