"""Is a table, or the whole server, close to the age at which PostgreSQL freezes whatever else is going on?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult, Status
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import strong_locks
from migsafe.preflight.wording import size
from migsafe.sql.quote import identifier, qualified

CHECK = check(
    __name__,
    group="contention",
    why="At autovacuum_freeze_max_age autovacuum freezes a table and gives way to nobody, for hours on a large one; "
    "at two thousand million transactions the server takes no more writes at all.",
    remedy="VACUUM (FREEZE) the table at a quiet hour, before the migration.",
)

# A smaller table is frozen before anybody notices.
LARGE = 1024**3
CLOSE = 0.85
# The server stops 3 million before 2^31 (manual, section 24.1.5).
OLD, TOO_OLD = 10**9, 1_800_000_000


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    if not plan.statements:
        return
    yield of_server(ask(connection, "preflight_wraparound")[0])
    relations = sorted(lock.relation for lock in strong_locks(plan))
    for row in ask(connection, "preflight_freeze", relations=relations) if relations else ():
        if row["bytes"] >= LARGE and row["part"] > CLOSE:
            yield _close(row)


def of_server(row: Row) -> CheckResult:
    """The answer for the oldest database of the server: its age in transactions and in multixacts."""
    age = max(row["xids"], row["multixacts"])
    name = row["database"]
    evidence = {"database": name, "age": str(row["xids"]), "multixact age": str(row["multixacts"])}
    message = f"The oldest rows of the server, in {name}, are {age:,} transactions old; writes stop at 2,100 million."
    remedy = f"In {identifier(name)}: VACUUM (FREEZE); first, and end what holds it back: old transactions, slots."
    status: Status = "blocked" if age > TOO_OLD else "warned" if age > OLD else "passed"
    return answer(CHECK, status, message, remedy=remedy, evidence=evidence, sql=query("preflight_wraparound"))


def _close(row: Row) -> CheckResult:
    relation = qualified(row["relation"])
    freezes = "is past" if row["part"] >= 1 else f"is at {row['part']:.0%} of"
    message = (
        f"{relation} ({size(row['bytes'])}) {freezes} the age at which autovacuum freezes it, which does not give way."
    )
    return answer(
        CHECK,
        "warned",
        message,
        subject=row["relation"],
        remedy=f"VACUUM (FREEZE) {relation}; at a quiet hour, before the migration.",
        evidence={"age": str(row["xids"])},
        sql=query("preflight_freeze"),
    )
