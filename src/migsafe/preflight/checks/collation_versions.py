"""Has the order of text changed under the indexes since they were built?"""

from collections.abc import Iterator

from migsafe.model.catalog import Index
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import Moment, moments
from migsafe.sql.quote import identifier, qualified

CHECK = check(
    __name__,
    group="schema",
    why="After an upgrade of glibc or ICU, text sorts in another order than the indexes were built in: lookups miss "
    "rows, a unique index has let duplicates in, and a new one fails on them.",
    remedy="REINDEX what sorts by the collation, then ALTER COLLATION … REFRESH VERSION.",
)


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    wanted: dict[tuple[str, str], bool] = {}
    for moment in moments(plan):
        for (relation, column), unique in _sorted(moment):
            wanted[relation, column] = unique or wanted.get((relation, column), False)
    if not wanted:
        return
    relations, columns = [relation for relation, _ in wanted], [column for _, column in wanted]
    rows = ask(connection, "preflight_collations", relations=relations, columns=columns)
    for name in dict.fromkeys(row["collation"] for row in rows):
        yield _drifted([row for row in rows if row["collation"] == name], wanted, connection.info.dbname)
    if not rows:
        message = "No index of the plan sorts by a collation that has changed since."
        yield answer(CHECK, "passed", message, sql=query("preflight_collations"))


def _sorted(moment: Moment) -> Iterator[tuple[tuple[str, str], bool]]:
    """Relation and column of now of what the plan's indexes sort by, and whether the index is unique."""
    for made in moment.effects.creates:
        if isinstance(made, Index) and made.method == "btree":
            now = moment.now(made.relation)
            for column in (*made.columns, *made.mentions):
                if now is not None and column is not None:
                    yield (now, column), made.unique


def _drifted(rows: list[Row], wanted: dict[tuple[str, str], bool], database: str) -> CheckResult:
    row = rows[0]
    named = ", ".join(f"{each['relation']}.{each['column']}" for each in rows)
    unique = any(wanted[each["relation"], each["column"]] for each in rows)
    fails = " The unique one fails on duplicates that a wrong index has let in." if unique else ""
    if row["is_default"]:
        refresh = f"ALTER DATABASE {identifier(database)} REFRESH COLLATION VERSION;"
    else:
        refresh = f"ALTER COLLATION {qualified(row['collation'])} REFRESH VERSION;"
    message = (
        f"{row['collation']} was {row['recorded']} when indexes were built, and is {row['actual']} now; "
        f"the plan sorts {named} by it.{fails}"
    )
    remedy = f"REINDEX (CONCURRENTLY) DATABASE {identifier(database)}; (or what sorts by it), then {refresh}"
    evidence = {"recorded": row["recorded"], "actual": row["actual"]}
    sql = query("preflight_collations")
    return answer(CHECK, "warned", message, subject=row["collation"], remedy=remedy, evidence=evidence, sql=sql)
