"""Will the application see what the plan creates?"""

from collections.abc import Iterator

import msgspec

from migsafe.model.catalog import Relation
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import moments
from migsafe.preflight.wording import some
from migsafe.settings import Settings
from migsafe.sql.quote import identifier

CHECK = check(
    __name__,
    group="privileges",
    why="A new table belongs to the role that migrates. Where the application has another role, it gets `permission "
    "denied` until somebody grants; default privileges hold for the objects of one creator only.",
    remedy="ALTER DEFAULT PRIVILEGES for the role that migrates, or GRANT in the revision.",
)

# What ALTER DEFAULT PRIVILEGES calls it, and what an application wants of it.
_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE")
_WANTED = {"table": _TABLE, "partitioned table": _TABLE, "view": ("SELECT",), "sequence": ("USAGE",)}
_WANTED |= {"materialized view": ("SELECT",), "foreign table": ("SELECT",)}


class New(msgspec.Struct, frozen=True):
    """A relation that a plan leaves behind; `creator` is who SET ROLE made it, None: the role of the session."""

    name: str
    kind: str
    creator: str | None


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    new = _new(plan)
    if not new or any(statement.effects.command == "GRANT" for statement in plan.statements):
        return
    schemas = sorted({each.name.partition(".")[0] for each in new})
    table = plan.version_table.rpartition(".")[2]
    roles = list(settings.app_roles)
    readers = ask(connection, "preflight_readers", schemas=schemas, app_roles=roles, version_table=table)
    for role in sorted({row["role"] for row in readers if not row["known"]}):
        message = f"app_role is {role}, and there is no such role on this server."
        yield answer(CHECK, "unknown", message, subject=role, remedy="Correct app_role in the settings.")
    pairs = [
        (each, row["role"])
        for row in readers
        if row["known"]
        for each in new
        if each.name.partition(".")[0] == row["schema"]
    ]
    if pairs:
        yield from _judged(pairs, _rights(connection, pairs))


def _new(plan: Plan) -> tuple[New, ...]:
    """What the plan creates; not Alembic's table, no partition, and no sequence of a column."""
    found: dict[str, New] = {}
    for moment in moments(plan):
        for gone in moment.effects.drops:
            found.pop(gone.name, None)
        for made in moment.effects.creates:
            if isinstance(made, Relation) and _counts(made):
                found[made.name] = New(made.name, made.kind, moment.role)
    return tuple(found.values())


def _counts(made: Relation) -> bool:
    is_part = made.owned_by is not None or made.bound is not None
    return made.kind in _WANTED and not is_part and not made.name.startswith("pg_temp.")


def _rights(connection: Connection, pairs: list[tuple[New, str]]) -> dict[tuple[str, str], Row]:
    rows = ask(
        connection,
        "preflight_default_rights",
        names=[each.name for each, _ in pairs],
        sorts=["S" if each.kind == "sequence" else "r" for each, _ in pairs],
        readers=[reader for _, reader in pairs],
        creators=[each.creator for each, _ in pairs],
    )
    return {(row["name"], row["reader"]): row for row in rows}


def _judged(pairs: list[tuple[New, str]], rights: dict[tuple[str, str], Row]) -> Iterator[CheckResult]:
    lacking: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    fine: list[str] = []
    for each, reader in pairs:
        row = rights.get((each.name, reader))
        if row is None:
            continue
        missing = tuple(right for right in _WANTED[each.kind] if right not in row["rights"])
        if reader == "PUBLIC":
            missing = tuple(right for right in missing if right == "SELECT")
        if row["inherits"] or (row["sees"] and not missing):
            fine.append(reader)
        else:
            sort = "SEQUENCES" if each.kind == "sequence" else "TABLES"
            lacking.setdefault((reader, row["creator"], sort, missing), []).append(each.name)
    for (reader, creator, sort, missing), names in lacking.items():
        yield _unseen(reader, creator, sort, missing, names)
    if fine and not lacking:
        message = f"What the plan creates will be open to {some(fine)}, as the other tables are."
        yield answer(CHECK, "passed", message, sql=query("preflight_default_rights"))


def _unseen(reader: str, creator: str, sort: str, missing: tuple[str, ...], names: list[str]) -> CheckResult:
    role = reader if reader == "PUBLIC" else identifier(reader)
    schema = identifier(names[0].partition(".")[0])
    grants = ", ".join(missing)
    usage = f"GRANT USAGE ON SCHEMA {schema} TO {role};"
    default = f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(creator)} IN SCHEMA {schema} GRANT {grants} ON {sort}"
    remedy = f"{default} TO {role}; before the upgrade, or op.execute a GRANT in the revision." if missing else usage
    what = f"will have no {grants} on" if missing else f"has no USAGE on schema {schema}, and will not see"
    return answer(
        CHECK,
        "warned",
        f"{role} {what} {some(names)}, which {identifier(creator)} creates.",
        subject=reader,
        remedy=remedy,
        sql=query("preflight_default_rights"),
    )
