"""Objects as SQL spells them: their words, and how their settings are put back."""

import json
from collections.abc import Iterator

from migsafe.model.definitions import UNCLEAR, Facts
from migsafe.model.effects import Object
from migsafe.sql.quote import identifier, literal, qualified
from migsafe.undo.inverse.change import Change, Lost, Phase, Piece

# How values are stored by default (pg_type.typstorage); before 16, SET STORAGE has no word for it.
_STORED = {"numeric": "MAIN", "inet": "MAIN", "cidr": "MAIN"} | dict.fromkeys(
    ("text", "character varying", "character", "bytea", "json", "jsonb", "xml"), "EXTENDED"
)
_WORDS = {"partitioned table": "TABLE", "partitioned index": "INDEX", "relation": "TABLE", "table": "TABLE"}


def words(change: Change, thing: Object) -> str:
    """TABLE, MATERIALIZED VIEW, FUNCTION: what a statement calls an object."""
    kind = thing.kind
    known = change.before.relations.get(thing.name) if not thing.of else None
    if known is not None and kind != "index":
        kind = known.kind
    if kind in ("type", "domain", "composite type"):
        described = change.before.types.get(thing.name)
        return "DOMAIN" if described is not None and described.kind == "domain" else "TYPE"
    if kind == "function":
        function = change.before.functions.get(thing.name)
        return "PROCEDURE" if function is not None and function.kind == "procedure" else "FUNCTION"
    return _WORDS.get(kind, kind.upper())


def spelled(thing: Object) -> str:
    """Its name as SQL: `public.t`, `public.t.c` of a column, `c ON public.t` of what hangs on a table."""
    if thing.kind == "column" and thing.of:
        return f"{qualified(thing.of)}.{identifier(thing.name)}"
    if thing.of:
        return f"{identifier(thing.name)} ON {qualified(thing.of)}"
    if thing.kind == "function":
        name, _, arguments = thing.name.partition("(")
        return f"{qualified(name)}({arguments}"
    if thing.kind in ("schema", "extension", "event trigger"):
        return identifier(thing.name)
    return qualified(thing.name)


def settle(change: Change, thing: Object, aspects: tuple[str, ...] | None = None) -> Iterator[Piece | Lost]:
    """What sets a remade object as it was: owner, grants, comment and all that has no place in its definition."""
    facts = change.facts(thing)
    if not change.is_known(thing):
        yield Lost(f"comment, grants and settings of {thing.kind} {thing.label}, which nobody has recorded")
    for aspect in facts if aspects is None else aspects:
        value = facts.get(aspect)
        if value == UNCLEAR and aspect not in ("definition", "unpopulated"):
            yield Lost(f"the {aspect} of {thing.kind} {thing.label}, which an earlier statement changed")
        elif value is not None and value != UNCLEAR:
            yield from aspect_sql(change, thing, aspect, value, facts)


def aspect_sql(change: Change, thing: Object, aspect: str, value: str | None, facts: Facts) -> Iterator[Piece | Lost]:
    """The statements that give one aspect of an object its recorded value; None: that by default."""
    what, name = words(change, thing), spelled(thing)
    if aspect == "storage" and value is None and (value := _stored(change, thing)) is None:
        yield Lost(f"the storage of {thing.kind} {thing.label} by default, which cannot be named before PostgreSQL 16")
        return
    # REVOKE ALL on a table takes the privileges on its columns too.
    order = float("inf") if thing.kind == "column" else float(facts.get("made", 0))
    for sql in _statements(thing, aspect, value, what, name):
        yield Piece(sql, Phase.SETTING, order)


def _stored(change: Change, column: Object) -> str | None:
    """The word for how values of a column are stored by default."""
    if change.before.server_version >= 16:
        return "DEFAULT"
    known = change.before.columns.get(column.of or "", {}).get(column.name)
    spelling = (known.type or "") if known is not None else ""
    return "EXTENDED" if spelling.endswith("[]") else _STORED.get(spelling.partition("(")[0])


