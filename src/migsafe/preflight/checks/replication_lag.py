"""Are the replicas already behind, before the plan writes more?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.wording import duration, size
from migsafe.settings import Settings
from migsafe.sql.quote import identifier

CHECK = check(
    __name__,
    group="replication",
    why="A rewrite or an index build is replayed in full on each replica. One that is behind falls further behind: "
    "readers there see old data, and a failover loses it.",
    remedy="Wait until the replicas have caught up, or raise max_replica_lag.",
    privilege="pg_read_all_stats",
)


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    if not plan.statements:
        return
    replicas = ask(connection, "preflight_replicas")
    masked = [row for row in replicas if row["state"] is None]
    if masked:
        yield _unseen(masked, identifier(connection.info.user))
    behind = [row for row in replicas if row["bytes"] is not None and row["bytes"] > settings.max_replica_lag]
    yield from (_behind(row, settings.max_replica_lag) for row in behind)
    seen = [row for row in replicas if row["bytes"] is not None]
    if seen and not behind:
        message = f"{_number(len(seen))} at most {size(seen[0]['bytes'])} behind."
        yield answer(CHECK, "passed", message, evidence=_evidence(seen), sql=query("preflight_replicas"))


def _number(count: int) -> str:
    return "1 replica is" if count == 1 else f"{count} replicas are"


def _unseen(masked: list[Row], role: str) -> CheckResult:
    names = ", ".join(row["application"] or f"pid {row['pid']}" for row in masked)
    message = f"Replicas are connected ({names}), and {role} may not see how far behind they are."
    remedy = f"GRANT pg_read_all_stats TO {role};"
    return answer(CHECK, "unknown", message, remedy=remedy, sql=query("preflight_replicas"))


def _behind(row: Row, limit: int) -> CheckResult:
    name = row["application"] or f"pid {row['pid']}"
    since = f", {duration(row['seconds'])}" if row["seconds"] is not None else ""
    message = (
        f"Replica {name} ({row['state']}) is {size(row['bytes'])}{since} behind; max_replica_lag is {size(limit)}."
    )
    remedy = "Wait until it has caught up. On the replica: SELECT pg_is_wal_replay_paused(), and look for queries that "
    remedy += "hold up replay."
    sql = query("preflight_replicas")
    return answer(CHECK, "warned", message, subject=name, remedy=remedy, evidence=_evidence([row]), sql=sql)


def _evidence(rows: list[Row]) -> dict[str, str]:
    return {f"{row['application']} ({row['pid']})": f"{row['bytes']} bytes, {row['sync_state']}" for row in rows}
