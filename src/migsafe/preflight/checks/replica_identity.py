"""Can the rows that the plan updates or deletes be named to the subscribers?"""

from collections.abc import Iterator

from migsafe.model.catalog import Constraint
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import moments
from migsafe.preflight.wording import some
from migsafe.sql.quote import qualified

CHECK = check(
    __name__,
    group="replication",
    why="On a published table without primary key or replica identity every UPDATE and DELETE fails (SQLSTATE "
    "55000), a backfill with the first row.",
    remedy="Give the table a primary key, or ALTER TABLE … REPLICA IDENTITY FULL.",
)

_COMMANDS = {"UPDATE": ("updates",), "DELETE": ("deletes",), "MERGE": ("updates", "deletes")}


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    written = _written(plan)
    if not written:
        return
    names = sorted(written)
    published = ask(connection, "preflight_published", relations=names)
    affected = {row["relation"]: row for row in published if any(row[kind] for kind in written[row["relation"]][0])}
    if not affected:
        return
    lacking = ask(connection, "preflight_replica_identity", relations=sorted(affected))
    for row in lacking:
        yield _without(row, affected[row["relation"]]["publication"], written[row["relation"]][1])
    if not lacking:
        message = f"Published tables that the plan writes to have a replica identity: {some(affected)}."
        yield answer(CHECK, "passed", message, sql=query("preflight_replica_identity"))


def _written(plan: Plan) -> dict[str, tuple[tuple[str, ...], str]]:
    """Kinds of changes and the place of the first, by relation of now, as long as the plan gives it no identity."""
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    given: set[str] = set()
    for moment in moments(plan):
        effects = moment.effects
        for write in effects.writes:
            name = moment.now(write.relation)
            if name is not None and name not in given and write.command in _COMMANDS:
                kinds, place = found.get(name, ((), moment.statement.place))
                found[name] = (kinds + _COMMANDS[write.command], place)
        keys = [
            each.relation for each in effects.creates if isinstance(each, Constraint) and each.kind == "primary key"
        ]
        keys += [each.of for each in effects.actions if each.kind == "replica identity" and each.of is not None]
        given |= {name for name in map(moment.now, keys) if name is not None}
    return found


def _without(row: Row, publication: str, place: str) -> CheckResult:
    why = {"n": "its replica identity is NOTHING", "d": "it has no primary key"}
    said = why.get(row["identity"], "the index of its replica identity is gone")
    table = qualified(row["table"])
    return answer(
        CHECK,
        "blocked",
        f"{place} fails with SQLSTATE 55000: {row['table']} is published by {publication}, and {said}.",
        subject=row["table"],
        remedy=f"ALTER TABLE {table} REPLICA IDENTITY FULL; or give it a primary key, before these rows are changed.",
        sql=query("preflight_replica_identity"),
    )
