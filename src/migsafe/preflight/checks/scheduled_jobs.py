"""Does pg_cron start a job while the upgrade may be running?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.cron import is_due
from migsafe.preflight.touched import moments
from migsafe.preflight.wording import duration, some
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="contention",
    why="A job that starts half-way finds a schema that is half-way too, and holds locks that the migration wants.",
    remedy="Start when it is through, or suspend it: SELECT cron.alter_job(ID, active := false);",
    privilege="SELECT ON cron.job",
)


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    if not any(moments(plan)) or not ask(connection, "preflight_cron_there")[0]["there"]:
        return
    rows = ask(connection, "preflight_cron")
    sql = query("preflight_cron")
    window = duration(settings.deadline)
    jobs = [row for row in rows if row["id"] is not None]
    due = [row for row in jobs if is_due(row["schedule"], row["now"], settings.deadline) is not False]
    if due:
        ends = " ".join(f"SELECT cron.alter_job({row['id']}, active := false);" for row in due[:5])
        message = f"pg_cron starts within {window} (deadline): {some(_job(row) for row in due)}."
        remedy = f"Start when they are through, or suspend them, and put them back after: {ends}"
        yield answer(CHECK, "warned", message, remedy=remedy, sql=sql)
    if rows[0]["filtered"]:
        message = "pg_cron shows this role only its own jobs; those of others may start at any time."
        remedy = f"ALTER ROLE {connection.info.user} BYPASSRLS; or look as a superuser: SELECT * FROM cron.job;"
        yield answer(CHECK, "unknown", message, remedy=remedy, sql=sql)
    elif not due:
        yield answer(CHECK, "passed", f"None of {len(jobs)} jobs of pg_cron starts within {window}.", sql=sql)


def _job(row: Row) -> str:
    name = f" {row['name']}" if row["name"] else ""
    return f"job {row['id']}{name} ({row['schedule']})"
