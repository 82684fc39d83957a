"""What is asked of triggers, rules and policies."""

import json
from collections.abc import Mapping

from migsafe.model.catalog import Catalog, Policy, RewriteRule, Trigger
from migsafe.sql.quote import literal
from migsafe.verify import sameness
from migsafe.verify.proof import Asked, array

Stated = Mapping[str, str | None]


def trigger(known: Trigger, stated: Stated, catalog: Catalog) -> Asked:
    """Timing, events, function and columns; WHEN of one that the plan has made."""
    conditions = [
        f"timing = {literal(known.timing)}",
        f"events @> {array(known.events)} AND events <@ {array(known.events)}",
        f"for_each_row = {str(known.for_each_row).lower()}",
        f"is_constraint = {str(known.constraint).lower()}",
    ]
    if known.function:
        conditions.append(f"function = {literal(known.function)}")
    row = "each row" if known.for_each_row else "the statement"
    words = f"{known.timing} {' or '.join(known.events)} for {row}"
    words += f", calling {known.function}" if known.function else ""
    if "when" not in stated:
        # The copy that a partition has says nothing of the columns in WHEN (measured on 18).
        conditions.append(f"columns <@ {array(sorted(dict.fromkeys(known.columns)))}")
        return Asked(tuple(conditions), f"{words} (its WHEN is not compared)")
    if known.constraint:
        source = literal(known.references) if known.references else "NULL"
        conditions.append(f"referenced IS NOT DISTINCT FROM {source}")
    held, first, said = _when(known, stated["when"], catalog)
    return Asked((*conditions, *held), words + said, first)


def _when(known: Trigger, written: str | None, catalog: Catalog) -> tuple[list[str], str | None, str]:
    if written is None:
        return ["NOT conditional"], None, ""
    if not sameness.is_of_columns(written, known.relation, catalog):
        return ["conditional"], None, " (its WHEN is not compared: a column in it has another name now)"
    when = [sameness.Expression(written, "boolean")]
    first = sameness.expressions("trigger", known.name, known.relation, when, catalog, reads=True)
    return ["conditional", sameness.HOLDS], first, f", when ({written})"


def rule(known: RewriteRule, stated: Stated, catalog: Catalog) -> Asked:
    """Its event, and condition and actions of one that the plan has made."""
    conditions = [f"event = {literal(known.event)}", "is_instead" if known.instead else "NOT is_instead"]
    words = f"on {known.event} do {'instead' if known.instead else 'also'}"
    if stated.get("actions") is None or not _is_known(known, catalog):
        return Asked(tuple(conditions), f"{words} (its actions are not compared)")
    actions, where = json.loads(stated["actions"] or "[]"), stated.get("where")
    first = sameness.rule(known.name, known.relation, where, actions, catalog)
    words += f" what was written where ({where})" if where else " what was written" if actions else " nothing"
    return Asked((*conditions, sameness.HOLDS), words, first)


def _is_known(known: RewriteRule, catalog: Catalog) -> bool:
    """Whether the relations in it still go by the names that were written."""
    named = [known.relation, *known.writes, *(use.relation for use in known.uses)]
    return all(name in catalog.relations for name in named)


def policy(known: Policy, stated: Stated, catalog: Catalog) -> Asked:
    """Command, kind, roles and expressions, as the statements of the plan have set them."""
    conditions, words = [], []
    for name in ("command", "permissive", "roles"):
        if stated.get(name) is not None:
            conditions.append(f"{name} = {literal(stated[name] or '')}")
            words.append(_policy_words(name, stated[name] or ""))
    written = {name: text for name in ("using", "check") if (text := stated.get(name)) is not None}
    for name in ("using", "check"):
        if name in stated:
            conditions.append(f'"{name}" IS {"NOT " if stated[name] is not None else ""}NULL')
        if name in written:
            words.append(f"{'with check' if name == 'check' else 'using'} ({written[name]})")
    doubt = " (its roles are not compared)" if "command" in stated and "roles" not in stated else ""
    if left := {"using", "check"} - stated.keys():
        doubt += f" (its {'conditions are' if len(left) > 1 else 'other condition is'} not compared)"
    if not written:
        return Asked(tuple(conditions), (", ".join(words) or "there") + doubt)
    expressions = [sameness.Expression(text, "boolean") for text in written.values()]
    kind = "policy" if len(written) > 1 else f"policy_{next(iter(written))}"
    first = sameness.expressions(kind, known.name, known.relation, expressions, catalog, reads=True)
    return Asked((*conditions, sameness.HOLDS), ", ".join(words) + doubt, first)


def _policy_words(name: str, value: str) -> str:
    if name == "permissive":
        return "permissive" if value == "true" else "restrictive"
    return f"for {value}" if name == "command" else f"to {value}"
