"""The query for each object that a plan touches, and what it expects for a reader."""

import json
from collections.abc import Mapping

from migsafe.model.catalog import (
    Catalog,
    Column,
    Constraint,
    EventTrigger,
    Extension,
    Function,
    Index,
    Policy,
    Publication,
    Relation,
    RewriteRule,
    Statistics,
    Trigger,
    Type,
)
from migsafe.model.effects import CatalogObject, Object
from migsafe.sql.quote import literal
from migsafe.sql.reads import has_star
from migsafe.verify import attached, attributes, bounds, columns, defined, domains, functions, indexed, others, sameness
from migsafe.verify.proof import Asked, array, bare, every, fill, listed, schema_of

_PERSISTENCE = {"permanent": "p", "unlogged": "u"}
_INHERITING = ("table", "partitioned table", "foreign table")
_LOOKED_UP = {
    "relation",
    "index",
    "column",
    "constraint",
    "trigger",
    "rule",
    "policy",
    "type",
    "extension",
    "statistics",
    "function",
    "publication",
    "schema",
    "event trigger",
    "default privileges",
    "role",
}
Stated = Mapping[str, str | None]


def query_of(
    touched: Object, thing: CatalogObject | None, catalog: Catalog, whole: bool, stated: Stated
) -> tuple[str, str, str | None] | None:
    """The query, what it expects, and what is run before it; None for a kind that is not looked up.

    Of one that is not known as a `whole`, attributes that have a default in the catalog are not asked for. Of one of
    which only the name is known, `stated` is asked for: what statements set of it.
    """
    if not is_looked_up(touched.kind):
        return None
    asked = _asked(thing, catalog, whole, stated) if thing is not None else Asked((), "")
    values = {name: found for name in stated if (found := attributes.condition(touched, name, stated[name]))}
    if (thing is None and not values) or (touched.kind == "function" and "(" not in touched.name):
        return presence(touched, there=True), "there", None
    conditions = [*asked.conditions, *(f"{sql} IS NOT DISTINCT FROM {wanted}" for sql, wanted in values.values())]
    told = [name for name in values if not defined.is_silent(name, stated[name])]
    words = [asked.words] if asked.words else []
    words += [f"{name} {stated[name] if stated[name] is not None else 'not set'}" for name in told]
    shown = [_shown(name, sql, stated[name]) for name, (sql, _) in values.items()]
    also = " || ".join([sameness.DOUBT if asked.first else "''", *shown])
    return _filled(touched, conditions, also), ", ".join(words) or "there", asked.first


def _shown(name: str, sql: str, wanted: str | None) -> str:
    """What was found; where nothing out of the ordinary was asked for, only what is out of the ordinary."""
    prefix = literal(f", {name} ")
    if not defined.is_silent(name, wanted):
        return f"{prefix} || coalesce({sql}, 'not set')"
    return f"coalesce({prefix} || nullif({sql}, {literal(wanted or '')}), '')"


def _filled(touched: Object, conditions: list[str], also: str) -> str:
    return fill(
        f"verify_{touched.kind.replace(' ', '_')}",
        schema=schema_of(touched.of or touched.name),
        relation=literal(bare(touched.of or "")),
        name=literal(_name(touched)),
        signature=literal(sameness.signature_of(touched.name)),
        conditions=every(conditions),
        columns=fill("verify_defined_publication_columns"),
        also=also,
    )


def _asked(thing: CatalogObject, catalog: Catalog, whole: bool, stated: Stated) -> Asked:
    match thing:
        case Column():
            return columns.asked(thing, catalog, whole)
        case Index():
            return indexed.index(thing, catalog, whole)
        case Constraint():
            return indexed.constraint(thing, catalog, stated)
        case Relation():
            return _relation(thing, catalog, whole, stated)
        case Type():
            return domains.asked(thing, whole, stated, catalog)
        case Extension():
            return others.extension(thing)
        case Trigger():
            return attached.trigger(thing, stated, catalog)
        case RewriteRule():
            return attached.rule(thing, stated, catalog)
        case Policy():
            return attached.policy(thing, stated, catalog)
        case Statistics():
            return others.statistics(thing, stated, catalog)
        case Function():
            return functions.asked(thing, stated, catalog)
        case Publication():
            return others.publication(thing, stated, catalog)
        case EventTrigger():
            return others.event_trigger(thing)
    return Asked((), "there")


def is_looked_up(kind: str) -> bool:
    """Whether there is a query that finds an object of this kind by its name."""
    return kind in _LOOKED_UP


