"""Extensions, schemas and publications."""

from collections.abc import Iterator

from migsafe.model.catalog import Extension, Publication, Type
from migsafe.model.effects import Object
from migsafe.sql.quote import identifier, literal, qualified
from migsafe.undo.inverse.change import Change, Impossible, Lost, Phase, Piece, changed, gone, new
from migsafe.undo.inverse.spelled import settle

Found = Iterator[Piece | Lost | Impossible]


def invert(change: Change) -> Found:
    for made in new(change, Extension):
        yield Piece(f"DROP EXTENSION {identifier(made.name)}", Phase.DROP, order=11)
    for old in gone(change, Extension):
        yield from _extension(change, old)
    for old, now in changed(change, Extension):
        yield Impossible(
            f"extension {old.name} is at {now.version or 'another version'}, and has no way back to before"
        )
    yield from _schemas(change)
    yield from _publications(change)


def _extension(change: Change, old: Extension) -> Found:
    if old.version is None or old.schema is None:
        yield Impossible(f"the version and the schema of extension {old.name} are not recorded")
        return
    version, schema = literal(old.version), identifier(old.schema)
    yield Piece(f"CREATE EXTENSION {identifier(old.name)} SCHEMA {schema} VERSION {version}", Phase.SCHEMA, 1)
    yield Lost(f"what extension {old.name} kept in tables of its own, and who may use its objects")
    if not any(each.extension == old.name for each in gone(change, Type)) and change.before.functions:
        return


def _schemas(change: Change) -> Found:
    before, after = set(change.before.schemas), set(change.after.schemas)
    for name in sorted(after - before):
        yield Piece(f"DROP SCHEMA {identifier(name)}", Phase.DROP, order=12)
    for name in sorted(before - after):
        yield Piece(f"CREATE SCHEMA {identifier(name)}", Phase.SCHEMA)
        yield from settle(change, Object("schema", name))


def _publications(change: Change) -> Found:
    before, after = change.before.publications, change.after.publications
    for name in after.keys() - before.keys():
        yield Piece(f"DROP PUBLICATION {identifier(name)}", Phase.DROP)
    for name in before.keys() - after.keys():
        yield Impossible(f"what publication {name} publishes is not recorded")
    for name in before.keys() & after.keys():
        old, now = before[name], after[name]
        if old == now:
            continue
        if old is None or now is None or len(_dropped(change)) or set(old) - set(now):
            if any(isinstance(each.after, Publication) for each in change.effects.alters):
                yield Impossible(f"how publication {name} had its tables is not recorded")
            continue
        listed = ", ".join(map(qualified, sorted(set(now) - set(old))))
        yield Piece(f"ALTER PUBLICATION {identifier(name)} DROP TABLE {listed}", Phase.DROP)


def _dropped(change: Change) -> tuple[Object, ...]:
    return change.effects.drops
