"""Constraints whose rows a statement checks: those that it adds, and those that it validates."""

from collections.abc import Iterator

from migsafe.model.catalog import Catalog, Constraint
from migsafe.model.plan import Plan
from migsafe.preflight.rows import is_among, is_asked_with_parent
from migsafe.preflight.standing import Standing, standings


def checked(plan: Plan, catalog: Catalog, kind: str) -> Iterator[tuple[Constraint, Standing]]:
    """The constraints of `kind` for which a statement of the plan reads their table; `catalog` is that of before it.

    Of a partitioned table and its partitions only the former, whose rows are those of the others.
    """
    for standing in standings(plan):
        found = _checked(standing, catalog, kind)
        relations = [each.relation for each in found]
        yield from ((each, standing) for each in found if not is_asked_with_parent(catalog, each.relation, relations))


def _checked(standing: Standing, catalog: Catalog, kind: str) -> tuple[Constraint, ...]:
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
