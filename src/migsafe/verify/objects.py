"""Relations, indexes, constraints, types and extensions: the query for each, and what it expects for a reader."""

from migsafe.model.catalog import Catalog, Column, Constraint, Extension, Index, Relation, Type
from migsafe.model.effects import CatalogObject, Object
from migsafe.postgres.queries import query
from migsafe.sql.quote import literal, qualified
from migsafe.verify import columns
from migsafe.verify.proof import array, bare, every, fill, listed, schema_of

_CONTYPE = {
    "check": "c",
    "foreign key": "f",
    "primary key": "p",
    "unique": "u",
    "exclude": "x",
    "not null": "n",
}
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
}


def query_of(thing: CatalogObject, catalog: Catalog, whole: bool) -> tuple[str, str] | None:
    """The query for an object of which more than the name is known, and what it expects; None for other kinds.

    Of one that is not known as a `whole`, attributes that have a default in the catalog are not asked for.
    """
    match thing:
        case Column():
            return columns.query_of(thing, catalog)
        case Index():
            return _index(thing, whole)
        case Constraint():
            return _constraint(thing)
        case Relation():
            return _relation(thing, whole)
        case Type():
            return _type(thing, whole)
        case Extension():
            return _extension(thing)
    return None


def is_looked_up(kind: str) -> bool:
    """Whether there is a query that finds an object of this kind by its name."""
    return kind in _LOOKED_UP


def presence(thing: Object, there: bool) -> str:
    """The query that an object of this name is there, or gone. Its kind must be one that is looked up."""
    of_arguments = thing.kind == "function" and thing.name.endswith(")") and not there
    lookup = fill(
        "verify_presence_" + (f"{thing.kind}_of_arguments" if of_arguments else thing.kind),
        schema=schema_of(thing.name),
        name=literal(_name(thing)),
        of_schema=schema_of(thing.of or ""),
        of=literal(bare(thing.of or "")),
        signature=literal(_signature(thing.name)),
    )
    return fill("verify_presence", wanted="> 0" if there else "= 0", lookup=lookup)


def _name(thing: Object) -> str:
    if thing.of or thing.kind in ("extension", "publication", "schema"):
        return thing.name
    return bare(thing.name.split("(", 1)[0] if thing.kind == "function" else thing.name)


def _signature(name: str) -> str:
    function, parenthesis, arguments = name.partition("(")
    return qualified(function) + parenthesis + arguments


def _index(index: Index, whole: bool) -> tuple[str, str]:
    asked = [f"relation = {literal(index.relation)}"] if index.relation else []
    if whole:
        asked.append(f"method = {literal(index.method)}")
        asked.append("indisunique" if index.unique else "NOT indisunique")
        asked.append("partial" if index.predicate else "NOT partial")
    if index.valid:
        asked.insert(0, query("verify_index_valid"))
    if index.columns:
        asked.append(f"columns = {array(index.columns)}")
    sql = fill(
        "verify_index",
        schema=schema_of(index.name),
        index=literal(bare(index.name)),
        conditions=every(asked),
    )
    words = f"{'valid ' if index.valid else ''}{'unique ' if index.unique else ''}{index.method} index on"
    keys = f" ({listed(index.columns)})" if index.columns else ""
    where = f" where {index.predicate} (its condition is not compared)" if index.predicate else ""
    return sql, f"{words} {index.relation}{keys}{where}"


def _constraint(constraint: Constraint) -> tuple[str, str]:
    asked, words = [], [constraint.kind or "constraint"]
    if constraint.kind in _CONTYPE:
        asked.append(f"kind = {literal(_CONTYPE[constraint.kind])}")
    if constraint.columns and constraint.kind in ("primary key", "unique", "foreign key", "not null"):
        asked.append(f"columns = {array(constraint.columns)}")
        words.append(f"({listed(constraint.columns)})")
    if constraint.kind == "foreign key" and constraint.references:
        asked.append(f'"references" = {literal(constraint.references)}')
        words.append(f"references {constraint.references}")
    if constraint.index:
        asked.append(query("verify_constraint_index"))
    if not constraint.enforced:
        asked.append("enforced = 'false'")
        words.append("not enforced")
    elif constraint.validated:
        asked.append("convalidated")
        words.append("validated")
    else:
        words.append("not validated, as written (NOT VALID)")
    sql = fill(
        "verify_constraint",
        schema=schema_of(constraint.relation),
        relation=literal(bare(constraint.relation)),
        constraint=literal(constraint.name),
        conditions=every(asked),
    )
    return sql, " ".join(words[:-1]) + ", " + words[-1]


def _relation(relation: Relation, whole: bool) -> tuple[str, str]:
    asked = [f"kind = {literal(relation.kind)}"]
    if whole and relation.persistence in _PERSISTENCE and relation.kind in ("table", "sequence"):
        asked.append(f"persistence = {literal(_PERSISTENCE[relation.persistence])}")
    if relation.kind in _INHERITING:
        asked.append(f"parents @> {array(relation.parents)}")
        if whole:
            asked.append(f"parents <@ {array(relation.parents)}")
    sql = fill(
        "verify_relation",
        schema=schema_of(relation.name),
        relation=literal(bare(relation.name)),
        conditions=every(asked),
    )
    unlogged = "unlogged " if relation.persistence == "unlogged" else ""
    below = f" below {', '.join(relation.parents)}" if relation.parents else ""
    query_ = " (its query is not compared)" if "view" in relation.kind else ""
    return sql, f"{unlogged}{relation.kind}{below}{query_}"


def _type(known: Type, whole: bool) -> tuple[str, str]:
    asked, words = [f"kind = {literal(known.kind)}"], known.kind
    if known.kind == "enum" and known.labels:
        asked.append(f"labels {'=' if whole else '@>'} {array(known.labels)}")
        words += f" ({', '.join(known.labels)})"
    if known.kind == "domain":
        if known.base:
            asked.append(columns.type_condition(known.base))
            words += f" over {known.base}"
        asked.append(f"constraints @> {array(known.constraints)}")
        if whole:
            asked.append(f"unvalidated <@ {array(known.unvalidated)}")
        words += f", constraints {listed(known.constraints)}" if known.constraints else ""
        words += f", not validated: {listed(known.unvalidated)}" if known.unvalidated else ""
    sql = fill(
        "verify_type",
        schema=schema_of(known.name),
        type_name=literal(bare(known.name)),
        conditions=every(asked),
    )
    return sql, words


def _extension(extension: Extension) -> tuple[str, str]:
    asked, words = [], "installed"
    if extension.version:
        asked.append(fill("verify_extension_version", version=literal(extension.version)))
        words += f", version {extension.version} or later"
    return fill("verify_extension", extension=literal(extension.name), conditions=every(asked)), words
