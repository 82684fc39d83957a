"""Is a constraint of a table in the plan still NOT VALID from an earlier migration?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.locks import LockMode
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import locks, moments
from migsafe.sql.quote import identifier, qualified

CHECK = check(
    __name__,
    group="schema",
    why="Rows from before a NOT VALID constraint may break it. Nothing says so until one of them is updated: then the "
    "UPDATE fails, and with it a backfill half-way.",
    remedy="ALTER TABLE … VALIDATE CONSTRAINT …; it lets reads and writes pass.",
)

_KINDS = {"c": "CHECK", "f": "FOREIGN KEY", "n": "NOT NULL"}


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    relations = sorted(lock.relation for lock in locks(plan) if lock.mode.strength >= LockMode.ROW_EXCLUSIVE.strength)
    rows = ask(connection, "preflight_unvalidated", relations=relations) if relations else []
    settled, updated = _settled(plan), _updated(plan)
    for row in rows:
        if (row["relation"], row["name"]) not in settled:
            yield _answer(row, updated.get(row["relation"]))


def _settled(plan: Plan) -> set[tuple[str | None, str]]:
    """Constraints that the plan validates or drops, by their relation's name of now."""
    return {
        (moment.now(each.of), each.name)
        for moment in moments(plan)
        for each in (*moment.effects.validates, *moment.effects.drops)
        if each.of is not None
    }


def _updated(plan: Plan) -> dict[str, str]:
    """The place of the first statement that updates a relation."""
    found: dict[str, str] = {}
    for moment in moments(plan):
        for write in moment.effects.writes:
            name = moment.now(write.relation)
            if name is not None and write.command in ("UPDATE", "MERGE"):
                found.setdefault(name, moment.statement.place)
    return found


def _answer(row: Row, place: str | None) -> CheckResult:
    what = f"{_KINDS.get(row['kind'], 'constraint')} {row['name']} of {row['relation']} was never validated"
    fails = f": {place} updates the table, and fails on the first old row that breaks it" if place else ""
    if row["kind"] == "f" and place:
        fails = f": {place} updates the table, and fails on an old row that breaks it if it changes the key"
    remedy = f"ALTER TABLE {qualified(row['relation'])} VALIDATE CONSTRAINT {identifier(row['name'])};"
    sql = query("preflight_unvalidated")
    return answer(CHECK, "warned", f"{what}{fails}.", subject=row["relation"], remedy=remedy, sql=sql)
