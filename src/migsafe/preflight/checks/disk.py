"""Does what the plan writes fit on the server's disk?"""

from collections.abc import Iterator

from psycopg import errors

from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection
from migsafe.preflight.free import Free, free
from migsafe.preflight.space import Space, needed
from migsafe.preflight.wording import size, some
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="space",
    why="A rewrite needs the table and its indexes a second time, an index build its sort files, and both their WAL; "
    "a full disk stops the server, not only the migration.",
    remedy="Free space or enlarge the disk before the upgrade.",
    privilege="pg_read_all_settings",
)

# Estimates are estimates: rows come while the build runs.
MARGIN = 1.3


def run(
    *, connection: Connection, plan: Plan, settings: Settings, catalog: Catalog, **_: object
) -> Iterator[CheckResult]:
    space = needed(connection, plan, catalog)
    if space.missing:
        message = f"The plan writes much to {some(space.missing)}, which is not there to be measured."
        yield answer(CHECK, "unknown", message, remedy="Is an earlier revision missing? Otherwise the revision fails.")
    if space.items:
        yield judge(space, _free(connection, settings, space), settings)


def _free(connection: Connection, settings: Settings, space: Space) -> Free:
    try:
        return free(connection, settings, space.tablespaces)
    except errors.InsufficientPrivilege:
        return Free(
            None,
            "data_directory is hidden from this role",
            f"GRANT {CHECK.privilege} TO {connection.info.user}; if the server runs on this machine; otherwise set "
            "disk_command (a command that prints the free bytes) or declared_free.",
        )


def judge(space: Space, known: Free, settings: Settings) -> CheckResult:
    """The answer for what is needed and what is free."""
    wanted = round(space.bytes * MARGIN) + settings.min_free
    parts = some((f"{item.what} {size(item.bytes)}" for item in space.items), at_most=4)
    plan_needs = f"The plan needs up to {size(space.bytes)} ({parts})"
    evidence = {
        "needed": str(space.bytes),
        "wanted with margin": str(wanted),
        "free": str(known.bytes),
        "from": known.source,
    }
    sql = query("preflight_sizes")
    if known.bytes is None:
        message = f"{plan_needs}; what is free is not known: {known.source}."
        return answer(CHECK, "unknown", message, remedy=known.remedy, evidence=evidence, sql=sql)
    rule = f"{size(wanted)} with a margin of 30 % and min_free"
    if known.bytes < wanted:
        message = f"{plan_needs}; {size(known.bytes)} are free, less than {rule}."
        remedy = f"Free or add {size(wanted - known.bytes)} on the server's disk."
        return answer(CHECK, "blocked", message, remedy=remedy, evidence=evidence, sql=sql)
    return answer(
        CHECK, "passed", f"{plan_needs}; {size(known.bytes)} are free, {rule} are wanted.", evidence=evidence, sql=sql
    )
