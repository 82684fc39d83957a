"""Does row security hide rows from what the plan changes?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import moments
from migsafe.sql.quote import identifier, qualified

CHECK = check(
    __name__,
    group="schema",
    why="Under row security an UPDATE or DELETE changes the rows that policies show it and says nothing of the others: "
    "a backfill ends with success, and half of the table is as it was. With FORCE the owner is held too.",
    remedy="ALTER ROLE … BYPASSRLS for the role that migrates, or SET row_security = off, which fails instead.",
)

_CHANGES = ("UPDATE", "DELETE", "MERGE")


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    places = _places(plan)
    if not places:
        return
    relations, commands, roles = (list(values) for values in zip(*places, strict=True))
    rows = ask(connection, "preflight_row_security", relations=relations, commands=commands, roles=roles)
    found = [
        _answer(row, places.get((row["relation"], row["command"], row["role"])) or _any(places, row))
        for row in rows
        if not row["sees_all"]
    ]
    yield from found
    if not found:
        message = "Row security hides no row from what the plan writes."
        yield answer(CHECK, "passed", message, sql=query("preflight_row_security"))


def _places(plan: Plan) -> dict[tuple[str, str, str | None], str]:
    """The place of the first statement for each relation, command and role (None: the one that is connected)."""
    found: dict[tuple[str, str, str | None], str] = {}
    off: set[str] = set()
    for moment in moments(plan):
        off |= {each.of or "" for each in moment.effects.actions if each.kind == "disable row security"}
        for write in moment.effects.writes:
            name = moment.now(write.relation)
            if name is not None and write.relation not in off:
                found.setdefault((name, write.command, moment.role), moment.statement.place)
    return found


def _any(places: dict[tuple[str, str, str | None], str], row: Row) -> str:
    return places[row["relation"], row["command"], None]


def _answer(row: Row, place: str) -> CheckResult:
    relation, role, sql = row["relation"], identifier(row["role"]), query("preflight_row_security")
    remedy = f"ALTER ROLE {role} BYPASSRLS; or run as a role that row security does not hold for."
    if row["command"] in _CHANGES:
        message = f"{row['command']} {relation} ({place}) changes only the rows that its policies show to {role}."
        more = f" As the owner without FORCE: ALTER TABLE {qualified(relation)} NO FORCE ROW LEVEL SECURITY;"
        return answer(CHECK, "blocked", message, subject=relation, remedy=remedy + more, sql=sql)
    message = f"{row['command']} into {relation} ({place}) fails on the first row that its policies refuse {role}."
    return answer(CHECK, "warned", message, subject=relation, remedy=remedy, sql=sql)
