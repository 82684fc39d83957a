"""What is asked of extensions, statistics, publications and event triggers."""

import json
from collections.abc import Mapping

from migsafe.model.catalog import Catalog, EventTrigger, Extension, Publication, Statistics
from migsafe.model.effects import Object
from migsafe.sql.quote import literal
from migsafe.verify import defined, sameness
from migsafe.verify.proof import Asked, array, fill, listed
from migsafe.verify.stated import UNCLEAR

Stated = Mapping[str, str | None]


def extension(known: Extension) -> Asked:
    conditions, words = [], "installed"
    if known.version:
        conditions.append(fill("verify_extension_version", version=literal(known.version)))
        words += f", version {known.version} or later"
    if known.schema:
        conditions.append(f"schema = {literal(known.schema)}")
        words += f" in schema {known.schema}"
    return Asked(tuple(conditions), words)


def statistics(known: Statistics, stated: Stated, catalog: Catalog) -> Asked:
    columns = sorted(dict.fromkeys(known.columns))
    conditions = [
        f"relation = {literal(known.relation)}",
        f"columns @> {array(columns)} AND columns <@ {array(columns)}",
    ]
    words = f"on {listed(columns)} of {known.relation}"
    written = json.loads(stated.get("expressions") or "[]")
    if "kinds" not in stated:
        return Asked(tuple(conditions), f"{words} (its kinds are not compared)")
    if not written:
        return Asked(tuple(conditions), words)
    if not all(sameness.is_of_columns(each, known.relation, catalog) for each in written):
        return Asked(tuple(conditions), f"{words} (its expressions are not compared)")
    expressions = [sameness.Expression(each) for each in written]
    first = sameness.expressions("statistics", known.name, known.relation, expressions, catalog, reads=True)
    return Asked((*conditions, sameness.HOLDS), f"{words}, of {', '.join(written)}", first)


def publication(known: Publication, stated: Stated, catalog: Catalog) -> Asked:
    """Its tables, which rows and columns of them; the schemas are among what is stated."""
    everything = stated.get("everything") == "true"
    schemas = stated.get("schemas")
    if known.tables is None and not everything and schemas in (None, UNCLEAR):
        return Asked((), "there (of schemas or all tables: which ones is not compared)")
    if everything:
        return Asked((), "publication of all tables")
    filters = stated.get("filters")
    of_filters = json.loads(filters) if filters not in (None, UNCLEAR) else None
    if known.tables is None and of_filters is None:
        return Asked(("NOT everything",), "publication (of which tables is not compared)")
    tables = sorted(known.tables if known.tables is not None else of_filters or ())
    conditions = ["NOT everything", f"tables @> {array(tables)} AND tables <@ {array(tables)}"]
    words = f"publication of {listed(tables)}" if tables else "publication of no table"
    if of_filters is None:
        return Asked(tuple(conditions), f"{words} (which rows and columns of them is not compared)")
    held, first, said = _filters(known.name, of_filters, catalog)
    return Asked((*conditions, *held), words + said, first)


def _filters(
    name: str, filters: Mapping[str, tuple[str | None, list[str]]], catalog: Catalog
) -> tuple[list[str], str | None, str]:
    thing = Object("publication", name)
    chosen = sorted(f"{table} ({', '.join(columns)})" for table, (_, columns) in filters.items() if columns)
    filtered = {table: where for table, (where, _) in sorted(filters.items()) if where}
    conditions = []
    for kind, wanted in (("columns", chosen), ("filtered", sorted(filtered))):
        value = literal(", ".join(wanted)) if wanted else "NULL"
        conditions.append(f"{defined.value(thing, kind, None)} IS NOT DISTINCT FROM {value}")
    words = f", of columns {', '.join(chosen)}" if chosen else ""
    words += "".join(f", rows of {table} where {where}" for table, where in filtered.items())
    if not filtered:
        return conditions, None, words
    if not all(sameness.is_of_columns(where, table, catalog) for table, where in filtered.items()):
        return conditions, None, f"{words} (which is not compared)"
    first = sameness.rows(name, filtered, catalog)
    return [*conditions, sameness.HOLDS], first, words


def event_trigger(known: EventTrigger) -> Asked:
    tags = sorted(known.tags)
    conditions = [
        f"event = {literal(known.event)}",
        "enabled" if known.enabled else "NOT enabled",
        f"tags @> {array(tags)} AND tags <@ {array(tags)}",
    ]
    if "." in known.function:
        conditions.append(f"function = {literal(known.function)}")
    return Asked(tuple(conditions), f"{'' if known.enabled else 'disabled, '}on {known.event} calling {known.function}")
