"""Is an index build, a VACUUM or a base backup going on that the plan would wait for?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.locks import LockMode
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import locks, moments
from migsafe.preflight.wording import duration
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="contention",
    why="VACUUM, ANALYZE and index builds hold a lock on their table for hours, and every ALTER TABLE on it waits. "
    "Autovacuum gives way to somebody who waits for deadlock_timeout, but not when it prevents wraparound.",
    remedy="Wait until it is done.",
    privilege="pg_read_all_stats",
)

# What a lock of the plan meets; a build may be CONCURRENTLY, which takes the weaker one.
_HELD = {
    "VACUUM": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "ANALYZE": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "CREATE INDEX": LockMode.SHARE,
    "REINDEX": LockMode.SHARE,
    "CREATE INDEX CONCURRENTLY": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "REINDEX CONCURRENTLY": LockMode.SHARE_UPDATE_EXCLUSIVE,
}


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    wanted = {lock.relation: lock.mode for lock in locks(plan)}
    if not wanted:
        return
    rows = ask(connection, "preflight_maintenance")
    patience = ask(connection, "preflight_deadlock_timeout")[0]["seconds"]
    found = [_in_the_way(row, settings, patience) for row in rows if _meets(row, wanted)]
    found += [_hidden(row, connection.info.user) for row in rows if row["masked"]]
    if _writes_much(plan):
        found += [_base_backup(row) for row in rows if row["work"] == "base backup"]
    yield from found
    if not found:
        message = "No index build, VACUUM or ANALYZE is going on in the way of the plan."
        yield answer(CHECK, "passed", message, sql=query("preflight_maintenance"))


def _meets(row: Row, wanted: dict[str, LockMode]) -> bool:
    mode = wanted.get(row["relation"])
    return mode is not None and mode.conflicts_with(_HELD.get(row["work"], LockMode.ACCESS_EXCLUSIVE))


def _writes_much(plan: Plan) -> bool:
    return any(moment.effects.rewrites or moment.effects.builds for moment in moments(plan))


def _in_the_way(row: Row, settings: Settings, patience: float) -> CheckResult:
    pid, relation = row["pid"], row["relation"]
    what = f"pid {pid} is at {'auto' if row['automatic'] else ''}{row['work']} of {relation} ({row['phase']})"
    cancel = f"SELECT pg_cancel_backend({pid});"
    sql = query("preflight_maintenance")
    if row["wraparound"]:
        message = f"{what} to prevent wraparound, and does not give way to anybody: the plan would wait for its end."
        remedy = f"Wait. It begins again when it is cancelled; VACUUM (FREEZE) {relation}; at a quiet hour comes first."
        return answer(CHECK, "blocked", message, subject=relation, remedy=remedy, sql=sql)
    if row["automatic"]:
        yields = f"It gives way to who waits for {duration(patience)} (deadlock_timeout)"
        short = f", and lock_timeout is {duration(settings.lock_timeout)}" if settings.lock_timeout <= patience else ""
        remedy = f"Wait, or as a superuser (18: with pg_signal_autovacuum_worker): {cancel}"
        return answer(CHECK, "warned", f"{what}. {yields}{short}.", subject=relation, remedy=remedy, sql=sql)
    if row["work"] in ("VACUUM", "ANALYZE"):
        message, remedy = f"{what}: the plan waits for its end.", f"Wait, or {cancel}"
        return answer(CHECK, "warned", message, subject=relation, remedy=remedy, sql=sql)
    message = f"{what}: the plan would wait for its end."
    return answer(CHECK, "blocked", message, subject=relation, remedy=f"Wait, or end it: {cancel}", sql=sql)


def _hidden(row: Row, role: str) -> CheckResult:
    return answer(
        CHECK,
        "unknown",
        f"pid {row['pid']} is at {row['work']}; of which relation is hidden from this role.",
        subject=f"pid {row['pid']}",
        remedy=f"GRANT pg_read_all_stats TO {role};",
        sql=query("preflight_maintenance"),
    )


def _base_backup(row: Row) -> CheckResult:
    message = f"pid {row['pid']} takes a base backup, and the plan rewrites or builds: it has to ship all that WAL too."
    remedy = "Wait for the backup; then it is also the newest one to go back to."
    return answer(CHECK, "warned", message, remedy=remedy, sql=query("preflight_maintenance"))
