"""Constraints whose rows a statement checks: those that it adds, and those that it validates."""

from migsafe.model.catalog import Catalog, Constraint
from migsafe.preflight.rows import is_among
from migsafe.preflight.standing import Standing


def checked(standing: Standing, catalog: Catalog, kind: str) -> tuple[Constraint, ...]:
    """The constraints of `kind` for which the statement reads their table; `catalog` is that of before the plan."""
    effects = standing.moment.effects
    added = [
        each
        for each in effects.creates
        if isinstance(each, Constraint)
        and each.validated
        and each.enforced
        and is_among(catalog, each.relation, effects.scans)
    ]
    validated = [_known(standing, catalog, each.of or "", each.name) for each in effects.validates]
    return tuple(each for each in (*added, *validated) if each is not None and each.kind == kind)


def _known(standing: Standing, catalog: Catalog, relation: str, name: str) -> Constraint | None:
    made = standing.constraints.get((relation, name))
    now = standing.moment.now(relation)
    return made or (catalog.constraints.get(now, {}).get(name) if now is not None else None)