def _statements(thing: Object, aspect: str, value: str | None, what: str, name: str) -> Iterator[str]:
    below = thing.kind in ("column", "trigger", "rule", "constraint") and thing.of
    table = qualified(thing.of) if below and thing.of else name
    own = identifier(thing.name)
    match aspect:
        case "comment":
            shown = f"CONSTRAINT {own} ON {table}" if thing.kind == "constraint" else f"{what} {name}"
            yield f"COMMENT ON {shown} IS {literal(value) if value is not None else 'NULL'}"
        case "owner" if value is not None and thing.kind != "index":
            yield f"ALTER {what} {name} OWNER TO {identifier(value)}"
        case "grants" if value is not None:
            yield from _grants(thing, what, name, value)
        case "storage":
            yield f"ALTER TABLE {table} ALTER COLUMN {own} SET STORAGE {value}"
        case "compression":
            yield f"ALTER TABLE {table} ALTER COLUMN {own} SET COMPRESSION {value or 'default'}"
        case "statistics" if thing.kind == "column":
            yield f"ALTER TABLE {table} ALTER COLUMN {own} SET STATISTICS {value or -1}"
        case "statistics":
            yield f"ALTER STATISTICS {name} SET STATISTICS {value or -1}"
        case "options" if thing.kind == "column" and value is not None:
            yield f"ALTER TABLE {table} ALTER COLUMN {own} SET ({value})"
        case "options" if value is not None:
            yield f"ALTER {what} {name} SET ({value})"
        case "row security":
            yield f"ALTER TABLE {name} {value or 'DISABLE'} ROW LEVEL SECURITY"
        case "force row security":
            yield f"ALTER TABLE {name} {value or 'NO FORCE'} ROW LEVEL SECURITY"
        case "replica identity":
            yield f"ALTER TABLE {name} REPLICA IDENTITY {value or 'DEFAULT'}"
        case "cluster":
            yield f"ALTER {what} {name} " + (f"CLUSTER ON {identifier(value)}" if value else "SET WITHOUT CLUSTER")
        case "enabled" if thing.kind in ("trigger", "rule"):
            yield f"ALTER TABLE {table} {value or 'ENABLE'} {thing.kind.upper()} {own}"
        case "enabled":
            yield f"ALTER EVENT TRIGGER {name} {value or 'ENABLE'}"
        case "tablespace":
            yield f"ALTER {what} {name} SET TABLESPACE {identifier(value or 'pg_default')}"


def _grants(thing: Object, what: str, name: str, value: str) -> Iterator[str]:
    """All of an object's privileges; a fresh one has those by default, which are taken away first."""
    if thing.kind == "column":
        column, table = identifier(thing.name), qualified(thing.of or "")
        for role, privilege, grantable in json.loads(value):
            yield f"GRANT {privilege} ({column}) ON TABLE {table} TO {_role(role)}{_option(grantable)}"
        return
    on = f"{_granted(what)} {name}"
    privileges: dict[tuple[str, bool], list[str]] = {}
    for role, privilege, grantable in json.loads(value):
        privileges.setdefault((role, grantable), []).append(privilege)
    roles = list(dict.fromkeys(["", *(role for role, _ in privileges)]))
    yield f"REVOKE ALL ON {on} FROM {', '.join(map(_role, roles))}"
    for (role, grantable), listed in privileges.items():
        yield f"GRANT {', '.join(listed)} ON {on} TO {_role(role)}{_option(grantable)}"


def _granted(what: str) -> str:
    return {"VIEW": "TABLE", "MATERIALIZED VIEW": "TABLE", "FOREIGN TABLE": "TABLE", "DOMAIN": "TYPE"}.get(what, what)


def granted_on(change: Change, thing: Object) -> str:
    """An object as GRANT spells it."""
    return f"{_granted(words(change, thing))} {spelled(thing)}"


def _role(name: str) -> str:
    return identifier(name) if name else "PUBLIC"


def _option(grantable: bool) -> str:
    return " WITH GRANT OPTION" if grantable else ""
