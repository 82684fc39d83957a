"""Is the server new enough, and free of the bug that corrupts concurrent builds?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, ask
from migsafe.preflight.touched import concurrently
from migsafe.preflight.versions import wanted
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="server",
    why="A team that says min_postgres tests on no older one. PostgreSQL 14.0 to 14.3 may corrupt an index that is "
    "built or rebuilt CONCURRENTLY (release notes of 14.4).",
    remedy="Upgrade the server, or lower min_postgres if you test on this version.",
)


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    minimum = wanted(settings.min_postgres, "min_postgres")
    server = ask(connection, "preflight_server")[0]
    yield of_version(server["number"], minimum, settings.min_postgres, bool(concurrently(plan)))


def of_version(number: int, minimum: tuple[int, ...], text: str, concurrent: bool) -> CheckResult:
    """The answer for a server_version_num such as 160002; `minimum` is `text` as numbers."""
    version = (number // 10000, number % 10000)
    shown = f"{version[0]}.{version[1]}"
    evidence = {"server_version_num": str(number), "min_postgres": text}
    if version < minimum:
        return answer(CHECK, "blocked", f"PostgreSQL {shown} is older than min_postgres, {text}.", evidence=evidence)
    if concurrent and (14, 0) <= version < (14, 4):
        return answer(
            CHECK,
            "blocked",
            f"PostgreSQL {shown} may corrupt the index that the plan builds CONCURRENTLY.",
            remedy="Update the server to 14.4 or later first; it is a restart, not a migration.",
            evidence=evidence,
        )
    return answer(CHECK, "passed", f"PostgreSQL {shown}; at least {text} is wanted.", evidence=evidence)
