"""Which triggers of the application will the plan set off?"""

from collections.abc import Iterator
from typing import NamedTuple

from migsafe.model.checks import CheckResult
from migsafe.model.effects import Write
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import Moment, moments
from migsafe.preflight.wording import some
from migsafe.sql.quote import identifier, qualified

CHECK = check(
    __name__,
    group="schema",
    why="A backfill fires the triggers of its table for every row: mails are sent, audit rows written, counters moved. "
    "An event trigger runs its function for every DDL statement, and may refuse it.",
    remedy="Read what the function does, and decide whether it should happen that often.",
)

# Commands for which ddl_command_start and ddl_command_end fire begin so (manual, section 38.3).
_DDL = ("CREATE ", "ALTER ", "DROP ", "COMMENT", "GRANT", "REVOKE", "REFRESH ", "SECURITY ", "IMPORT ")
_SHARED = ("DATABASE", "ROLE", "USER", "TABLESPACE", "EVENT TRIGGER", "SYSTEM")


class _Written(NamedTuple):
    relation: str
    write: Write
    place: str


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    ddl = [moment for moment in moments(plan) if _is_ddl(moment)]
    written = list(_written(plan))
    if not ddl and not written:
        return
    events = ask(connection, "preflight_event_triggers") if ddl else []
    relations = sorted({each.relation for each in written})
    rows = ask(connection, "preflight_triggers", relations=relations) if relations else []
    disabled = _disabled(plan)
    found = [_event(row, places) for row in events if (places := [m.statement.place for m in ddl if _fires(row, m)])]
    found += [
        _row(row, fired)
        for row in rows
        if (fired := [each for each in written if _is_fired(row, each)]) and not _is_off(row, disabled)
    ]
    yield from found
    if not found:
        yield answer(CHECK, "passed", "What the plan does fires no trigger.", sql=query("preflight_triggers"))


def _is_ddl(moment: Moment) -> bool:
    command = moment.effects.command
    return command.startswith(_DDL) and not command.partition(" ")[2].startswith(_SHARED)


def _fires(row: Row, moment: Moment) -> bool:
    effects = moment.effects
    if row["tags"] and effects.command not in row["tags"]:
        return False
    if row["event"] == "sql_drop":
        return bool(effects.drops)
    if row["event"] == "table_rewrite":
        return bool(effects.rewrites)
    return str(row["event"]).startswith("ddl_command_")


def _written(plan: Plan) -> Iterator[_Written]:
    """What the plan writes to many rows of a table that is there already."""
    for moment in moments(plan):
        for write in moment.effects.writes:
            name = moment.now(write.relation)
            if name is not None and not write.few:
                yield _Written(name, write, moment.statement.place)


def _is_fired(row: Row, written: _Written) -> bool:
    if row["relation"] != written.relation:
        return False
    command = {"COPY": ["INSERT"], "MERGE": row["events"]}.get(written.write.command, [written.write.command])
    of_others = command == ["UPDATE"] and row["columns"] and not {*row["columns"]} & {*written.write.columns}
    return bool({*row["events"]} & {*command}) and not of_others


def _disabled(plan: Plan) -> set[tuple[str | None, str]]:
    """Triggers that the plan drops or disables, by relation of now and name: `all` and `user` are names too."""
    return {
        (moment.now(each.of), each.name)
        for moment in moments(plan)
        for each in (
            *(action for action in moment.effects.actions if action.kind == "disable trigger"),
            *(drop for drop in moment.effects.drops if drop.kind == "trigger"),
        )
        if each.of is not None
    }


def _is_off(row: Row, disabled: set[tuple[str | None, str]]) -> bool:
    return any((row["relation"], name) in disabled for name in (row["name"], "all", "user"))


def _event(row: Row, places: list[str]) -> CheckResult:
    message = f"Event trigger {row['name']} runs {row['function']}() at {row['event']} of {some(places, at_most=3)}."
    remedy = f"Read what it does; a superuser or its owner may ALTER EVENT TRIGGER {identifier(row['name'])} DISABLE;"
    sql = query("preflight_event_triggers")
    return answer(CHECK, "warned", message, subject=row["name"], remedy=remedy, sql=sql)


def _row(row: Row, fired: list[_Written]) -> CheckResult:
    relation = row["relation"]
    commands = some((f"{each.write.command} ({each.place})" for each in fired), at_most=3)
    often = "for every row" if row["for_each_row"] else "once a statement"
    message = f"{commands} on {relation} fires trigger {row['name']}, which runs {row['function']}() {often}."
    remedy = (
        f"Read what it does. ALTER TABLE {qualified(relation)} DISABLE TRIGGER {identifier(row['name'])}; keeps it "
        "still, for the writes of everybody, until ENABLE."
    )
    return answer(CHECK, "warned", message, subject=relation, remedy=remedy, sql=query("preflight_triggers"))
