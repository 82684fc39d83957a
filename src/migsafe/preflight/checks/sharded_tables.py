"""Is a table of the plan one of TimescaleDB or Citus, which stands for many?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import locks, moments, strong_locks
from migsafe.preflight.wording import some
from migsafe.sql.quote import qualified

CHECK = check(
    __name__,
    group="schema",
    why="A hypertable takes no CREATE INDEX CONCURRENTLY, and few kinds of ALTER TABLE while chunks are compressed; on "
    "a distributed table DDL goes to every node, in a transaction that each of them prepares.",
    remedy="See the manual of TimescaleDB or Citus for what the statement does there, and try it on a copy.",
    privilege="SELECT ON the catalog of TimescaleDB or Citus",
)


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    relations = sorted(lock.relation for lock in locks(plan))
    if not relations:
        return
    there = ask(connection, "preflight_sharding")[0]
    strong = {lock.relation for lock in strong_locks(plan)}
    builds = {
        moment.now(build.table) for moment in moments(plan) for build in moment.effects.builds if build.concurrently
    }
    if there["timescale"]:
        for row in ask(connection, "preflight_hypertables", relations=relations):
            yield from _hypertable(row, row["relation"] in strong, row["relation"] in builds)
    if there["citus"]:
        names = [row["relation"] for row in ask(connection, "preflight_distributed", relations=relations)]
        if set(names) & (strong | builds):
            yield _distributed([name for name in names if name in strong | builds])


def _hypertable(row: Row, strong: bool, builds: bool) -> Iterator[CheckResult]:
    relation, sql = row["relation"], query("preflight_hypertables")
    if builds:
        message = f"{relation} is a hypertable of {row['chunks']} chunks: it takes no CREATE INDEX CONCURRENTLY."
        remedy = f"CREATE INDEX … ON {qualified(relation)} (…) WITH (timescaledb.transaction_per_chunk);"
        yield answer(CHECK, "blocked", message, subject=relation, remedy=remedy, sql=sql)
    if strong and row["compressed"]:
        message = f"{relation} is a hypertable with compression: many kinds of ALTER TABLE fail on compressed chunks."
        remedy = "Try it on a copy; otherwise decompress_chunk() first, and stop the compression policy meanwhile."
        yield answer(CHECK, "warned", message, subject=relation, remedy=remedy, sql=sql)
    elif strong:
        message = f"{relation} is a hypertable: the plan locks and changes its {row['chunks']} chunks too."
        yield answer(CHECK, "warned", message, subject=relation, sql=sql)


def _distributed(names: list[str]) -> CheckResult:
    message = f"{some(names)} is distributed by Citus: the DDL runs on every node, and each has to be up to prepare it."
    remedy = "SELECT * FROM citus_check_cluster_node_health(); and max_prepared_transactions above 0 on every node."
    return answer(CHECK, "warned", message, subject=names[0], remedy=remedy, sql=query("preflight_distributed"))
