"""Can this role see what other sessions do?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, ask
from migsafe.preflight.providers import recognised
from migsafe.settings import Settings
from migsafe.sql.quote import identifier

CHECK = check(
    __name__,
    group="privileges",
    why="Long transactions, load, replicas and index builds of other roles are hidden from a role without "
    "pg_read_all_stats: what looks quiet may be only masked.",
    remedy="GRANT pg_read_all_stats to the role that migrates.",
    privilege="pg_read_all_stats",
)


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    if not plan.statements:
        return
    row, sql = ask(connection, "preflight_visibility")[0], query("preflight_visibility")
    evidence = {"other sessions in this database": str(row["sessions"]), "masked": str(row["masked"])}
    role = identifier(connection.info.user)
    if not row["all"]:
        known = recognised(connection, settings)
        admin = f" (as {known.provider.admin})" if known and known.provider.admin else ""
        message = f"{role} cannot see what other roles' sessions do: {row['masked']} of {row['sessions']} are masked."
        remedy = f"GRANT pg_read_all_stats TO {role};{admin}"
        yield answer(CHECK, "unknown", message, remedy=remedy, evidence=evidence, sql=sql)
    elif row["disabled"]:
        message = f"track_activities is off for {row['disabled']} of {row['sessions']} sessions: nobody can see them."
        remedy = "ALTER SYSTEM SET track_activities = on; SELECT pg_reload_conf();"
        yield answer(CHECK, "unknown", message, remedy=remedy, evidence=evidence, sql=sql)
    else:
        message = f"{role} sees what every session does ({row['sessions']} others in this database)."
        yield answer(CHECK, "passed", message, evidence=evidence, sql=sql)
