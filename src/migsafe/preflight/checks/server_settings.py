"""Does a timeout cut the migration off, or a search_path lead it astray: of the role, the database, the server?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import concurrently, moments
from migsafe.preflight.wording import duration, some
from migsafe.settings import Settings
from migsafe.sql.quote import identifier

# A revision that reads rows into Python and works on them leaves the server waiting in between.
IDLE_SECONDS = 60.0

CHECK = check(
    __name__,
    group="server",
    why="statement_timeout ends an index build or a rewrite half-way, and a CONCURRENTLY one leaves an invalid index; "
    "the idle and transaction timeouts end a revision that computes in Python between two statements. A search_path "
    "with a schema that is not there puts new tables into the next one.",
    remedy="ALTER ROLE … SET statement_timeout = 0 for the role that migrates.",
)


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    if not plan.statements:
        return
    role = identifier(connection.info.user)
    limits = {row["name"]: row for row in ask(connection, "preflight_timeouts") if row["milliseconds"] > 0}
    warned = [
        _limited(limits[name], why, role) for name, why in _harmed(limits, plan, settings).items() if name in limits
    ]
    warned += [_astray(row, role) for row in ask(connection, "preflight_search_path") if row["missing"]]
    yield from warned
    if not warned:
        shown = ", ".join(f"{name} {duration(row['milliseconds'] / 1000)}" for name, row in limits.items())
        yield answer(CHECK, "passed", f"No timeout cuts the plan off ({shown or 'none is set'}).")


def _harmed(limits: dict[str, Row], plan: Plan, settings: Settings) -> dict[str, str]:
    seconds = {name: row["milliseconds"] / 1000 for name, row in limits.items()}
    found: dict[str, str] = {}
    if concurrently(plan):
        found["statement_timeout"] = "a CONCURRENTLY statement that it ends leaves an invalid index"
    elif any(moment.now(name) for moment in moments(plan) for name in moment.effects.scans):
        found["statement_timeout"] = "the plan reads or rewrites whole tables"
    if seconds.get("idle_in_transaction_session_timeout", IDLE_SECONDS) < IDLE_SECONDS:
        found["idle_in_transaction_session_timeout"] = "a revision that computes in Python for that long is cut off"
    if seconds.get("transaction_timeout", settings.deadline) < settings.deadline:
        found["transaction_timeout"] = "every transaction is ended after that, whatever it does"
    return found


def _limited(row: Row, why: str, role: str) -> CheckResult:
    where = f"for the {row['set_for']}" if row["set_for"] else "in the server's configuration"
    return answer(
        CHECK,
        "warned",
        f"{row['name']} is {duration(row['milliseconds'] / 1000)} ({where}): {why}.",
        subject=row["name"],
        remedy=f"{_alter(row, role)} SET {row['name']} = 0; or set it in the revision.",
        evidence={row["name"]: f"{row['milliseconds']} ms"},
        sql=query("preflight_timeouts"),
    )


def _alter(row: Row, role: str) -> str:
    """What is set for a role in one database goes before what is set for the role."""
    database = f" IN DATABASE {identifier(row['database'])}" if row["set_for"] == "role in database" else ""
    return f"ALTER ROLE {role}{database}"


def _astray(row: Row, role: str) -> CheckResult:
    where = f"goes to {identifier(row['first'])}" if row["first"] else "has nowhere to go"
    schemas = "; ".join(f"CREATE SCHEMA {identifier(name)}" for name in row["missing"])
    return answer(
        CHECK,
        "warned",
        f"search_path is {row['path']} (for the {row['set_for']}), and {some(row['missing'])} is not there: "
        f"what is created without a schema {where}.",
        subject="search_path",
        remedy=f"{schemas}; or {_alter(row, role)} SET search_path = what the application uses.",
        evidence={"search_path": row["path"]},
        sql=query("preflight_search_path"),
    )
