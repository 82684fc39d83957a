"""Does the plan change columns that logical replication sends to somebody else?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.reshaped import Reshaped, reshaped
from migsafe.preflight.wording import some
from migsafe.sql.quote import identifier, qualified

CHECK = check(
    __name__,
    group="replication",
    why="Logical replication carries rows, not DDL. A subscriber that lacks a new column, or still wants an old one, "
    "stops with an error at the next row, and its slot keeps WAL here until somebody mends it.",
    remedy="Make the same change on the subscribers: a new column there first, a dropped one there last.",
)


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    changes = tuple(reshaped(plan))
    if not changes:
        return
    rows = ask(connection, "preflight_published", relations=sorted({each.relation for each in changes}))
    slots = ask(connection, "preflight_slots") if rows else []
    readers = [row for row in slots if row["plugin"]]
    for relation in dict.fromkeys(row["relation"] for row in rows):
        of_it = [row for row in rows if row["relation"] == relation]
        changed = [each for each in changes if each.relation == relation]
        yield from _named_in_lists(of_it, changed)
        yield _published(relation, of_it, changed, readers)


def _named_in_lists(rows: list[Row], changes: list[Reshaped]) -> Iterator[CheckResult]:
    """A column in a publication's column list cannot be dropped without CASCADE."""
    for row in rows:
        for each in changes:
            if each.what == "dropped" and each.column in row["limited"]:
                publication, table = identifier(row["publication"]), qualified(each.relation)
                yield answer(
                    CHECK,
                    "blocked",
                    f"DROP COLUMN {each.column} of {each.relation} ({each.place}) fails: the column list of "
                    f"publication {row['publication']} names it.",
                    subject=each.relation,
                    remedy=f"ALTER PUBLICATION {publication} SET TABLE {table} (its other columns); on the publisher "
                    "first. It replaces the whole list of tables: name them all.",
                    sql=query("preflight_published"),
                )


def _published(relation: str, rows: list[Row], changes: list[Reshaped], readers: list[Row]) -> CheckResult:
    names = some(row["publication"] for row in rows)
    what = some(f"{each.label} ({each.place})" for each in changes)
    who = ", ".join(f"{row['name']}{'' if row['active'] else ' (nobody reads it now)'}" for row in readers)
    message = f"{relation} is published by {names}, and subscribers will not get: {what}."
    if who:
        message += f" Slots that read it, perhaps: {who}."
    order = [each.order for each in changes]
    return answer(
        CHECK,
        "warned",
        message,
        subject=relation,
        remedy=f"On every subscriber: {some(dict.fromkeys(order))}.",
        evidence={"publications": names, "logical slots": who or "none"},
        sql=query("preflight_published"),
    )