def presence(thing: Object, there: bool) -> str:
    """The query that an object of this name is there, or gone. Its kind must be one that is looked up."""
    of_arguments = thing.kind == "function" and thing.name.endswith(")") and not there
    lookup = fill(
        "verify_presence_" + (f"{thing.kind}_of_arguments" if of_arguments else thing.kind.replace(" ", "_")),
        schema=schema_of(thing.name),
        name=literal(_name(thing)),
        of_schema=schema_of(thing.of or ""),
        of=literal(bare(thing.of or "")),
        signature=literal(sameness.signature_of(thing.name)),
    )
    return fill("verify_presence", wanted="> 0" if there else "= 0", lookup=lookup)


def _name(thing: Object) -> str:
    if thing.of or thing.kind in ("extension", "publication", "schema", "event trigger", "role"):
        return thing.name
    return bare(thing.name.split("(", 1)[0] if thing.kind == "function" else thing.name)


def _relation(relation: Relation, catalog: Catalog, whole: bool, stated: Stated) -> Asked:
    conditions = [f"kind = {literal(relation.kind)}"]
    if whole and relation.persistence in _PERSISTENCE and relation.kind in ("table", "sequence"):
        conditions.append(f"persistence = {literal(_PERSISTENCE[relation.persistence])}")
    if relation.owner and "owner" not in stated:
        conditions.append(f"owner = {literal(relation.owner)}")
    if relation.kind in _INHERITING:
        conditions.append(f"parents @> {array(relation.parents)} AND NOT half_detached")
        if whole:
            conditions.append(f"parents <@ {array(relation.parents)}")
    if relation.kind == "partitioned table" and relation.partition_by:
        conditions.append(f"partition_by = {literal(relation.partition_by)}")
        if relation.partition_key:
            conditions.append(f"partition_key = {array(relation.partition_key)}")
    if whole and relation.kind == "table":
        method = literal(relation.access_method) if relation.access_method else "NULL"
        conditions.append(f"access_method IS NOT DISTINCT FROM {method}")
    bound = bounds.condition(relation, catalog) if relation.bound else None
    conditions += [bound] if bound else []
    held, first, query_words = _query(relation, catalog, stated)
    if first is None and relation.kind == "partitioned table":
        held, first, query_words = _partition_key(relation, catalog, stated)
    conditions += [held] if held else []
    return Asked(tuple(conditions), _relation_words(relation, bound is not None) + query_words, first)


def _query(relation: Relation, catalog: Catalog, stated: Stated) -> tuple[str | None, str | None, str]:
    """A view over relations that still go by the names, and have the columns, that were written."""
    if "view" not in relation.kind:
        return None, None, ""
    written = stated.get("query")
    if written is None or any(use.relation not in catalog.relations for use in relation.uses):
        return None, None, " (its query is not compared)"
    star = has_star(written)
    if star and any(set(use.columns) != catalog.columns.get(use.relation, {}).keys() for use in relation.uses):
        return None, None, " (its query is not compared: * stands for other columns by now)"
    held = sameness.PERHAPS if star else sameness.HOLDS
    return held, sameness.view(relation.name, written, catalog), " of the query that was written"


def _partition_key(relation: Relation, catalog: Catalog, stated: Stated) -> tuple[str | None, str | None, str]:
    """The expressions among the keys."""
    written = json.loads(stated.get("partition expressions") or "[]")
    if not written:
        return None, None, ""
    if not all(sameness.is_of_columns(each, relation.name, catalog) for each in written):
        return None, None, " (its expressions are not compared: a column in them has another name now)"
    keys = [sameness.Expression(", ".join(f"({each})" for each in written))]
    first = sameness.expressions("partition", relation.name, relation.name, keys, catalog, reads=True)
    return sameness.HOLDS, first, f" by {', '.join(written)}"


def _relation_words(relation: Relation, bound_compared: bool) -> str:
    unlogged = "unlogged " if relation.persistence == "unlogged" else ""
    stored = f" stored as {relation.access_method}" if relation.access_method else ""
    by = f" partitioned by {relation.partition_by}" if relation.partition_by else ""
    by += f" ({listed(relation.partition_key)})" if relation.partition_by and relation.partition_key else ""
    below = f" below {', '.join(relation.parents)}" if relation.parents else ""
    bound = f" {relation.bound}{'' if bound_compared else ' (its bound is not compared)'}" if relation.bound else ""
    # OWNER TO CURRENT_USER: the session says who that is.
    owner = " (its owner is not compared)" if relation.owner == "" else ""
    return f"{unlogged}{relation.kind}{stored}{by}{below}{bound}{owner}"
