"""Is the database busy now, and does anybody wait for a lock already?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult, Status
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import moments, strong_locks
from migsafe.preflight.wording import duration, some

CHECK = check(
    __name__,
    group="contention",
    why="A lock request of a migration lengthens the queue that is there already, and a rewrite or an index build "
    "takes disk and processors from a server that has none to spare.",
    remedy="Wait for a quieter hour.",
    privilege="pg_read_all_stats",
)

# Above it, new connections are what the next delay costs.
BUSY = 0.5


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    works = any(moment.effects.builds or moment.effects.rewrites or moment.effects.scans for moment in moments(plan))
    if not works and not strong_locks(plan):
        return
    waiting = ask(connection, "preflight_waiting")[0]
    if waiting["waiting"]:
        yield _queue(waiting)
    row = ask(connection, "preflight_load")[0]
    if row["masked"]:
        yield _unseen(row, connection.info.user)
    elif row["active"] > row["max_connections"] * BUSY:
        yield of_sessions("warned", row)
    elif not waiting["waiting"]:
        yield of_sessions("passed", row)


def _queue(row: Row) -> CheckResult:
    roots = [f"pid {pid}" if pid else "a prepared transaction" for pid in row["roots"]]
    behind = f" behind {some(roots)}" if roots else ""
    ends = " ".join(f"SELECT pg_terminate_backend({pid});" for pid in row["roots"][:3] if pid)
    sessions = "1 session waits" if row["waiting"] == 1 else f"{row['waiting']} sessions wait"
    longest = f"{'' if row['waiting'] == 1 else ', the longest'} for {duration(row['longest'] or 0.0)}"
    return answer(
        CHECK,
        "warned",
        f"{sessions} for a lock in this database already{longest}{behind}.",
        remedy=f"Wait until the queue is gone{f', or end its head: {ends}' if ends else ''}"
        f"{'' if ends else '; see lock-holders and pg_prepared_xacts'}",
        evidence={"waiting": str(row["waiting"])},
        sql=query("preflight_waiting"),
    )


def of_sessions(status: Status, row: Row) -> CheckResult:
    """The answer for how many sessions of the database are active."""
    message = (
        f"{row['active']} of {row['sessions']} other sessions of this database are active, "
        f"{row['idle_in_transaction']} idle in a transaction; max_connections is {row['max_connections']}."
    )
    evidence = {name: str(row[name]) for name in ("active", "idle_in_transaction", "sessions", "max_connections")}
    return answer(CHECK, status, message, evidence=evidence, sql=query("preflight_load"))


def _unseen(row: Row, role: str) -> CheckResult:
    return answer(
        CHECK,
        "unknown",
        f"Whether {row['masked']} of {row['sessions']} other sessions of this database are active is hidden.",
        remedy=f"GRANT pg_read_all_stats TO {role}; (sessions with track_activities off stay hidden)",
        sql=query("preflight_load"),
    )
