"""Are the statistics fresh of the tables that the plan works through, and are they free of dead rows?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import Moment, moments
from migsafe.preflight.wording import size, some
from migsafe.settings import Settings
from migsafe.sql.quote import qualified

CHECK = check(
    __name__,
    group="schema",
    why="How long the plan takes and how much disk it needs is reckoned from the statistics; a table that was never "
    "analysed counts as unknown. Dead rows are read again by every scan, and a backfill adds as many.",
    remedy="VACUUM (ANALYZE) the table before the upgrade.",
)

STALE = 0.5
DEAD = 0.2


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    relations = sorted({name for moment in moments(plan) for name in _worked_through(moment)})
    if not relations:
        return
    rows = ask(connection, "preflight_table_statistics", relations=relations)
    large = [row for row in rows if row["bytes"] > settings.lint.small_bytes]
    found = [each for row in large for each in _faults(row)]
    yield from found
    if rows and not found:
        message = f"The statistics of {some(relations)} are fresh, or the table is small."
        yield answer(CHECK, "passed", message, sql=query("preflight_table_statistics"))


def _worked_through(moment: Moment) -> Iterator[str]:
    effects = moment.effects
    written = [write.relation for write in effects.writes if write.whole or not write.few]
    for name in (*effects.scans, *effects.rewrites, *(build.table for build in effects.builds), *written):
        now = moment.now(name)
        if now is not None:
            yield now


def _faults(row: Row) -> Iterator[CheckResult]:
    relation, rows = f"{row['relation']} ({size(row['bytes'])})", row["live"] + row["dead"]
    if not row["analysed"]:
        message = f"{relation} was never analysed: how long the plan works on it is anybody's guess."
        yield _warned(row, message, f"ANALYZE {qualified(row['relation'])};")
    elif row["changed"] > STALE * max(row["live"], 1):
        message = f"{row['changed']:,} rows of {relation} were changed since it was analysed last."
        yield _warned(row, message, f"ANALYZE {qualified(row['relation'])};")
    if row["dead"] > DEAD * max(rows, 1):
        message = f"{row['dead']:,} of {rows:,} rows of {relation} are dead: every scan reads them too."
        yield _warned(row, message, f"VACUUM {qualified(row['relation'])};")


def _warned(row: Row, message: str, remedy: str) -> CheckResult:
    evidence = {name: str(row[name]) for name in ("live", "dead", "changed")}
    sql = query("preflight_table_statistics")
    return answer(CHECK, "warned", message, subject=row["relation"], remedy=remedy, evidence=evidence, sql=sql)
