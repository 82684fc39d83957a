"""Does a transaction of the plan find room for all its locks?"""

from collections.abc import Iterator

from migsafe.model.catalog import Index, Relation
from migsafe.model.checks import CheckResult, Status
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import Moment, moments

CHECK = check(
    __name__,
    group="server",
    why="Locks of all sessions share one table in memory. A transaction that touches thousands of partitions or "
    "tenants' tables ends with `out of shared memory`, and so do others' meanwhile.",
    remedy="Split the revision so that each one touches fewer relations, or raise max_locks_per_transaction (a "
    "restart).",
)

# Below that, no server notices.
FEW = 100
CROWDED = 0.8
# Measured on 18: the table held 2.1 times what the manual says on a small server (1,010 locks for 480), 1.7 times on
# one with the defaults (15,696 for 9,300). What others take meanwhile is not known.
IMPOSSIBLE = 2
SLACK = 1000

Transaction = tuple[str | None, int | None]


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    touched = _by_transaction(plan)
    if max((len(names) for names in touched.values()), default=0) < FEW:
        return
    names = sorted(set().union(*touched.values()))
    objects = {row["relation"]: row["objects"] for row in ask(connection, "preflight_parts", relations=names)}
    counts = {key: sum(objects.get(name, 1) for name in found) for key, found in touched.items()}
    (revision, _ordinal), needed = max(counts.items(), key=lambda item: item[1])
    yield judge(ask(connection, "preflight_lock_table")[0], needed, revision)


def _by_transaction(plan: Plan) -> dict[Transaction, set[str]]:
    found: dict[Transaction, set[str]] = {}
    for moment in moments(plan):
        if moment.statement.transaction is not None:
            key = (moment.statement.revision, moment.statement.transaction)
            found.setdefault(key, set()).update(_relations(moment))
    return found


def _relations(moment: Moment) -> Iterator[str]:
    effects = moment.effects
    yield from (lock.relation for lock in effects.locks)
    yield from (made.name for made in effects.creates if isinstance(made, Relation | Index))


def judge(row: Row, needed: int, revision: str | None) -> CheckResult:
    """The answer for a row of the query and the locks that the largest transaction takes."""
    free = row["slots"] - row["used"]
    message = f"A transaction of revision {revision} takes about {needed} locks, and {free} of {row['slots']} are free."
    evidence = {"needed": str(needed), "slots": str(row["slots"]), "used": str(row["used"])}
    sql = query("preflight_lock_table")
    if needed <= free * CROWDED:
        return answer(CHECK, "passed", message, evidence=evidence, sql=sql)
    factor = -(-needed // max(free, 1)) + 1
    remedy = f"{CHECK.remedy} ALTER SYSTEM SET max_locks_per_transaction = {row['setting'] * factor}; and restart."
    status: Status = "blocked" if needed > free * IMPOSSIBLE + SLACK else "warned"
    return answer(CHECK, status, message, remedy=remedy, evidence=evidence, sql=sql)
