"""Does a table have rows that a CHECK of the plan forbids?"""

from collections.abc import Iterator

from migsafe.model.catalog import Catalog, Constraint
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.preflight.answer import check
from migsafe.preflight.asking import Connection
from migsafe.preflight.constrained import checked
from migsafe.preflight.rows import Doubt, answers, doubt, key_of, source
from migsafe.preflight.standing import Standing
from migsafe.settings import Settings
from migsafe.sql.quote import identifier

CHECK = check(
    __name__,
    group="data",
    why="ADD CHECK and VALIDATE CONSTRAINT fail on the first row for which the condition is false.",
    remedy="Mend the rows first.",
    privilege="SELECT on the table",
)


def run(
    *, connection: Connection, plan: Plan, settings: Settings, catalog: Catalog, **_: object
) -> Iterator[CheckResult]:
    doubts = (
        each
        for condition, standing in checked(plan, catalog, "check")
        for each in _doubts(condition, standing, catalog)
    )
    yield from answers(CHECK, connection, settings, catalog, doubts)


def _doubts(condition: Constraint, standing: Standing, catalog: Catalog) -> Iterator[Doubt]:
    asked = standing.asked(condition.relation, condition.columns)
    # Under another name of now, the text of the condition does not fit.
    if asked is None or asked[1] != condition.columns or not condition.expression:
        return
    keys = key_of(catalog, asked[0])
    selected = ", ".join(map(identifier, keys))
    query = f"SELECT {selected} FROM {source(catalog, asked[0])} WHERE NOT ({condition.expression})"
    what = f"CHECK {condition.name} ({condition.expression})"
    yield doubt(standing, asked[0], what, "rows that break it", query, keys, f"{CHECK.remedy} They are: {query};")
