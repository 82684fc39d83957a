"""Do this machine and the server agree on what time it is?"""

import time
from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, ask
from migsafe.preflight.wording import duration

CHECK = check(
    __name__,
    group="server",
    why="The age of a backup, and the time to which a database is to be restored, are compared across machines: with "
    "clocks apart, a restore ends before the migration or after it.",
    remedy="Set the clock of the machine that is wrong (timedatectl, chronyc tracking).",
)

TOLERANCE = 5.0


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    if not plan.statements:
        return
    before = time.time()
    server = ask(connection, "preflight_clock")[0]["now"]
    yield judge(before, server, time.time())


def judge(before: float, server: float, after: float) -> CheckResult:
    """The answer for the server's time, asked between two times of this machine; seconds since 1970."""
    apart = max(before - server, server - after, 0.0)
    evidence = {"server minus this machine": f"{server - (before + after) / 2:+.3f} s"}
    sql = query("preflight_clock")
    if apart <= TOLERANCE:
        message = f"The clocks agree to {duration(max(apart, after - before, 0.1))}."
        return answer(CHECK, "passed", message, evidence=evidence, sql=sql)
    way = "ahead of" if server > after else "behind"
    message = f"The server's clock is {duration(apart)} {way} this machine's."
    return answer(CHECK, "warned", message, evidence=evidence, sql=sql)
