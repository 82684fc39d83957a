"""Who holds, right now, what the plan will have to wait for?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.model.run import Blocker
from migsafe.postgres.locks import holders
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, reading
from migsafe.preflight.touched import locks
from migsafe.preflight.wording import session, some

CHECK = check(
    __name__,
    group="contention",
    why="While a lock request waits, everybody who comes after it waits too. A prepared transaction holds its locks "
    "until somebody ends it, over restarts, and shows in no list of sessions.",
    remedy="Wait until they are done; the run gives up after lock_timeout and tries again.",
)


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    wanted = locks(plan)
    if not wanted:
        return
    with reading(connection):
        found = holders(connection, wanted)
    sql = query("lock_holders")
    for gid in sorted({each.gid for each in found if each.gid}):
        yield _prepared(gid, [each for each in found if each.gid == gid], sql)
    for pid in dict.fromkeys(each.pid for each in found if not each.gid):
        yield _session([each for each in found if each.pid == pid and not each.gid], sql)
    if not found:
        names = some(lock.relation for lock in wanted)
        yield answer(CHECK, "passed", f"Nobody holds a lock in the way of the plan ({names}).", sql=sql)


def _held(blockers: list[Blocker]) -> str:
    return some(f"{each.mode} on {each.relation}" for each in blockers)


def _prepared(gid: str, blockers: list[Blocker], sql: str) -> CheckResult:
    quoted = gid.replace("'", "''")
    return answer(
        CHECK,
        "blocked",
        f"{session(blockers[0])} holds {_held(blockers)}, and will until it is ended.",
        subject=gid,
        remedy=f"Ask its transaction manager, then COMMIT PREPARED '{quoted}'; or ROLLBACK PREPARED '{quoted}';",
        sql=sql,
    )


def _session(blockers: list[Blocker], sql: str) -> CheckResult:
    granted = any(each.granted for each in blockers)
    query_text = next((each.query for each in blockers if each.query), None)
    return answer(
        CHECK,
        "warned",
        f"{session(blockers[0])} {'holds' if granted else 'waits for'} {_held(blockers)}.",
        subject=f"pid {blockers[0].pid}",
        remedy=f"Wait for it, or end it: SELECT pg_terminate_backend({blockers[0].pid});",
        evidence={"query": query_text} if query_text else {},
        sql=sql,
    )
