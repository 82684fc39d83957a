"""Does a table have rows that a unique index of the plan would not take?"""

from collections.abc import Iterator

from migsafe.model.catalog import Catalog, Index
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection
from migsafe.preflight.rows import Doubt, answers, doubt, is_asked_with_parent, source
from migsafe.preflight.standing import Standing, standings
from migsafe.settings import Settings
from migsafe.sql.indexes import keys
from migsafe.sql.quote import identifier, qualified

CHECK = check(
    __name__,
    group="data",
    why="A unique index or constraint cannot be built over rows that are the same; a concurrent build finds that out "
    "at its end, and leaves an invalid index.",
    remedy="Merge or delete all but one of each.",
    privilege="SELECT on the table",
)


def run(
    *, connection: Connection, plan: Plan, settings: Settings, catalog: Catalog, **_: object
) -> Iterator[CheckResult]:
    doubts: list[Doubt] = []
    for standing in standings(plan):
        builds = {build.index for build in standing.moment.effects.builds}
        made = [each for each in standing.moment.effects.creates if isinstance(each, Index) and each.unique]
        relations = [each.relation for each in made]
        for index in made:
            table = standing.moment.now(index.relation)
            if table is None or not (index.name in builds or index.valid):
                continue
            if is_asked_with_parent(catalog, table, relations):
                continue
            if keys(index) is None:
                yield _cannot_be_asked(index, standing)
            else:
                doubts += _doubts(index, standing, catalog)
    yield from answers(CHECK, connection, settings, catalog, doubts)


def _doubts(index: Index, standing: Standing, catalog: Catalog) -> Iterator[Doubt]:
    named = tuple(name for name in (*index.columns, *index.mentions) if name)
    asked = standing.asked(index.relation, named)
    if asked is None or (asked[1] != named and (None in index.columns or index.predicate)):
        return
    table, columns = asked
    by = keys(index) if asked[1] == named else tuple(map(identifier, columns[: len(index.columns)]))
    if not by:
        return
    conditions = [] if index.nulls_not_distinct else [f"{key} IS NOT NULL" for key in by]
    conditions += [f"({index.predicate})"] if index.predicate else []
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    listed = ", ".join(by)
    query = f"SELECT {listed}, count(*) FROM {source(catalog, table)}{where} GROUP BY {listed} HAVING count(*) > 1"
    yield doubt(
        standing,
        table,
        f"UNIQUE {index.name.rpartition('.')[2]} ({listed})",
        f"rows with the same ({listed})",
        query,
        (*by, "how often"),
        f"{CHECK.remedy} This lists them: {query};",
    )


def _cannot_be_asked(index: Index, standing: Standing) -> CheckResult:
    message = f"Whether {index.relation} has rows that {index.name} would not take is not known: its keys are not."
    remedy = f"Look for them by hand before {standing.moment.statement.place} runs, in {qualified(index.relation)}."
    return answer(CHECK, "unknown", message, subject=index.relation, remedy=remedy)
