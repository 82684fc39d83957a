"""Is something there already by a name that the plan wants to create?"""

from collections.abc import Iterator

import msgspec

from migsafe.model.catalog import Column, Constraint, Index, Relation, Type
from migsafe.model.checks import CheckResult
from migsafe.model.effects import CatalogObject
from migsafe.model.plan import Plan
from migsafe.model.statement import Statement
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.resumed import half_done
from migsafe.preflight.touched import Moment, moments

CHECK = check(
    __name__,
    group="schema",
    why="CREATE fails on a name that is taken: after a restored dump, a hand-made hotfix, or a revision that was "
    "applied in part and never recorded.",
    remedy="Look at what is there. If it is what the revision makes, migsafe stamp that revision; if not, drop it.",
)


class Name(msgspec.Struct, frozen=True):
    """A name that a statement wants. `of` is the relation of a column or constraint, by its name of now."""

    sort: str
    name: str
    of: str | None
    statement: Statement


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    wanted = {(name.sort, name.of, name.name): name for name in _wanted(plan)}
    if not wanted:
        return
    rows = ask(connection, "preflight_taken", **_parameters(list(wanted.values())))
    resumed = half_done(connection, plan) if rows else frozenset()
    seen = set()
    for row in rows:
        name = wanted.get((row["sort"], row["of"], row["name"])) or wanted.get(("relation", None, row["name"]))
        if name is not None and name not in seen:
            seen.add(name)
            yield _taken(name, row, resumed)
    if not rows:
        message = f"None of the {len(wanted)} names that the plan creates is taken."
        yield answer(CHECK, "passed", message, sql=query("preflight_taken"))


def _wanted(plan: Plan) -> Iterator[Name]:
    for moment in moments(plan):
        for made in moment.effects.creates:
            yield from _of_object(made, moment)


def _of_object(made: CatalogObject, moment: Moment) -> Iterator[Name]:
    """Nothing for what lives in another session (pg_temp) or takes the place of what the plan removes before."""
    statement, effects = moment.statement, moment.effects
    if isinstance(made, Relation | Index | Type):
        removed = any(drop.name == made.name for drop in effects.drops)
        if not moment.is_gone(made.name) and not removed and not made.name.startswith("pg_temp."):
            yield Name("type" if isinstance(made, Type) else "relation", made.name, None, statement)
    elif isinstance(made, Column | Constraint):
        of = moment.now(made.relation)
        removed = any(drop.name == made.name and drop.of == made.relation for drop in effects.drops)
        if of is not None and not removed and not _goes_before(made, moment):
            yield Name("column" if isinstance(made, Column) else "constraint", made.name, of, statement)


def _goes_before(made: Column | Constraint, moment: Moment) -> bool:
    return moment.is_part_gone(made.relation, made.name)


def _parameters(names: list[Name]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"columns": [], "columns_of": [], "constraints": [], "constraints_of": []}
    # A table makes a type of its name, and a composite type is a relation.
    whole = [name.name for name in names if name.of is None]
    found |= {"relations": whole, "types": whole}
    for name in names:
        if name.of is not None:
            found[f"{name.sort}s"].append(name.name)
            found[f"{name.sort}s_of"].append(name.of)
    return found


def _taken(name: Name, row: Row, resumed: frozenset[str]) -> CheckResult:
    label = f"{name.of}.{name.name}" if name.of else name.name
    article = "an" if row["found"][0] in "aeiou" else "a"
    message = f"There is {article} {row['found']} {label} already, and {name.statement.place} wants to create it."
    sql = query("preflight_taken")
    if name.statement.revision in resumed:
        message = (
            f"{label} is there: an earlier run of revision {name.statement.revision} was cut off; this carries on."
        )
        return answer(CHECK, "warned", message, subject=label, remedy="Nothing to do: run upgrade.", sql=sql)
    return answer(CHECK, "blocked", message, subject=label, sql=sql)
