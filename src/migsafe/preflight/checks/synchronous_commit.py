"""Would a commit wait for a standby that is not there?"""

import re
from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.sql.quote import identifier

CHECK = check(
    __name__,
    group="replication",
    why="With synchronous_standby_names set, a commit waits until enough standbys answer, without a limit: the "
    "migration hangs at its COMMIT with all its locks held.",
    remedy="Bring the standby back, or take it off the list: ALTER SYSTEM SET synchronous_standby_names = ''; "
    "SELECT pg_reload_conf();",
    privilege="pg_read_all_stats",
)

# Commits with these do not wait for a standby (manual, section 19.5.1).
_NOT_WAITING = ("off", "local")


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    if not plan.statements:
        return
    row = ask(connection, "preflight_synchronous")[0]
    if row["names"].strip():
        yield judge(row, identifier(connection.info.user))


def judge(row: Row, role: str) -> CheckResult:
    """The answer for a row of the query, where synchronous_standby_names is set."""
    wanted, sql = required(row["names"]), query("preflight_synchronous")
    evidence = {
        "synchronous_standby_names": row["names"],
        "synchronous_commit": row["commit"],
        "connected": str(row["connected"]),
        "synchronous": str(row["present"]),
    }
    asks = f"synchronous_standby_names ({row['names']}) asks for {wanted}"
    if row["commit"] in _NOT_WAITING:
        message = f"{asks}, and commits do not wait: synchronous_commit is {row['commit']}."
        return answer(CHECK, "passed", message, evidence=evidence, sql=sql)
    if row["connected"] < wanted or (not row["masked"] and row["present"] < wanted):
        seen = min(row["present"], row["connected"])
        message = f"Every commit would hang: {asks}, and {seen} of them {'is' if seen == 1 else 'are'} connected."
        return answer(CHECK, "blocked", message, evidence=evidence, sql=sql)
    if row["masked"]:
        message = f"{asks}, and {role} may not see whether the {row['connected']} that are connected are these."
        remedy = f"GRANT pg_read_all_stats TO {role};"
        return answer(CHECK, "unknown", message, remedy=remedy, evidence=evidence, sql=sql)
    message = f"{asks}, and {row['present']} synchronous {'is' if row['present'] == 1 else 'are'} connected."
    return answer(CHECK, "passed", message, evidence=evidence, sql=sql)


def required(names: str) -> int:
    """How many standbys a commit waits for: `FIRST 2 (a, b)`, `ANY 1 (a, b)`, `2 (a, b)`, or a list, which means 1."""
    match = re.match(r"\s*(?:(?:first|any)\s+)?(\d+)\s*\(", names, re.IGNORECASE)
    return int(match[1]) if match else 1
