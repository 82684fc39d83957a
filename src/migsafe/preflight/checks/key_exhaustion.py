"""Is a table of the plan running out of numbers for its key?"""

from collections.abc import Iterator

from migsafe.model.catalog import Column
from migsafe.model.checks import CheckResult
from migsafe.model.locks import LockMode
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import locks, moments
from migsafe.preflight.wording import some
from migsafe.sql.quote import qualified

CHECK = check(
    __name__,
    group="schema",
    why="At 2,147,483,647 rows ever inserted an integer key is used up, and every INSERT fails; to make it bigint then "
    "is a rewrite in an outage, while today it can be planned.",
    remedy="Plan the change to bigint: a new column, a backfill, a swap.",
    privilege="USAGE or SELECT on the sequence",
)

FULL, ALMOST = 0.6, 0.9


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    relations = sorted(lock.relation for lock in locks(plan) if lock.mode.strength >= LockMode.ROW_EXCLUSIVE.strength)
    rows = ask(connection, "preflight_sequences", relations=relations) if relations else []
    settled = _retyped(plan)
    asked = [row for row in rows if (row["relation"], row["column"]) not in settled and row["type"] != "bigint"]
    seen = [row for row in asked if row["visible"]]
    found = [_answer(row) for row in seen if row["taken"] is not None and row["taken"] > FULL]
    found += [_unseen(row, connection.info.user) for row in asked if not row["visible"]]
    yield from found
    if seen and not found:
        names = some(f"{row['relation']}.{row['column']}" for row in seen)
        message = f"No more than {FULL:.0%} of the numbers of {names} are used up."
        yield answer(CHECK, "passed", message, sql=query("preflight_sequences"))


def _retyped(plan: Plan) -> set[tuple[str | None, str]]:
    """Columns that the plan drops or gives another type, by their relation's name of now."""
    found: set[tuple[str | None, str]] = set()
    for moment in moments(plan):
        changed = [each.after for each in moment.effects.alters if isinstance(each.after, Column)]
        found |= {(moment.now(column.relation), column.name) for column in changed if column.type is not None}
        found |= {(moment.now(drop.of), drop.name) for drop in moment.effects.drops if drop.of is not None}
    return found


def _answer(row: Row) -> CheckResult:
    label = f"{row['relation']}.{row['column']}"
    soon = " Every INSERT fails when they are: this comes before any other migration." if row["taken"] > ALMOST else ""
    message = f"{row['taken']:.0%} of the numbers of {label} ({row['type']}) are used up.{soon}"
    evidence = {"used up": f"{row['taken']:.1%}", "sequence": row["sequence"]}
    return answer(CHECK, "warned", message, subject=label, evidence=evidence, sql=query("preflight_sequences"))


def _unseen(row: Row, role: str) -> CheckResult:
    label = f"{row['relation']}.{row['column']}"
    message = f"How many numbers of {label} ({row['type']}) are used up is hidden from this role."
    remedy = f"GRANT SELECT ON SEQUENCE {qualified(row['sequence'])} TO {role};"
    return answer(CHECK, "unknown", message, subject=label, remedy=remedy, sql=query("preflight_sequences"))
