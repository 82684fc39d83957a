"""Are there queries on the standby that the replay of an ACCESS EXCLUSIVE lock would cancel, or be held up by?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.locks import LockMode
from migsafe.model.plan import Plan
from migsafe.model.run import Blocker
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import locks
from migsafe.preflight.wording import duration, session, some
from migsafe.settings import Settings
from migsafe.sql.quote import identifier

CHECK = check(
    __name__,
    group="replication",
    why="ACCESS EXCLUSIVE is replayed on every hot standby: queries there that use the table are cancelled after "
    "max_standby_streaming_delay, or the whole replay waits for them.",
    remedy="Give the standby with --replica-url, so that its sessions can be looked at.",
    privilege="pg_read_all_stats",
)


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    exclusive = [lock.relation for lock in locks(plan) if lock.mode == LockMode.ACCESS_EXCLUSIVE]
    if not exclusive:
        return
    if settings.replica_url is not None:
        with connect(Database.from_url(settings.replica_url), read_only=True) as replica:
            yield from _on_standby(replica, exclusive, settings)
        return
    count = len(ask(connection, "preflight_replicas"))
    if count:
        them = "its sessions" if count == 1 else "their sessions"
        message = f"{count} standby{'s' * (count != 1)} will replay ACCESS EXCLUSIVE on {some(exclusive)}; {them} are "
        message += "not seen from here."
        yield answer(CHECK, "unknown", message, sql=query("preflight_standby"))


def _on_standby(replica: Connection, exclusive: list[str], settings: Settings) -> Iterator[CheckResult]:
    row, sql = ask(replica, "preflight_standby")[0], query("preflight_standby_sessions")
    where, role = f"{replica.info.host}:{replica.info.port}", identifier(replica.info.user)
    evidence = {"max_standby_streaming_delay": f"{row['delay']} ms", "hot_standby_feedback": row["feedback"]}
    evidence["queries cancelled for locks so far"] = str(row["conflicts"])
    if not row["in_recovery"]:
        message = f"replica_url ({where}) is no standby: it says nothing about those that replay our locks."
        yield answer(CHECK, "unknown", message, remedy="Name a standby with --replica-url.", evidence=evidence)
        return
    if row["masked"]:
        message = f"{role} may not see what the sessions on the standby {where} do."
        remedy = f"GRANT pg_read_all_stats TO {role}; on the primary."
        yield answer(CHECK, "unknown", message, remedy=remedy, evidence=evidence, sql=sql)
        return
    old = ask(replica, "preflight_standby_sessions", seconds=settings.max_transaction_age)
    yield from (_in_the_way(each, row, where, exclusive, evidence) for each in old)
    if not old:
        message = f"No transaction on the standby {where} is older than {duration(settings.max_transaction_age)}."
        yield answer(CHECK, "passed", message, evidence=evidence, sql=sql)


def _in_the_way(each: Row, standby: Row, where: str, exclusive: list[str], evidence: dict[str, str]) -> CheckResult:
    who = session(
        Blocker(
            pid=each["pid"], user=each["user"], application=each["application"], state=each["state"], age=each["age"]
        )
    )
    if standby["delay"] < 0:
        fate = "replay there, and with it all data, waits until it ends"
    else:
        fate = f"it is cancelled {duration(standby['delay'] / 1000)} after replay gets there"
    return answer(
        CHECK,
        "warned",
        f"On the standby {where}: {who}. If it uses {some(exclusive)}, {fate}.",
        subject=f"pid {each['pid']}",
        remedy=f"Wait for it, or on the standby: SELECT pg_terminate_backend({each['pid']});",
        evidence=evidence,
        sql=query("preflight_standby_sessions"),
    )
