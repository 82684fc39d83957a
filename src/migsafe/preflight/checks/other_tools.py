"""Is a dump, a repack or another migration tool at work on this database?"""

from collections.abc import Iterator

import msgspec

from migsafe.model.checks import CheckResult
from migsafe.model.locks import LockMode
from migsafe.model.plan import Plan
from migsafe.model.run import Blocker
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import concurrently, locks
from migsafe.preflight.wording import session, some

CHECK = check(
    __name__,
    group="contention",
    why="pg_dump keeps a lock on every table and one snapshot until its end, which every ALTER TABLE and every "
    "concurrent build waits for; two migration tools at once change a schema that neither expects.",
    remedy="Wait until it is done.",
)

# What the tools call themselves in application_name; an underscore stands for any one character.
TOOLS = (
    "pg_dump%",
    "pg_restore%",
    "pg_repack%",
    "pg_squeeze%",
    "pgroll%",
    "%alembic%",
    "%flyway%",
    "%liquibase%",
    "%sqitch%",
    "migsafe backup%",
)
# They stay connected for good, and are worth a word only while they stand in the way.
STANDING = ("%debezium%", "pg_cron%")


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    builds = bool(concurrently(plan))
    conflicts = [
        (lock.relation, mode.value) for lock in locks(plan) for mode in LockMode if mode.conflicts_with(lock.mode)
    ]
    if not conflicts and not builds:
        return
    relations, modes = [relation for relation, _ in conflicts], [mode for _, mode in conflicts]
    names = {"names": [*TOOLS, *STANDING], "standing": list(STANDING)}
    rows = ask(connection, "preflight_tools", **names, relations=relations, modes=modes)
    found = [each for row in rows if (each := _answer(row, builds)) is not None]
    yield from found
    if not found:
        message = "No dump, repack or other migration tool is connected by the name that it gives itself."
        yield answer(CHECK, "passed", message, sql=query("preflight_tools"))


def _answer(row: Row, builds: bool) -> CheckResult | None:
    blocker = msgspec.convert({name: row[name] for name in ("pid", "application", "user", "state", "age")}, Blocker)
    holds = f"holds {some(row['holds'])}" if row["holds"] else ""
    waits = "has a snapshot, which the concurrent build waits for" if builds and row["has_snapshot"] else ""
    reasons = " and ".join(part for part in (holds, waits) if part)
    if row["standing"] and not reasons:
        return None
    message = f"{session(blocker)} is connected to this database{f': it {reasons}' if reasons else ''}."
    return answer(
        CHECK,
        "blocked" if reasons else "warned",
        message,
        subject=f"pid {blocker.pid}",
        remedy=f"Wait until {blocker.application} is done, or end it: SELECT pg_terminate_backend({blocker.pid});",
        sql=query("preflight_tools"),
    )
