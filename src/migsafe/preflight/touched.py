"""What a plan does to the server as it is now: an object that the plan itself makes is nobody's yet."""

import functools
from collections.abc import Iterator
from typing import Any

import msgspec

from migsafe.model.catalog import Column, Constraint, Index, Policy, Relation, RewriteRule, Statistics, Type
from migsafe.model.effects import Effects
from migsafe.model.locks import Lock
from migsafe.model.plan import Plan
from migsafe.model.statement import Statement

_RELATIONS = ("table", "partitioned table", "view", "materialized view", "sequence", "foreign table", "index")


class History:
    """What the statements of a plan do to names, by position: looked up as of a statement, kept once for all of them.

    `made`: relations, indexes and types that the plan creates; `gone`: those that it drops or renames away;
    `parts_gone`: columns and constraints as (relation, name); `renamed`: the name of now by the new name.
    """

    def __init__(self) -> None:
        self.made: _Changes = {}
        self.gone: _Changes = {}
        self.parts_gone: _Changes = {}
        self.renamed: _Changes = {}

    def before(self, statement: Statement, position: int) -> None:
        """What `statement`, at `position`, creates."""
        for each in statement.effects.creates:
            if isinstance(each, Relation | Index | Type):
                _note(self.made, each.name, position, True)

    def after(self, statement: Statement, position: int) -> None:
        """What the statement before `position` leaves behind."""
        effects = statement.effects
        for each in effects.creates:
            if isinstance(each, Relation | Index | Type):
                _note(self.gone, each.name, position, False)
        for drop in effects.drops:
            if drop.of is not None:
                _note(self.parts_gone, (drop.of, drop.name), position, True)
            else:
                _note(self.made, drop.name, position, False)
                _note(self.gone, drop.name, position, True)
        for rename in effects.renames:
            if rename.old.of is not None:
                _note(self.parts_gone, (rename.old.of, rename.old.name), position, True)
            else:
                self._rename(rename.old.name, rename.new.name, position)

    def _rename(self, old: str, new: str, position: int) -> None:
        if _at(self.made, old, position):
            _note(self.made, old, position, False)
            _note(self.made, new, position, True)
        else:
            _note(self.renamed, new, position, _at(self.renamed, old, position) or old)
            _note(self.renamed, old, position, None)
            _note(self.gone, old, position, True)
        _note(self.gone, new, position, False)


_Changes = dict[str | tuple[str, str], list[tuple[int, Any]]]


def _note(changes: _Changes, name: str | tuple[str, str], position: int, value: bool | str | None) -> None:
    changes.setdefault(name, []).append((position, value))


def _at(changes: _Changes, name: str | tuple[str, str], position: int) -> Any:
    return next((value for since, value in reversed(changes.get(name, ())) if since <= position), None)


class Moment(msgspec.Struct, frozen=True):
    """A statement of a plan, and what the statements before it have changed about names.

    `role` is what SET ROLE chose, for the transaction when `role_is_local`.
    """

    statement: Statement
    history: History
    position: int
    role: str | None = None
    role_is_local: bool = False

    @property
    def effects(self) -> Effects:
        return self.statement.effects

    def now(self, name: str) -> str | None:
        """The name under which a relation is on the server before the plan; None when the plan makes it."""
        if name.startswith("pg_temp.") or _at(self.history.made, name, self.position):
            return None
        return _at(self.history.renamed, name, self.position) or name

    def is_gone(self, name: str) -> bool:
        """Whether an earlier statement drops or renames away the relation, index or type that was called so."""
        return bool(_at(self.history.gone, name, self.position))

    def is_part_gone(self, relation: str, name: str) -> bool:
        """The same of a column or constraint."""
        return bool(_at(self.history.parts_gone, (relation, name), self.position))


def moments(plan: Plan) -> Iterator[Moment]:
    """Every statement of `plan` but those that only move Alembic's version."""
    return iter(_moments(_This(plan)))


class _This:
    """One plan, by identity: to compare two would read every statement of both."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and other.plan is self.plan

    def __hash__(self) -> int:
        return id(self.plan)


@functools.lru_cache(maxsize=1)
def _moments(this: _This) -> tuple[Moment, ...]:
    """Made once for all checks, which ask one plan after the other."""
    return tuple(_followed(this.plan))


def _followed(plan: Plan) -> Iterator[Moment]:
    last: Moment | None = None
    history = History()
    for position, statement in enumerate(plan.statements):
        if last is not None:
            history.after(last.statement, position)
        history.before(statement, position)
        last = _with_role(Moment(statement, history, position), last)
        if not only_moves_version(statement.effects, plan.version_table):
            yield last


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
    return _locks(_This(plan))


@functools.lru_cache(maxsize=1)
def _locks(this: _This) -> tuple[Lock, ...]:
    strongest: dict[str, Lock] = {}
    for moment in moments(this.plan):
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
