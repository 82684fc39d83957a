"""Renames and moves to another schema, the other way round."""

from collections.abc import Iterator

from migsafe.model.effects import Object
from migsafe.sql.quote import identifier, qualified
from migsafe.undo.inverse.change import Change, Impossible, Phase, Piece
from migsafe.undo.inverse.spelled import words

Found = Iterator[Piece | Impossible]


def invert(change: Change) -> Found:
    """The first rename is that of the statement; the others follow it by themselves."""
    if not change.effects.renames:
        return
    rename = change.effects.renames[0]
    if change.effects.creates:
        # ADD CONSTRAINT … USING INDEX: the index goes with the constraint, and is made again under the new name.
        if rename.old.kind == "index":
            yield Piece(f"ALTER INDEX {qualified(rename.new.name)} RENAME TO {_bare(rename.old.name)}", Phase.RENAME)
        return
    old, new = rename.old, rename.new
    if old.kind in ("column", "constraint", "trigger", "rule", "policy") and new.of:
        yield from _attached(change, old, new)
    elif old.kind == "schema":
        yield Piece(f"ALTER SCHEMA {identifier(new.name)} RENAME TO {identifier(old.name)}", Phase.RENAME)
    elif old.kind in ("event trigger", "extension"):
        word = old.kind.upper()
        yield Piece(f"ALTER {word} {identifier(new.name)} RENAME TO {identifier(old.name)}", Phase.RENAME)
    elif old.kind in _KINDS:
        yield from _named(change, old, new)
    else:
        yield Impossible(f"a rename of {old.kind} {old.name} is not followed")


_KINDS = {"table", "partitioned table", "view", "materialized view", "sequence", "foreign table", "index"}
_KINDS |= {"partitioned index", "type", "domain", "statistics", "function", "procedure", "routine", "aggregate"}


def _bare(name: str) -> str:
    return identifier(name.partition(".")[2])


def _named(change: Change, old: Object, new: Object) -> Found:
    word = words(change, new)
    (schema, _, bare), (new_schema, _, new_bare) = old.name.partition("."), new.name.partition(".")
    if schema != new_schema:
        yield Piece(f"ALTER {word} {qualified(new.name)} SET SCHEMA {identifier(schema)}", Phase.RENAME)
    elif bare != new_bare:
        yield Piece(f"ALTER {word} {qualified(new.name)} RENAME TO {identifier(bare)}", Phase.RENAME)


def _attached(change: Change, old: Object, new: Object) -> Found:
    of = new.of or ""
    name, back = identifier(new.name), identifier(old.name)
    if old.kind in ("trigger", "rule", "policy"):
        yield Piece(f"ALTER {old.kind.upper()} {name} ON {qualified(of)} RENAME TO {back}", Phase.RENAME)
        return
    domain = change.before.types.get(of)
    if domain is not None and domain.kind == "composite":
        yield Piece(f"ALTER TYPE {qualified(of)} RENAME ATTRIBUTE {name} TO {back} CASCADE", Phase.RENAME)
        return
    word = words(change, Object("type" if domain is not None else "table", of))
    what = "CONSTRAINT" if old.kind == "constraint" else "COLUMN"
    yield Piece(f"ALTER {word} {qualified(of)} RENAME {what} {name} TO {back}", Phase.RENAME)
