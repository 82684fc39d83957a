"""What is asked of a function: language, volatility, arguments, result, settings and body."""

import json
from collections.abc import Mapping

from migsafe.model.catalog import Catalog, Function
from migsafe.sql.quote import literal
from migsafe.verify import sameness
from migsafe.verify.columns import type_condition
from migsafe.verify.defaults import is_read_alike
from migsafe.verify.proof import Asked, array, fill

Stated = Mapping[str, str | None]

_VOLATILITY = {"i": "immutable", "s": "stable", "v": "volatile"}


def asked(known: Function, stated: Stated, catalog: Catalog) -> Asked:
    """Language, volatility, result and body as written; of one that the plan has not made, what is known of it."""
    conditions = [f"kind = {literal(known.kind)}"]
    if known.kind == "aggregate":
        return Asked(tuple(conditions), "aggregate (its definition is not compared)")
    volatility = stated.get("volatility") or known.volatility
    conditions += [f"language = {literal(known.language)}", f"volatility = {literal(volatility)}"]
    words = f"{_VOLATILITY.get(volatility, '')} {known.language} {known.kind}"
    if known.returns and known.returns != "trigger" and "(" not in known.returns:
        conditions.append(f"({type_condition(known.returns)})")
        conditions.append("returns_set" if known.returns_set else "NOT returns_set")
        words += f" returning {'setof ' if known.returns_set else ''}{known.returns}"
    if "cost" in stated:
        conditions += _settings(stated)
    if (output := stated.get("output types")) is not None:
        conditions.append(fill("verify_function_output", types=array(json.loads(output))))
    held, first, said = _expressions(known, stated, catalog)
    return Asked((*conditions, *held), words + said, first)


def _settings(stated: Stated) -> list[str]:
    """No setting but those that were written, and a default for as many arguments."""
    names = sorted(name.removeprefix("setting ") for name, v in stated.items() if name.startswith("setting ") and v)
    defaults = len(json.loads(stated.get("argument defaults") or "[]"))
    return [f"settings <@ {array(names)}", f"defaults = {defaults}"]


def _expressions(known: Function, stated: Stated, catalog: Catalog) -> tuple[list[str], str | None, str]:
    """Its defaults, and its body: text as it was written, or an expression that the server has read."""
    conditions, words = [], ""
    body = stated.get("sql body")
    if known.body is not None and known.language not in ("c", "internal"):
        conditions.append(f"body = {literal(known.body)}")
        words = ", with the body that was written"
    elif body is None or "cost" not in stated:
        words = " (its body is not compared)"
    defaults = [sameness.Expression(*each) for each in json.loads(stated.get("argument defaults") or "[]")]
    compares = all(is_read_alike(each.written, each.type, catalog) for each in defaults)
    words += f", defaults {', '.join(each.written for each in defaults)}" if defaults else ""
    words += "" if compares else " (which are not compared)"
    given = json.loads(stated.get("input") or "[]")
    query = body if body is not None and all(name for name, _ in given) else None
    if body is not None:
        words += ", with the body that was written" if query is not None else " (its body is not compared)"
    if query is None and not (defaults and compares):
        return conditions, None, words
    first = sameness.function(known.signature, defaults if compares else [], query, given, catalog)
    return [*conditions, sameness.HOLDS], first, words
