"""Are there connections left for the run?"""

from collections.abc import Iterator
from typing import Literal

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.settings import Settings
from migsafe.sql.quote import identifier

CHECK = check(
    __name__,
    group="server",
    why="A run has its own connection, that of env.py and a watchdog, and pg_dump one for each job. Where they are "
    "refused in the middle, the application's are refused too.",
    remedy="End idle sessions or raise max_connections (a restart); run when there is less traffic.",
    privilege="pg_read_all_stats",
)

# env.py's, the watchdog's, and one beside ours for verification.
NEEDED = 3


def run(
    *,
    connection: Connection,
    plan: Plan,
    settings: Settings,
    backup_kind: Literal["dump", "evidence", "none"] = "dump",
    **_: object,
) -> Iterator[CheckResult]:
    if plan.statements:
        jobs = settings.backup_jobs + 1 if backup_kind == "dump" else 0
        yield judge(ask(connection, "preflight_connections")[0], jobs)


def judge(row: Row, jobs: int) -> CheckResult:
    """The answer for a row of the query; pg_dump takes `jobs` connections."""
    room = {f"max_connections ({row['maximum']}, {row['reserved']} of them reserved)": _room(row)}
    if row["role_limit"] >= 0 and not row["superuser"]:
        room[f"the limit of role {row['role']} ({row['role_limit']})"] = row["role_limit"] - row["used_by_role"]
    if row["database_limit"] >= 0 and not row["superuser"]:
        left = row["database_limit"] - row["used_in_database"]
        room[f"the limit of database {row['database']} ({row['database_limit']})"] = left
    limit, free = min(room.items(), key=lambda item: item[1])
    evidence = {name: f"{left} free" for name, left in room.items()}
    sql = query("preflight_connections")
    if free >= NEEDED + jobs:
        return answer(CHECK, "passed", f"{free} connections are free under {limit}.", evidence=evidence, sql=sql)
    few = f"{max(free, 0)} connections are free under {limit}"
    if free < NEEDED <= free + row["unseen"] and not limit.startswith("the limit of role"):
        role = identifier(row["role"])
        message = f"{few}, if all {row['unseen']} sessions that {role} cannot see are connections; {NEEDED} are needed."
        remedy = f"GRANT pg_read_all_stats TO {role};"
        return answer(CHECK, "unknown", message, remedy=remedy, evidence=evidence, sql=sql)
    if free < NEEDED:
        message = f"{few}; a run needs {NEEDED}."
        return answer(CHECK, "blocked", message, remedy=_remedy(row, limit), evidence=evidence, sql=sql)
    message = f"{few}; a run needs {NEEDED}, and its backup {jobs} with backup_jobs = {jobs - 1}."
    remedy = f"Lower backup_jobs to {max(free - NEEDED - 1, 1)}. {_remedy(row, limit)}"
    return answer(CHECK, "warned", message, remedy=remedy, evidence=evidence, sql=sql)


def _room(row: Row) -> int:
    return int(row["maximum"] - row["reserved"] - row["used"])


def _remedy(row: Row, limit: str) -> str:
    if limit.startswith("the limit of role"):
        return f"ALTER ROLE {identifier(row['role'])} CONNECTION LIMIT -1;"
    if limit.startswith("the limit of database"):
        return f"ALTER DATABASE {identifier(row['database'])} CONNECTION LIMIT -1;"
    return CHECK.remedy
