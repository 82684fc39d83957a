"""Does a replication slot keep WAL until the disk is full, or lose its place over what the plan writes?"""

from collections.abc import Iterator

from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.space import needed
from migsafe.preflight.wording import size
from migsafe.settings import Settings
from migsafe.sql.quote import literal

CHECK = check(
    __name__,
    group="replication",
    why="A slot keeps all WAL that its consumer has not read: what a migration writes stays on the disk. Where "
    "max_slot_wal_keep_size limits it, the slot is lost instead, and the consumer starts from nothing.",
    remedy="Start the consumer of the slot, or drop the slot if there is none any more.",
)


def run(
    *, connection: Connection, plan: Plan, settings: Settings, catalog: Catalog, **_: object
) -> Iterator[CheckResult]:
    if not plan.statements:
        return
    slots = ask(connection, "preflight_slots")
    if not slots:
        return
    wal = sum(item.wal for item in needed(connection, plan, catalog).items)
    found = [result for row in slots for result in judge(row, wal, settings.max_replica_lag)]
    yield from found
    if not found:
        most = max(row["retained"] or 0 for row in slots)
        names = ", ".join(row["name"] for row in slots)
        message = f"Replication slots ({names}) keep at most {size(most)} of WAL; the plan writes about {size(wal)}."
        yield answer(CHECK, "passed", message, sql=query("preflight_slots"))


def judge(row: Row, wal: int, limit: int) -> Iterator[CheckResult]:
    """What is wrong with a slot, when the plan writes `wal` bytes and `limit` is max_replica_lag."""
    name, kept = row["name"], size(row["retained"] or 0)
    consumer = f"{row['plugin']} in {row['database']}" if row["plugin"] else "physical"
    slot = f"Replication slot {name} ({consumer}, {'active' if row['active'] else 'nobody reads it'})"
    drop = f"SELECT pg_drop_replication_slot({literal(name)});"
    if row["status"] == "lost":
        message = f"{slot} is lost: WAL that its consumer needs is gone."
        yield _answer(row, "warned", message, f"Set the consumer up anew, after {drop}")
    elif row["safe"] is not None and row["safe"] < wal:
        left = size(row["safe"]) if row["safe"] > 0 else "nothing"
        message = f"{slot} would be lost: the plan writes about {size(wal)} of WAL, and {left} is left for it."
        remedy = f"Let the consumer catch up, raise max_slot_wal_keep_size, or give the slot up: {drop}"
        yield _answer(row, "blocked", message, remedy)
    elif row["status"] == "unreserved":
        message = f"{slot} may be lost at the next checkpoint: it keeps {kept}, more than max_slot_wal_keep_size."
        yield _answer(row, "warned", message, f"Let the consumer catch up, or give the slot up: {drop}")
    elif (row["retained"] or 0) > limit:
        message = f"{slot} keeps {kept} of WAL, and will keep what the plan writes (about {size(wal)})."
        remedy = f"Start its consumer and wait, or, if there is none any more: {drop}"
        yield _answer(row, "warned", message, remedy)


def _answer(row: Row, status: str, message: str, remedy: str) -> CheckResult:
    evidence = {key: str(row[key]) for key in ("status", "retained", "safe", "active")}
    return answer(
        CHECK,
        "blocked" if status == "blocked" else "warned",
        message,
        subject=row["name"],
        remedy=remedy,
        evidence=evidence,
        sql=query("preflight_slots"),
    )
