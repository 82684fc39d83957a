"""What is asked of an index and of a constraint."""

import json
from collections.abc import Mapping

from migsafe.model.catalog import Catalog, Constraint, Index
from migsafe.postgres.queries import query
from migsafe.sql.indexes import expressions_of, key_options
from migsafe.sql.quote import literal
from migsafe.verify import sameness
from migsafe.verify.proof import Asked, array, listed

_CONTYPE = {
    "check": "c",
    "foreign key": "f",
    "primary key": "p",
    "unique": "u",
    "exclude": "x",
    "not null": "n",
}
_ACTIONS = {"r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
_KEYED = ("primary key", "unique", "foreign key", "not null")
# Only they keep a direction and a place for NULLs (manual, section 11.4).
_ORDERED = ("btree",)


def index(known: Index, catalog: Catalog, whole: bool) -> Asked:
    """Of one that is not known as a `whole`, attributes that have a default in the catalog are not asked for."""
    conditions = [query("verify_index_valid")] if known.valid else []
    if known.relation:
        conditions.append(f"relation = {literal(known.relation)}")
    if known.columns:
        conditions.append(f"columns = {array(known.columns)}")
    if whole:
        conditions += _whole(known)
    written, compared = _expressions(known, catalog)
    first = None
    if written:
        first = sameness.expressions("index", known.name, known.relation, written, catalog, reads=True)
        conditions.append(sameness.HOLDS)
    return Asked(tuple(conditions), _words(known, compared), first)


def _whole(known: Index) -> list[str]:
    conditions = [
        f"method = {literal(known.method)}",
        "indisunique" if known.unique else "NOT indisunique",
        "partial" if known.predicate else "NOT partial",
        f"included = {array(known.included)}",
        "nulls_not_distinct" if known.nulls_not_distinct else "NOT nulls_not_distinct",
    ]
    for number, opclass in enumerate(known.opclasses, 1):
        name = (opclass or "").rsplit(".", 1)[-1]
        conditions.append(f"named_opclasses[{number}] = {literal(name)}" if name else f"opclasses[{number}] = ''")
    for number, (collation, direction) in enumerate(key_options(known) or (), 1):
        if collation:
            conditions.append(f"collations[{number}] = {literal(collation)}")
        if known.method in _ORDERED:
            conditions.append(f"directions[{number}] = {literal(direction)}")
    return conditions


def _expressions(known: Index, catalog: Catalog) -> tuple[list[sameness.Expression], bool]:
    """The expressions to compare, and whether that is all of them."""
    keys = expressions_of(known) if None in known.columns else ()
    written = [*(keys or ()), *([known.predicate] if known.predicate else [])]
    if keys is None or not all(sameness.is_of_columns(each, known.relation, catalog) for each in written):
        return [], False
    return [sameness.Expression(each) for each in written], True


def _words(known: Index, compared: bool) -> str:
    words = f"{'valid ' if known.valid else ''}{'unique ' if known.unique else ''}{known.method} index on"
    keys = f" ({listed(known.columns)})" if known.columns else ""
    include = f" include ({listed(known.included)})" if known.included else ""
    nulls = " nulls not distinct" if known.nulls_not_distinct else ""
    where = f" where {known.predicate}" if known.predicate else ""
    doubt = "" if compared else " (its expressions are not compared: a column in them has another name now)"
    return f"{words} {known.relation}{keys}{include}{nulls}{where}{doubt}"


def constraint(known: Constraint, catalog: Catalog, stated: Mapping[str, str | None]) -> Asked:
    """Columns, reference, actions, deferral, expression and validation of a constraint."""
    conditions = [f"kind = {literal(_CONTYPE[known.kind])}"] if known.kind in _CONTYPE else []
    words = [known.kind or "constraint"]
    if known.columns and known.kind in _KEYED:
        conditions.append(f"columns = {array(known.columns)}")
        words.append(f"({listed(known.columns)})")
    first = None
    if known.kind == "foreign key" and known.references:
        conditions += _reference(known)
        words += _reference_words(known)
    if known.kind == "check":
        compared, said = _check(known, catalog)
        first = compared.first
        conditions += compared.conditions
        words.append(said)
    if known.kind == "exclude":
        compared, said = _exclusion(known, catalog, stated)
        first = compared.first
        conditions += compared.conditions
        words.append(said)
    if known.index:
        conditions += _index_of(known, catalog)
    if known.kind in ("foreign key", "primary key", "unique", "exclude"):
        conditions.append(f"condeferrable = {_truth(known.deferrable)} AND condeferred = {_truth(known.deferred)}")
        words += ["deferrable"] * known.deferrable + ["initially deferred"] * known.deferred
    state, said = _state(known)
    return Asked((*conditions, *state), f"{' '.join(words)}, {said}", first)


def _state(known: Constraint) -> tuple[tuple[str, ...], str]:
    if not known.enforced:
        return ("enforced = 'false'",), "not enforced"
    if known.validated:
        return ("convalidated", "enforced = 'true'"), "validated"
    return ("enforced = 'true'",), "not validated, as written (NOT VALID)"


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _reference(known: Constraint) -> list[str]:
    conditions = [f'"references" = {literal(known.references or "")}']
    if known.referenced_columns:
        conditions.append(f"referenced_columns = {array(known.referenced_columns)}")
    conditions.append(f"on_delete = {literal(known.on_delete)} AND on_update = {literal(known.on_update)}")
    return [*conditions, f"match = {literal(known.match)}"]


def _reference_words(known: Constraint) -> list[str]:
    columns = f" ({listed(known.referenced_columns)})" if known.referenced_columns else ""
    words = [f"references {known.references}{columns}"]
    words += [f"on delete {_ACTIONS[known.on_delete]}"] if known.on_delete in _ACTIONS else []
    return words + ([f"on update {_ACTIONS[known.on_update]}"] if known.on_update in _ACTIONS else [])


def _check(known: Constraint, catalog: Catalog) -> tuple[Asked, str]:
    inherit = "connoinherit" if known.no_inherit else "NOT connoinherit"
    if not known.expression or not sameness.is_of_columns(known.expression, known.relation, catalog):
        return Asked((inherit,), ""), "(its condition is not compared: a column in it has another name now)"
    written = [sameness.Expression(known.expression, "boolean")]
    first = sameness.expressions("constraint", known.name, known.relation, written, catalog, reads=True)
    return Asked((inherit, sameness.HOLDS), "", first), f"({known.expression})"


def _exclusion(known: Constraint, catalog: Catalog, stated: Mapping[str, str | None]) -> tuple[Asked, str]:
    """Method, keys and predicate are those of its index; the operators are among what is stated."""
    behind = catalog.indexes.get(known.index or "")
    if behind is None or stated.get("operators") is None:
        return Asked((), ""), "(its operators are not compared)"
    conditions = [f"method = {literal(behind.method)}", f"keys = {array(behind.columns)}"]
    conditions.append("partial" if behind.predicate else "NOT partial")
    written = [*json.loads(stated.get("expressions") or "[]"), *([behind.predicate] if behind.predicate else [])]
    where = f" where {behind.predicate}" if behind.predicate else ""
    words = f"using {behind.method} ({listed(behind.columns)}){where}"
    if not written:
        return Asked(tuple(conditions), ""), words
    if not all(sameness.is_of_columns(each, known.relation, catalog) for each in written):
        return Asked(tuple(conditions), ""), f"{words} (its expressions are not compared)"
    expressions = [sameness.Expression(each) for each in written]
    first = sameness.expressions("index", known.index or "", known.relation, expressions, catalog, reads=True)
    return Asked((*conditions, sameness.HOLDS), "", first), words


def _index_of(known: Constraint, catalog: Catalog) -> list[str]:
    """The index behind the constraint is in order, and has what only an index can have."""
    conditions = [query("verify_constraint_index")]
    behind = catalog.indexes.get(known.index or "")
    if behind is not None:
        conditions.append(f"included = {array(behind.included)}")
        conditions.append("nulls_not_distinct" if behind.nulls_not_distinct else "NOT nulls_not_distinct")
    return conditions
