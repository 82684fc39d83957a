"""Has an earlier build left an index that every write pays for and no query uses?"""

import re
from collections.abc import Iterator

from migsafe.model.catalog import Index
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.resumed import half_done
from migsafe.preflight.touched import locks, moments
from migsafe.preflight.wording import some
from migsafe.sql.quote import qualified

# What REINDEX CONCURRENTLY calls the new index while it builds it, and the old one until it has dropped it.
_COPY = re.compile(r"_cc(?:new|old)\d*$")

CHECK = check(
    __name__,
    group="schema",
    why="A concurrent build that failed leaves an invalid index: writes still maintain it, no query uses it, a second "
    "CREATE INDEX of the name fails, and with IF NOT EXISTS it reports success on the dead index.",
    remedy="DROP INDEX CONCURRENTLY …, outside of a transaction.",
    privilege="pg_read_all_stats",
)


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    planned = _planned(plan)
    relations = sorted(lock.relation for lock in locks(plan))
    if not planned and not relations:
        return
    rows = ask(connection, "preflight_invalid_indexes", indexes=sorted(planned), relations=relations)
    resumed = half_done(connection, plan) if rows else frozenset()
    dropped = {drop.name for statement in plan.statements for drop in statement.effects.drops}
    found = [row for row in rows if row["index"] not in dropped]
    rebuilt = _rebuilt(plan)
    for row in found:
        copy = rebuilt.get(row["relation"]) if _COPY.search(row["index"]) else None
        yield _answer(row, planned.get(row["index"], copy), resumed, connection.info.user)
    if not found:
        names = some([*relations, *planned])
        sql = query("preflight_invalid_indexes")
        yield answer(CHECK, "passed", f"No invalid index is in the way ({names}).", sql=sql)


def _planned(plan: Plan) -> dict[str, str | None]:
    """The revision of every index that the plan creates, by name."""
    return {
        made.name: moment.statement.revision
        for moment in moments(plan)
        for made in moment.effects.creates
        if isinstance(made, Index)
    }


def _rebuilt(plan: Plan) -> dict[str, str | None]:
    """The revision that rebuilds the indexes of a table concurrently, by table."""
    return {
        build.table: moment.statement.revision
        for moment in moments(plan)
        if moment.effects.command == "REINDEX"
        for build in moment.effects.builds
        if build.concurrently
    }


def _answer(row: Row, revision: str | None, resumed: frozenset[str], role: str) -> CheckResult:
    index, relation = qualified(row["index"]), row["relation"]
    drop = f"DROP INDEX CONCURRENTLY {index};"
    sql = query("preflight_invalid_indexes")
    if revision is not None and revision in resumed and row["builder"] is not None:
        message = (
            f"{index} on {relation} is still being built by pid {row['builder']}: an earlier run of {revision} "
            "was cut off, and the server goes on."
        )
        remedy = f"Nothing to do: upgrade waits for it. To end it: SELECT pg_cancel_backend({row['builder']});"
        return answer(CHECK, "warned", message, subject=index, remedy=remedy, sql=sql)
    if row["builder"] is not None:
        message = f"{index} on {relation} is being built by pid {row['builder']}."
        return answer(CHECK, "blocked", message, subject=index, remedy="Wait until the build is done.", sql=sql)
    if row["unseen_builds"]:
        message = f"{index} on {relation} is invalid: its build died, or is running where this role cannot see it."
        remedy = f"GRANT pg_read_all_stats TO {role}; then, if it died: {drop}"
        return answer(CHECK, "unknown", message, subject=index, remedy=remedy, sql=sql)
    if row["partitioned"]:
        message = f"{index} on {relation} is invalid: an index of one of the partitions is missing."
        remedy = f"Build the missing one and ALTER INDEX {index} ATTACH PARTITION …, or DROP INDEX {index};"
        return answer(CHECK, "warned", message, subject=index, remedy=remedy, sql=sql)
    if revision is not None and revision in resumed:
        message = f"{index} is invalid: an earlier run of revision {revision} was cut off; this one builds it again."
        return answer(CHECK, "warned", message, subject=index, remedy="Nothing to do: run upgrade.", sql=sql)
    message = f"{index} on {relation} is invalid: a build failed, every write still pays for it, no query uses it."
    return answer(CHECK, "blocked", message, subject=index, remedy=drop, sql=sql)
