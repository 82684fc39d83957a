"""What a plan destroys, as parts of relations under the names that they have before the run."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from migsafe.model.catalog import Catalog, Column
from migsafe.model.effects import Altered, Effects
from migsafe.model.lookup import lookup
from migsafe.model.plan import Plan
from migsafe.model.report import Loss
from migsafe.model.saved import Part
from migsafe.model.statement import Statement
from migsafe.saved.names import Names
from migsafe.saved.once import once
from migsafe.saved.rows import rows, whole
from migsafe.saved.shape import key_of, made, stored
from migsafe.sql.quote import identifier

_HELD = ("table", "partitioned table")


class Losses(msgspec.Struct, frozen=True):
    """`parts` in the order of the statements; `unsaved` is what cannot be saved, and why.

    `wholly`: what the run does to rows is all in `parts`, so that putting them back undoes it.
    """

    parts: tuple[Part, ...] = ()
    unsaved: tuple[Loss, ...] = ()
    wholly: bool = True


def losses(plan: Plan, catalog: Catalog) -> Losses:
    """What `plan` destroys of what is there in `catalog`, the schema that its first statement meets."""
    names, found, unsaved = Names(catalog), list[Part](), list[Loss]()
    wholly = True
    for statement in plan.statements:
        effects = statement.effects
        if effects.unknown is not None and effects.command not in ("SELECT", "INSERT"):
            because = f"what the statement does is not fully known: {effects.unknown}"
            unsaved.append(
                Loss(revision=statement.revision or "", what=f"what {statement.place} destroys", because=because)
            )
            wholly = False
        wholly &= not any(each.command in ("INSERT", "COPY", "MERGE") for each in effects.writes)
        found += _of(statement, names)
        names.follow(effects)
    placed = (msgspec.structs.replace(each, after=names.now(each.relation)) for each in once(found, catalog))
    return Losses(tuple(placed), tuple(unsaved), wholly)


def _of(statement: Statement, names: Names) -> Iterator[Part]:
    effects = statement.effects
    for thing in effects.destroys:
        if thing.kind == "table" and (known := names.before(thing.name)):
            yield from whole(statement, names, known, "table")
    yield from _columns(statement, names)
    yield from rows(statement, names)


def _columns(statement: Statement, names: Names) -> Iterator[Part]:
    """The columns that go, or whose type changes so that values may be lost, by relation."""
    effects = statement.effects
    gone: dict[str, list[str]] = {}
    retyped = set(_retyped(effects))
    dropped = {(each.of, each.name) for each in effects.drops if each.kind == "column"}
    destroyed = [(each.of or "", each.name) for each in effects.destroys if each.kind == "column"]
    for now in dict.fromkeys((*destroyed, *sorted(retyped))):
        place = names.column_before(*now)
        if place is not None:
            gone.setdefault(place[0], []).append(place[1])
    changed = {names.column_before(*now) for now in retyped | (set(destroyed) - dropped)}
    for relation, columns in gone.items():
        known = names.catalog.relations.get(relation)
        if known is None or known.kind not in _HELD or known.persistence == "temporary":
            continue
        above = next((each for each in known.parents if each in gone and columns[0] in gone[each]), None)
        top = relation if above is None else _topmost(names.catalog, above, gone)
        if above is not None and _keyed_above(names.catalog, top, gone[top]):
            continue
        yield from _part_of_columns(statement, names.catalog, relation, tuple(columns), top, changed)


def _part_of_columns(
    statement: Statement,
    catalog: Catalog,
    relation: str,
    columns: tuple[str, ...],
    top: str,
    changed: set[tuple[str, str] | None],
) -> Iterator[Part]:
    partitioned = catalog.relations[relation].kind == "partitioned table"
    key = key_of(catalog, relation, without=columns)
    data = tuple(name for name in stored(catalog, relation) if name in columns)
    parent = bool(lookup(catalog).children.get(relation))
    if partitioned and not key:
        data = ()
    for retyped in (False, True):
        lost = tuple(name for name in columns if ((relation, name) in changed) is retyped)
        if not lost:
            continue
        here = tuple(name for name in data if name in lost)
        whole = tuple(name for name in stored(catalog, relation)) if here and not key else here
        yield made(
            statement,
            kind="column",
            relation=relation,
            columns=whole,
            key=key,
            lost=lost,
            only=parent and not partitioned,
            retyped=retyped,
            top=top,
        )


def _keyed_above(catalog: Catalog, top: str, columns: Iterable[str]) -> bool:
    """Whether the values of a partition are saved with those of the partitioned table."""
    return catalog.relations[top].kind == "partitioned table" and bool(key_of(catalog, top, without=tuple(columns)))


def _topmost(catalog: Catalog, relation: str, gone: dict[str, list[str]]) -> str:
    parents = [each for each in catalog.relations[relation].parents if each in gone]
    return _topmost(catalog, parents[0], gone) if parents else relation


def _retyped(effects: Effects) -> Iterator[tuple[str, str]]:
    """Columns whose values USING makes anew, whatever their type becomes."""
    for each in effects.alters:
        if isinstance(each.after, Column) and each.using is not None and not _only_casts(each):
            yield each.after.relation, each.after.name


def _only_casts(altered: Altered) -> bool:
    assert isinstance(altered.after, Column)
    name = identifier(altered.after.name)
    return re.fullmatch(rf"(?:\w+\.)?{re.escape(name)}(?:::[\w \"\[\]().,]+)?", altered.using or "") is not None
