"""Does the plan change tables that a subscription fills from another server?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, ask
from migsafe.preflight.reshaped import reshaped
from migsafe.preflight.touched import strong_locks
from migsafe.preflight.wording import some
from migsafe.sql.quote import identifier

CHECK = check(
    __name__,
    group="replication",
    why="The rows of such a table come from another server: its apply worker holds locks on it, waits behind ours, and "
    "stops with an error where the columns do not fit any more.",
    remedy="ALTER SUBSCRIPTION … DISABLE for the time of the upgrade, and make the change on the publisher too.",
)


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    changes = tuple(reshaped(plan))
    names = sorted({lock.relation for lock in strong_locks(plan)} | {each.relation for each in changes})
    if not names:
        return
    for row in ask(connection, "preflight_subscribed", relations=names):
        what = some(f"{each.label} ({each.place})" for each in changes if each.relation == row["relation"])
        name = identifier(row["subscription"])
        running = "running" if row["running"] else "not running now"
        message = f"Subscription {row['subscription']} ({running}) fills {row['relation']} from another server"
        message += f", which does not know of the change: {what}." if what else ", and waits while the plan locks it."
        yield answer(
            CHECK,
            "warned",
            message,
            subject=row["relation"],
            remedy=f"ALTER SUBSCRIPTION {name} DISABLE; upgrade here and on the publisher; then "
            f"ALTER SUBSCRIPTION {name} ENABLE;",
            sql=query("preflight_subscribed"),
        )
