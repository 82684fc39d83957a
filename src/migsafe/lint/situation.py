"""What is true just before a statement runs: the catalog, what this plan made, what its transaction holds."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from migsafe.model.after import after
from migsafe.model.catalog import Catalog, Column, Function, Index, Relation, Type
from migsafe.model.effects import Effects, Rename, Setting
from migsafe.model.locks import Lock, LockMode
from migsafe.model.lookup import lookup, remember
from migsafe.model.plan import Step
from migsafe.model.statement import Statement

_ADD_ROWS = ("INSERT", "MERGE", "COPY")


class Labels(msgspec.Struct, frozen=True):
    """A set of labels that grows by a few at a time: a history makes thousands, and only `latest` are copied."""

    settled: frozenset[str] = frozenset()
    latest: frozenset[str] = frozenset()

    def __contains__(self, label: str) -> bool:
        return label in self.latest or label in self.settled

    def __iter__(self) -> Iterator[str]:
        yield from self.settled | self.latest

    def __or__(self, labels: Iterable[str]) -> "Labels":
        latest = self.latest.union(labels)
        return Labels(self.settled, latest) if len(latest) < _FEW else Labels(self.settled | latest)

    def __sub__(self, labels: Iterable[str]) -> "Labels":
        gone = [label for label in labels if label in self]
        return Labels(self.settled.difference(gone), self.latest.difference(gone)) if gone else self


_FEW = 100


class Situation(msgspec.Struct, frozen=True):
    """`born` holds the labels of relations, columns and indexes that earlier statements of the plan created.

    `held` are the locks that earlier statements of the same transaction hold until it ends, `added` the labels that
    they added to enums, as (type, label), `enums` those that they created. `earlier` and `earlier_added` are the same
    of earlier revisions: of what Alembic runs in this transaction too when env.py leaves transaction_per_migration off;
    migsafe does not.
    `settings` are parameters that the plan has set for the session, `local` those for the transaction; names are in
    lower case. `begun` is what a ROLLBACK goes back to: catalog and `born` at the BEGIN in the SQL itself. `plan` has
    every statement of the plan. `grown` are relations that got rows from earlier ones: how large they are by now is
    not known.
    """

    catalog: Catalog
    step: Step
    born: Labels = Labels()
    held: tuple[Lock, ...] = ()
    added: frozenset[tuple[str, str]] = frozenset()
    enums: frozenset[str] = frozenset()
    earlier: tuple[Lock, ...] = ()
    earlier_added: frozenset[tuple[str, str]] = frozenset()
    settings: Mapping[str, str] = {}
    local: Mapping[str, str] = {}
    version_table: str = "alembic_version"
    begun: "_Begun | None" = None
    plan: tuple[Statement, ...] = ()
    grown: frozenset[str] = frozenset()

    def live(self, relation: str) -> bool:
        """Whether the application may be using `relation`: no statement of the plan, this one included, made it."""
        return relation not in self.born

    def live_column(self, relation: str, column: str) -> bool:
        return self.live(relation) and f"{relation}.{column}" not in self.born

    def held_on(self, relation: str) -> LockMode | None:
        """The strongest lock that the transaction already holds on `relation`."""
        return max((lock.mode for lock in self.held if lock.relation == relation), key=_strength, default=None)

    def setting(self, name: str) -> str | None:
        """What the plan has set a parameter to; None when it has not, or no longer."""
        return self.local.get(name, self.settings.get(name))


_Begun = tuple[Catalog, Labels]


def during(situation: Situation, effects: Effects) -> Situation:
    """The situation as the checks of a statement see it: what the statement itself makes is not live either."""
    made = {item.name for item in effects.creates if isinstance(item, Relation)} - set(situation.catalog.relations)
    return msgspec.structs.replace(situation, born=situation.born | made) if made else situation


def begin(situation: Situation, step: Step, *, one_transaction: bool = False) -> Situation:
    """The situation at the first statement of the next revision: its predecessor's transaction has ended.

    With `one_transaction` Alembic, unlike migsafe, goes on in the same one.
    """
    return msgspec.structs.replace(
        situation,
        step=step,
        held=(),
        added=frozenset(),
        enums=frozenset(),
        local={},
        earlier=situation.earlier + situation.held if one_transaction else (),
        earlier_added=situation.earlier_added | situation.added if one_transaction else frozenset(),
    )


def settled(situation: Situation) -> Situation:
    """The situation when the application has had time to fill and use all that earlier revisions made."""
    before = situation.catalog
    filled = {
        name: msgspec.structs.replace(relation, rows=None)
        for name, relation in before.relations.items()
        if relation.rows == 0
    }
    catalog = msgspec.structs.replace(before, relations={**before.relations, **filled}) if filled else before
    if filled:
        remember(catalog, lookup(before))
    return msgspec.structs.replace(situation, catalog=catalog, born=Labels())


def advance(situation: Situation, statement: Statement, following: Statement | None) -> Situation:
    """The situation after `statement`, in which `following` (None: nothing) of the same revision runs.

    What the last statement of a revision holds is kept: begin() knows whether its transaction has ended.
    """
    effects = statement.effects
    done = statement.transaction is None or (following is not None and following.transaction != statement.transaction)
    autocommit = following is not None and following.transaction is None
    catalog, born, begun = _kept(situation, effects)
    session, local = _settings(situation, effects)
    return msgspec.structs.replace(
        situation,
        catalog=catalog,
        born=born,
        begun=begun,
        held=() if done else situation.held + effects.locks,
        added=frozenset() if done else situation.added | _added_labels(effects),
        enums=frozenset() if done else situation.enums | _created_enums(effects),
        # Alembic commits what it has begun before an autocommit block.
        earlier=() if autocommit else situation.earlier,
        earlier_added=frozenset() if autocommit else situation.earlier_added,
        settings=session,
        local={} if done else local,
        grown=situation.grown | {write.relation for write in effects.writes if write.command.upper() in _ADD_ROWS},
    )


def _kept(situation: Situation, effects: Effects) -> tuple[Catalog, Labels, _Begun | None]:
    """Catalog and `born` after a statement; ROLLBACK gives back those of its BEGIN."""
    if effects.command in ("BEGIN", "START TRANSACTION"):
        return situation.catalog, situation.born, situation.begun or (situation.catalog, situation.born)
    if effects.command == "ROLLBACK" and situation.begun is not None:
        return *situation.begun, None
    ended = effects.command in ("COMMIT", "ROLLBACK", "PREPARE TRANSACTION")
    return after(situation.catalog, effects), _born(situation, effects), None if ended else situation.begun


def _settings(situation: Situation, effects: Effects) -> tuple[Mapping[str, str], Mapping[str, str]]:
    if not effects.settings:
        return situation.settings, situation.local
    session, local = dict(situation.settings), dict(situation.local)
    for setting in effects.settings:
        _set(setting, session, local)
    return session, local


def _set(setting: Setting, session: dict[str, str], local: dict[str, str]) -> None:
    """SET for the session ends an earlier SET LOCAL (manual, SET); RESET ends both."""
    name = setting.name.lower()
    if name == "all" and setting.value is None:
        session.clear()
        local.clear()
        return
    local.pop(name, None)
    if setting.value is not None:
        (local if setting.local else session)[name] = setting.value
    elif not setting.local:
        session.pop(name, None)


def _added_labels(effects: Effects) -> frozenset[tuple[str, str]]:
    """Labels that ALTER TYPE … ADD VALUE added to a type that the catalog knew, or to one that it did not."""
    found: set[tuple[str, str]] = set()
    for altered in effects.alters:
        if isinstance(altered.after, Type) and altered.after.kind == "enum":
            before = altered.before.labels if isinstance(altered.before, Type) else ()
            new = [label for label in altered.after.labels if label not in before]
            if len(altered.after.labels) > len(before):
                found |= {(altered.after.name, label) for label in new}
    return frozenset(found)


def _created_enums(effects: Effects) -> frozenset[str]:
    return frozenset(made.name for made in effects.creates if isinstance(made, Type) and made.kind == "enum")


def _born(situation: Situation, effects: Effects) -> Labels:
    """A relation that the catalog already had is not born again: CREATE TABLE IF NOT EXISTS found it there.

    Nor is one that it may have found there: the next statement may meet a live table.
    """
    if not effects.creates and not effects.drops and not effects.renames:
        return situation.born
    born = (situation.born - (dropped.label for dropped in effects.drops)) | _made(situation, effects)
    for rename in effects.renames:
        born = _renamed(born, rename)
    return born


def _made(situation: Situation, effects: Effects) -> Iterator[str]:
    for made in effects.creates:
        if isinstance(made, Relation | Index | Type):
            if made.name not in situation.catalog.relations and made.name not in effects.perhaps:
                yield made.name
        elif isinstance(made, Function):
            if made.signature not in situation.catalog.functions:
                yield made.signature
        elif isinstance(made, Column) and made.relation not in effects.perhaps:
            yield f"{made.relation}.{made.name}"


def _renamed(born: Labels, rename: Rename) -> Labels:
    """A label under its new name, and with a relation the labels of its columns."""
    old, new = rename.old.label, rename.new.label
    return Labels() | (
        new + label[len(old) :] if label == old or label.startswith(old + ".") else label for label in born
    )


def _strength(mode: LockMode) -> int:
    return mode.strength
