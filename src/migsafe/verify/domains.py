"""What is asked of a type: labels of an enum, base and conditions of a domain, attributes of a composite."""

from collections.abc import Mapping

from migsafe.model.catalog import Catalog, Type
from migsafe.sql.quote import literal
from migsafe.verify import sameness
from migsafe.verify.columns import type_condition
from migsafe.verify.defaults import is_read_alike
from migsafe.verify.proof import Asked, array, bare, listed

Stated = Mapping[str, str | None]


def asked(known: Type, whole: bool, stated: Stated, catalog: Catalog) -> Asked:
    """Of one that is not known as a `whole`, what may have been there before is not asked for."""
    conditions, words = [f"kind = {literal(known.kind)}"], known.kind
    if known.kind == "enum" and known.labels:
        conditions.append(f"labels {'=' if whole else '@>'} {array(known.labels)}")
        words += f" ({', '.join(known.labels)})"
    if known.kind == "composite" and known.attributes and whole and known.name in catalog.columns:
        conditions.append(f"attributes = {array(catalog.columns[known.name])}")
        words += f" ({listed(catalog.columns[known.name])})"
    if known.kind != "domain":
        return Asked(tuple(conditions), words)
    held, first, said = _expressions(known, stated, catalog)
    return Asked((*conditions, *_domain(known, whole), *held), words + _domain_words(known) + said, first)


def _domain(known: Type, whole: bool) -> list[str]:
    conditions = [f"({type_condition(known.base)})"] if known.base else []
    conditions.append(f"constraints @> {array(known.constraints)}")
    if whole:
        conditions.append(f"unvalidated <@ {array(known.unvalidated)}")
    return conditions


def _domain_words(known: Type) -> str:
    words = f" over {known.base}" if known.base else ""
    words += f", constraints {listed(known.constraints)}" if known.constraints else ""
    return words + (f", not validated: {listed(known.unvalidated)}" if known.unvalidated else "")


def _expressions(known: Type, stated: Stated, catalog: Catalog) -> tuple[list[str], str | None, str]:
    """Conditions and default, as far as statements of the plan have written them."""
    checks = {name: text for name in sorted(known.constraints) if (text := stated.get(f"check {name}")) is not None}
    default = stated.get("default")
    default = None if default is None or default.strip().upper() == "NULL" else default
    compares = default is not None and is_read_alike(default, known.base, catalog)
    words = "".join(f", {name} check ({text})" for name, text in checks.items())
    words += f", default {default}{'' if compares else ' (which is not compared)'}" if default is not None else ""
    left = sorted(set(known.constraints) - checks.keys())
    words += f" (the conditions of {listed(left)} are not compared)" if left else ""
    conditions = (
        ["no_default" if default is None else "NOT no_default"] if _says_default(known, stated, catalog) else []
    )
    written = [sameness.Expression(text, "boolean") for text in checks.values()]
    written += [sameness.Expression(default, known.base)] if default is not None and compares else []
    if not written or known.base is None:
        return conditions, None, words
    first = sameness.domain(known.name, known.base, tuple(checks), written, catalog, default=compares)
    return [*conditions, sameness.HOLDS], first, words


def _says_default(known: Type, stated: Stated, catalog: Catalog) -> bool:
    """Whether the plan says that there is one, or none: that of a domain below is taken over, and NULL is one too."""
    written = stated.get("default")
    base = (known.base or "").replace('"', "")
    below = any(each.kind == "domain" and base in (each.name, bare(each.name)) for each in catalog.types.values())
    return "default" in stated and (written.strip().upper() != "NULL" if written is not None else not below)
