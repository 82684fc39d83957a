"""Tables, views, materialized views and foreign tables: made, dropped, and changed as a whole."""

from collections.abc import Iterator

from migsafe.model.catalog import Column, Relation
from migsafe.model.definitions import UNCLEAR
from migsafe.model.effects import Object
from migsafe.model.inverse import Discard
from migsafe.sql.quote import identifier, qualified
from migsafe.undo.inverse.change import Change, Impossible, Lost, Phase, Piece, changed, gone, new
from migsafe.undo.inverse.column_text import column_sql, owned_sequence, sequence_place
from migsafe.undo.inverse.constraints import constraint_text
from migsafe.undo.inverse.spelled import settle, words

Found = Iterator[Piece | Lost | Discard | Impossible]

_STORED = ("table", "partitioned table", "foreign table")


def invert(change: Change) -> Found:
    for number, relation in enumerate(new(change, Relation)):
        yield from _made(change, relation, number)
    for relation in gone(change, Relation):
        yield from _dropped(change, relation)
    for old, now in changed(change, Relation):
        yield from _changed(change, old, now)


def _made(change: Change, relation: Relation, number: int) -> Found:
    if relation.kind in ("sequence", "composite type") or relation.name.startswith("pg_temp."):
        return
    word = {"partitioned table": "TABLE"}.get(relation.kind, relation.kind.upper())
    if relation.bound and relation.parents and _is_referenced(change, relation.parents[0]):
        detach = f"ALTER TABLE {qualified(relation.parents[0])} DETACH PARTITION {qualified(relation.name)}"
        yield Piece(detach, Phase.DROP, order=2)
    yield Piece(f"DROP {word} {qualified(relation.name)}", Phase.DROP, order=3 - number / 1000)
    if relation.kind in ("table", "partitioned table"):
        yield Discard(f"table:{relation.name}", f"SELECT count(*) FROM {qualified(relation.name)}")


def _is_referenced(change: Change, parent: str) -> bool:
    """Whether foreign keys reference it or one above it: they hold its partitions too."""
    listed = (each for keys in change.before.constraints.values() for each in keys.values())
    if any(each.references == parent for each in listed):
        return True
    above = change.before.relations.get(parent)
    return above is not None and any(_is_referenced(change, each) for each in above.parents)


def _dropped(change: Change, relation: Relation) -> Found:
    if relation.kind in ("sequence", "composite type") or relation.name.startswith("pg_temp."):
        return
    order = float(change.facts(Object(relation.kind, relation.name)).get("made", 0))
    if relation.kind in ("view", "materialized view"):
        yield from _view(change, relation, order)
    else:
        yield from _table(change, relation, order)
    yield from settle(change, Object(relation.kind, relation.name))
    for column in change.before.columns.get(relation.name, {}).values():
        thing = Object("column", column.name, relation.name)
        facts = change.facts(thing)
        yield from settle(change, thing, tuple(each for each in facts if each != "collation"))
        if relation.kind == "view" and isinstance(column.default, str):
            name = identifier(column.name)
            sql = f"ALTER VIEW {qualified(relation.name)} ALTER COLUMN {name} SET DEFAULT {column.default}"
            yield Piece(sql, Phase.DEFAULT)
        if column.identity and relation.kind in _STORED and not relation.parents:
            yield from sequence_place(change, column)


def _view(change: Change, relation: Relation, order: float) -> Found:
    facts = change.facts(Object(relation.kind, relation.name))
    text = facts.get("definition") or relation.definition
    if text is None or text == UNCLEAR:
        yield Impossible(f"the query of {relation.kind} {relation.name} is not recorded")
        return
    text = text.strip().rstrip(";")
    if relation.kind == "view":
        yield Piece(f"CREATE VIEW {qualified(relation.name)} AS {text}", Phase.VIEW, order)
        return
    using = f" USING {identifier(relation.access_method)}" if relation.access_method else ""
    data = " WITH NO DATA" if facts.get("unpopulated") else ""
    yield Piece(f"CREATE MATERIALIZED VIEW {qualified(relation.name)}{using} AS {text}{data}", Phase.VIEW, order)
    if not data:
        yield Lost(f"the rows of materialized view {relation.name} as they were: they are computed anew")


