"""What is asked of triggers, rules, policies, statistics, functions, publications, schemas and event triggers."""

from collections.abc import Mapping

from migsafe.model.catalog import Catalog, EventTrigger, Function, Policy, Publication, RewriteRule, Statistics, Trigger
from migsafe.sql.quote import literal
from migsafe.verify import sameness
from migsafe.verify.columns import type_condition
from migsafe.verify.proof import Asked, array, listed

_VOLATILITY = {"i": "immutable", "s": "stable", "v": "volatile"}


def trigger(known: Trigger, stated: Mapping[str, str | None]) -> Asked:
    """Timing, events, function and columns; enabled, unless a statement says otherwise."""
    conditions = [
        f"timing = {literal(known.timing)}",
        f"events @> {array(known.events)} AND events <@ {array(known.events)}",
        f"for_each_row = {str(known.for_each_row).lower()}",
        f"is_constraint = {str(known.constraint).lower()}",
    ]
    if known.function:
        conditions.append(f"function = {literal(known.function)}")
    columns = sorted(dict.fromkeys(known.columns))
    conditions.append(f"columns @> {array(columns)} AND columns <@ {array(columns)}")
    if "enabled" not in stated:
        conditions.append("enabled <> 'D'")
    row = "each row" if known.for_each_row else "the statement"
    words = f"{known.timing} {' or '.join(known.events)} for {row}"
    of = f" of {listed(columns)}" if columns else ""
    calls = f", calling {known.function}" if known.function else ""
    return Asked(tuple(conditions), f"{words}{of}{calls} (its WHEN is not compared)")


def rule(known: RewriteRule, stated: Mapping[str, str | None]) -> Asked:
    conditions = [f"event = {literal(known.event)}", "is_instead" if known.instead else "NOT is_instead"]
    if "enabled" not in stated:
        conditions.append("enabled <> 'D'")
    words = f"on {known.event} do {'instead' if known.instead else 'also'} (its actions are not compared)"
    return Asked(tuple(conditions), words)


def policy(known: Policy, stated: Mapping[str, str | None], catalog: Catalog) -> Asked:
    """Command, kind, roles and expressions, as the statements of the plan have set them."""
    conditions, words = [], []
    for name in ("command", "permissive", "roles"):
        if stated.get(name) is not None:
            conditions.append(f"{name} = {literal(stated[name] or '')}")
            words.append(_policy_words(name, stated[name] or ""))
    written = []
    for name in ("using", "check"):
        if name in stated:
            conditions.append(f'"{name}" IS {"NOT " if stated[name] is not None else ""}NULL')
        if (text := stated.get(name)) is not None:
            written.append(text)
            words.append(f"{'with check' if name == 'check' else 'using'} ({text})")
    # After ALTER POLICY one of the two may not be known, and what is printed has both.
    if not written or {"using", "check"} - stated.keys():
        doubt = " (its conditions are not compared)" if {"using", "check"} - stated.keys() else ""
        return Asked(tuple(conditions), (", ".join(words) or "there") + doubt)
    expressions = [sameness.Expression(text, "boolean") for text in written]
    first = sameness.expressions("policy", known.name, known.relation, expressions, catalog, reads=True)
    return Asked((*conditions, sameness.HOLDS), ", ".join(words), first)


def _policy_words(name: str, value: str) -> str:
    if name == "permissive":
        return "permissive" if value == "true" else "restrictive"
    return f"for {value}" if name == "command" else f"to {value}"


def statistics(known: Statistics) -> Asked:
    columns = sorted(dict.fromkeys(known.columns))
    conditions = (
        f"relation = {literal(known.relation)}",
        f"columns @> {array(columns)} AND columns <@ {array(columns)}",
    )
    return Asked(conditions, f"on {listed(columns)} of {known.relation} (its kinds are not compared)")


def function(known: Function, stated: Mapping[str, str | None]) -> Asked:
    """Language, volatility, result and body as written; a body of BEGIN ATOMIC is not compared."""
    conditions = [f"kind = {literal(known.kind)}"]
    if known.kind == "aggregate":
        return Asked(tuple(conditions), "aggregate (its definition is not compared)")
    conditions += [f"language = {literal(known.language)}", f"volatility = {literal(known.volatility)}"]
    words = f"{_VOLATILITY.get(known.volatility, '')} {known.language} {known.kind}"
    if known.returns and known.returns != "trigger" and "(" not in known.returns:
        conditions.append(f"({type_condition(known.returns)})")
        conditions.append("returns_set" if known.returns_set else "NOT returns_set")
        words += f" returning {'setof ' if known.returns_set else ''}{known.returns}"
    if known.body is None or known.language in ("c", "internal"):
        return Asked(tuple(conditions), f"{words} (its body is not compared)")
    conditions.append(f"body = {literal(known.body)}")
    return Asked(tuple(conditions), f"{words}, with the body that was written")


def publication(known: Publication) -> Asked:
    if known.tables is None:
        return Asked((), "there (of schemas or all tables: which ones is not compared)")
    tables = sorted(known.tables)
    conditions = ("NOT everything", f"tables @> {array(tables)} AND tables <@ {array(tables)}")
    return Asked(conditions, f"publication of {listed(tables)}" if tables else "publication of no table")


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
