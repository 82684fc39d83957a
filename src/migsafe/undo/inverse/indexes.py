"""Indexes: built, dropped, attached. The way back of CONCURRENTLY is concurrent."""

import re
from collections.abc import Iterator

from migsafe.model.catalog import Catalog, Constraint, Index
from migsafe.model.effects import Object
from migsafe.model.inverse import Discard
from migsafe.sql.quote import identifier, qualified
from migsafe.undo.inverse.change import Change, Impossible, Lost, Phase, Piece, changed, gone, new
from migsafe.undo.inverse.spelled import settle

Found = Iterator[Piece | Lost | Discard | Impossible]


def invert(change: Change) -> Found:
    for index in new(change, Index):
        yield from _made(change, index)
    for index in gone(change, Index):
        yield from _dropped(change, index)
    for constraint in new(change, Constraint):
        yield from _was_plain(change, constraint)
    for old, now in changed(change, Index):
        if old.parent != now.parent and now.parent is not None and not _by_partition(change, old):
            yield Impossible(f"an index cannot be taken out of {now.parent} again: {old.name}")


def _by_partition(change: Change, index: Index) -> bool:
    """Whether its table became a partition: it leaves with its index."""
    old, now = change.before.relations.get(index.relation), change.after.relations.get(index.relation)
    return old is not None and now is not None and old.parents != now.parents


def _made(change: Change, index: Index) -> Found:
    listed = change.before.columns.get(index.relation, {})
    used = {name for name in (*index.columns, *index.mentions, *index.included) if name is not None}
    if not change.was_there(index.relation) or not used <= set(listed) or constraint_of(index, change.after):
        return
    if _by_partition(change, index) or (index.parent is not None and index.parent not in change.before.indexes):
        return
    if index.parent is not None:
        yield Impossible(f"{index.name} is a part of {index.parent} now, and cannot be taken out of it")
        return
    gently = change.effects.concurrently
    word = "INDEX CONCURRENTLY" if gently else "INDEX"
    yield Piece(f"DROP {word} {qualified(index.name)}", Phase.DROP, order=1, apart=gently)


def constraint_of(index: Index, catalog: Catalog) -> Constraint | None:
    for constraint in catalog.constraints.get(index.relation, {}).values():
        if constraint.index == index.name:
            return constraint
    return None


def _dropped(change: Change, index: Index) -> Found:
    if constraint_of(index, change.before) is not None:
        return
    if index.parent is not None and (change.was_there(index.relation) or index.parent not in change.before.indexes):
        # Its parent makes it again, on every partition.
        return
    yield from remade(change, index, gently=change.effects.concurrently and change.was_there(index.relation))


def remade(change: Change, index: Index, *, gently: bool) -> Found:
    text = change.definition(Object("index", index.name)) or index.definition
    if text is None:
        text = _written(index)
    elif not _is_of_now(text, index):
        text = None
    if text is None:
        yield Impossible(f"the definition of index {index.name} is not recorded")
        return
    if gently:
        text = re.sub(r"(?i)^CREATE (UNIQUE )?INDEX (CONCURRENTLY )?", r"CREATE \1INDEX CONCURRENTLY ", text)
    else:
        text = re.sub(r"(?i)^(CREATE (?:UNIQUE )?INDEX) CONCURRENTLY ", r"\1 ", text)
    relation = change.before.relations.get(index.relation)
    if relation is not None and relation.kind == "partitioned table" and change.was_there(index.relation):
        text = text.replace(" ON ONLY ", " ON ", 1)
    order = float(change.facts(Object("index", index.name)).get("made", 0))
    phase = Phase.VIEW if relation is not None and relation.kind == "materialized view" else Phase.KEY
    yield Piece(text, phase, order, apart=gently)
    if index.unique and change.was_there(index.relation):
        yield Discard(f"duplicates:{index.name}", _duplicates(index), blocks=True)
    yield from settle(change, Object("index", index.name))
    yield from _targets(change, index)
    yield from _roles(change, index)


def _is_of_now(text: str, index: Index) -> bool:
    """Whether the text has the names of now: what a revision wrote is older than a rename after it."""
    names = (index.relation.partition(".")[2], *index.columns, *index.mentions, *index.included)
    spelled = (re.escape(name.replace('"', '""')) for name in names if name is not None)
    return all(re.search(rf"(?<!\w){name}(?!\w)", text) for name in spelled)


def _duplicates(index: Index) -> str | None:
    columns = [name for name in index.columns if name is not None]
    if len(columns) != len(index.columns) or index.predicate:
        return None
    listed = ", ".join(map(identifier, columns))
    there = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in columns)
    inner = f"SELECT FROM {qualified(index.relation)} WHERE {there} GROUP BY {listed} HAVING count(*) > 1"
    return f"SELECT count(*) FROM ({inner}) doubled"


def _written(index: Index) -> str | None:
    """Of plain columns in the default order; anything else needs the text."""
    names = [name for name in index.columns if name is not None]
    if len(names) != len(index.columns) or index.mentions or index.predicate or index.method != "btree":
        return None
    unique = "UNIQUE " if index.unique else ""
    included = f" INCLUDE ({', '.join(map(identifier, index.included))})" if index.included else ""
    name = identifier(index.name.partition(".")[2])
    return f"CREATE {unique}INDEX {name} ON {qualified(index.relation)} ({', '.join(map(identifier, names))}){included}"


def _targets(change: Change, index: Index) -> Iterator[Piece]:
    """The statistics targets of expressions."""
    start = f"index column {index.name}."
    for name, facts in change.known.facts.items():
        if name.startswith(start) and "statistics" in facts and "place" in facts:
            alter = f"ALTER INDEX {qualified(index.name)} ALTER COLUMN {facts['place']}"
            yield Piece(f"{alter} SET STATISTICS {facts['statistics']}", Phase.SETTING)


def _roles(change: Change, index: Index) -> Iterator[Piece | Lost]:
    """What the table remembered about the index is forgotten with it."""
    relation = change.before.relations.get(index.relation)
    if relation is None or not change.was_there(index.relation):
        return
    thing = Object(relation.kind, relation.name)
    facts, bare = change.facts(thing), index.name.partition(".")[2]
    if facts.get("cluster") == bare:
        yield from settle(change, thing, ("cluster",))
    if facts.get("replica identity") == f"USING INDEX {identifier(bare)}":
        yield from settle(change, thing, ("replica identity",))


def _was_plain(change: Change, constraint: Constraint) -> Found:
    """ADD CONSTRAINT … USING INDEX took an index over, and dropping the constraint drops it."""
    index = change.before.indexes.get(constraint.index or "")
    if index is None or constraint_of(index, change.before) is not None:
        return
    if not change.was_there(constraint.relation):
        return
    yield from remade(change, index, gently=True)