def _table(change: Change, relation: Relation, order: float) -> Found:
    facts = change.facts(Object(relation.kind, relation.name))
    inherits = tuple(parent for parent in relation.parents if not relation.bound)
    tail = []
    if inherits:
        tail.append(f"INHERITS ({', '.join(map(qualified, inherits))})")
    if relation.partition_by:
        key = facts.get("partition key") or _partition_key(relation)
        if key is None:
            yield Impossible(f"the partition key of {relation.name} is not recorded")
            return
        tail.append(f"PARTITION BY {key}")
    if relation.kind == "foreign table":
        if "server" not in facts:
            yield Impossible(f"the server of foreign table {relation.name} is not recorded")
            return
        tail.append(facts["server"])
    if relation.access_method:
        tail.append(f"USING {identifier(relation.access_method)}")
    word = {"foreign table": "FOREIGN TABLE"}.get(relation.kind, "TABLE")
    unlogged = "UNLOGGED " if relation.persistence == "unlogged" else ""
    body = f"OF {qualified(relation.of_type)}" if relation.of_type else f"({_columns(change, relation)})"
    create = f"CREATE {unlogged}{word} {qualified(relation.name)} {body}"
    yield Piece(" ".join([create, *tail]), Phase.BASE, order)
    yield from _rest(change, relation)
    if relation.kind != "foreign table":
        yield Lost(f"the rows of table {relation.name}")


def _columns(change: Change, relation: Relation) -> str:
    """The columns, and the checks: those of a partition must be there before it is attached."""
    listed = []
    for column in change.before.columns.get(relation.name, {}).values():
        facts = change.facts(Object("column", column.name, relation.name))
        if not (facts.get("inherited") and not relation.bound):
            listed.append(column_sql(change, column)[0])
    for constraint in change.before.constraints.get(relation.name, {}).values():
        if constraint.kind == "check" and constraint.validated and not (constraint.inherited and not relation.bound):
            text = constraint_text(change, constraint)
            if text is not None and constraint.enforced:
                listed.append(f"CONSTRAINT {identifier(constraint.name)} {text}")
    return ", ".join(listed)


def _rest(change: Change, relation: Relation) -> Found:
    """What a typed table has of its own, NOT NULL that is not valid, and the sequences of serial columns."""
    for column in change.before.columns.get(relation.name, {}).values():
        own = column_sql(change, column)[1]
        if own is not None and not relation.of_type:
            yield Piece(own, Phase.KEY)
        if relation.of_type:
            alter = f"ALTER TABLE {qualified(relation.name)} ALTER COLUMN {identifier(column.name)}"
            if isinstance(column.default, str):
                yield Piece(f"{alter} SET DEFAULT {column.default}", Phase.DEFAULT)
            if column.not_null:
                yield Piece(f"{alter} SET NOT NULL", Phase.KEY)
        sequence = owned_sequence(change, column)
        if sequence is not None and not column.identity:
            owner = f"{qualified(relation.name)}.{identifier(column.name)}"
            yield Piece(f"ALTER SEQUENCE {qualified(sequence)} OWNED BY {owner}", Phase.KEY)


def _partition_key(relation: Relation) -> str | None:
    names = [name for name in relation.partition_key if name is not None]
    if len(names) != len(relation.partition_key) or relation.partition_by is None:
        return None
    return f"{relation.partition_by.upper()} ({', '.join(map(identifier, names))})"


def _changed(change: Change, old: Relation, now: Relation) -> Found:
    thing = Object(old.kind, old.name)
    if old.kind == "view" and (old.uses, old.calls) != (now.uses, now.calls):
        yield from replaced_view(change, old)
    if old.owner != now.owner and old.owner is not None and now.owner is not None and old.kind != "view":
        yield Piece(
            f"ALTER {words(change, thing)} {qualified(old.name)} OWNER TO {identifier(old.owner)}", Phase.SETTING
        )
    if old.persistence != now.persistence:
        said = "LOGGED" if old.persistence == "permanent" else "UNLOGGED"
        yield Piece(f"ALTER TABLE {qualified(old.name)} SET {said}", Phase.CHANGE)
    if old.access_method != now.access_method:
        method = identifier(old.access_method or "heap")
        yield Piece(f"ALTER {words(change, thing)} {qualified(old.name)} SET ACCESS METHOD {method}", Phase.CHANGE)
    if old.of_type != now.of_type:
        yield Impossible(f"what {old.name} was before it was a table of a type is not followed")


def replaced_view(change: Change, old: Relation) -> Found:
    """CREATE OR REPLACE VIEW may add columns, and cannot take them away: then the view is made again."""
    text = change.definition(Object("view", old.name)) or old.definition
    if text is None:
        yield Impossible(f"the query of view {old.name} before is not recorded")
        return
    text = text.strip().rstrip(";")
    if list(new(change, Column)):
        readers = [r.name for r in change.after.relations.values() if any(u.relation == old.name for u in r.uses)]
        if readers:
            yield Impossible(
                f"{readers[0]} reads view {old.name}, which would have to be made again with fewer columns"
            )
            return
        yield Piece(f"DROP VIEW {qualified(old.name)}", Phase.DROP)
        yield Piece(f"CREATE VIEW {qualified(old.name)} AS {text}", Phase.VIEW)
        yield from settle(change, Object("view", old.name))
        return
    yield Piece(f"CREATE OR REPLACE VIEW {qualified(old.name)} AS {text}", Phase.CHANGE)
