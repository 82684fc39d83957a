"""Has somebody held a transaction open for long?"""

from collections.abc import Iterator

import msgspec

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.model.run import Blocker
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import concurrently, strong_locks
from migsafe.preflight.wording import duration, session
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="contention",
    why="A transaction that has been open for minutes will not end within lock_timeout: whatever it has touched stays "
    "locked, and CREATE INDEX CONCURRENTLY waits for every snapshot that is older than itself, on any table.",
    remedy="Wait for them, or end them: SELECT pg_terminate_backend(PID);",
    privilege="pg_read_all_stats",
)


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    builds = concurrently(plan)
    if not builds and not strong_locks(plan):
        return
    rows = ask(connection, "preflight_transactions") + _prepared(connection)
    old = [row for row in rows if row["age"] is not None and row["age"] > settings.max_transaction_age]
    yield from (_old(row, bool(builds)) for row in old)
    masked = [row for row in rows if row["masked"]]
    if masked:
        yield _unseen(masked, connection)
    elif not old:
        limit = duration(settings.max_transaction_age)
        yield answer(CHECK, "passed", f"No transaction is older than {limit}.", sql=query("preflight_transactions"))


def _prepared(connection: Connection) -> list[Row]:
    rows = ask(connection, "preflight_prepared")
    return [{"pid": 0, "application": None, "state": "prepared", "masked": False} | row for row in rows]


def _old(row: Row, builds: bool) -> CheckResult:
    fields = ("pid", "application", "user", "state", "age", "gid")
    blocker = msgspec.convert({name: row.get(name) for name in fields}, Blocker)
    # A prepared transaction has no snapshot: a build waits for it only where it holds a lock (measured on 18).
    waits = " The concurrent build will wait for it." if builds and not blocker.gid else ""
    end = f"ROLLBACK PREPARED '{blocker.gid}'" if blocker.gid else f"SELECT pg_terminate_backend({blocker.pid})"
    return answer(
        CHECK,
        "warned",
        f"{session(blocker)} has been open for long.{waits}",
        subject=f"pid {blocker.pid}" if blocker.pid else blocker.gid,
        remedy=f"Wait for it, or end it: {end};",
        evidence={"age": f"{row['age']:.1f} s"},
        sql=query("preflight_transactions"),
    )


def _unseen(masked: list[Row], connection: Connection) -> CheckResult:
    disabled = [row for row in masked if row["state"] == "disabled"]
    holding = sum(bool(row["has_snapshot"]) for row in masked)
    if disabled:
        remedy = "ALTER SYSTEM SET track_activities = on; SELECT pg_reload_conf();"
    else:
        remedy = f"GRANT pg_read_all_stats TO {connection.info.user}; or ask as a role that has it (pg_monitor has)."
    return answer(
        CHECK,
        "unknown",
        f"How long {len(masked)} other sessions have been in a transaction is hidden from this role; "
        f"{holding} of them hold a snapshot now.",
        remedy=remedy,
        evidence={"masked sessions": str(len(masked)), "with a snapshot": str(holding)},
        sql=query("preflight_transactions"),
    )
