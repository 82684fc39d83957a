"""Is the server new enough, free of the bug that corrupts concurrent builds, and still mended?"""

import datetime
from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, ask
from migsafe.preflight.touched import concurrently
from migsafe.preflight.versions import wanted
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="server",
    why="A team that says min_postgres tests on no older one. PostgreSQL 14.0 to 14.3 may corrupt an index that is "
    "built or rebuilt CONCURRENTLY (release notes of 14.4). A version that is no longer supported gets no such fix.",
    remedy="Upgrade the server, or lower min_postgres if you test on this version.",
)

# Final releases, https://www.postgresql.org/support/versioning/
END_OF_LIFE = {
    14: datetime.date(2026, 11, 12),
    15: datetime.date(2027, 11, 11),
    16: datetime.date(2028, 11, 9),
    17: datetime.date(2029, 11, 8),
    18: datetime.date(2030, 11, 14),
}


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    minimum = wanted(settings.min_postgres, "min_postgres")
    server = ask(connection, "preflight_server")[0]
    today = datetime.datetime.now(datetime.UTC).date()
    yield of_version(server["number"], minimum, settings.min_postgres, bool(concurrently(plan)), today)


def of_version(number: int, minimum: tuple[int, ...], text: str, concurrent: bool, today: datetime.date) -> CheckResult:
    """The answer for a server_version_num such as 160002; `minimum` is `text` as numbers."""
    version = (number // 10000, number % 10000)
    shown = f"{version[0]}.{version[1]}"
    evidence = {"server_version_num": str(number), "min_postgres": text}
    sql = query("preflight_server")
    if version < minimum:
        message = f"PostgreSQL {shown} is older than min_postgres, {text}."
        return answer(CHECK, "blocked", message, evidence=evidence, sql=sql)
    if concurrent and (14, 0) <= version < (14, 4):
        return answer(
            CHECK,
            "blocked",
            f"PostgreSQL {shown} may corrupt the index that the plan builds CONCURRENTLY.",
            remedy="Update the server to 14.4 or later first; it is a restart, not a migration.",
            evidence=evidence,
            sql=sql,
        )
    end = END_OF_LIFE.get(version[0])
    if end is not None and end < today:
        message = f"PostgreSQL {version[0]} had its last release on {end}: faults in {shown} are not mended any more."
        remedy = f"Plan the upgrade to a later major version; PostgreSQL {max(END_OF_LIFE)} is supported for longest."
        return answer(CHECK, "warned", message, remedy=remedy, evidence=evidence, sql=sql)
    return answer(CHECK, "passed", f"PostgreSQL {shown}; at least {text} is wanted.", evidence=evidence, sql=sql)
