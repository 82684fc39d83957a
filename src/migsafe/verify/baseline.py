"""What is looked at just before a migration, so that afterwards can be told what it must not have changed.

One snapshot, and a few seconds at most: rows are counted in small tables only, and no longer than a moment in all.
"""

import time
from collections.abc import Iterable
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from migsafe.model.catalog import Catalog, Column
from migsafe.model.locks import LockMode
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.postgres.sqlstate import server_message
from migsafe.verify.net import touched_by

# A table is counted when a scan of it is over in a moment; all counts together take no longer than that.
COUNTED_ROWS = 500_000
COUNTED_BYTES = 64 * 1024**2
SECONDS = 3.0

Row = dict[str, Any]


class Right(msgspec.Struct, frozen=True):
    """What a role may do with a relation: `columns` None on the whole, else on these."""

    role: str
    relation: str
    privilege: str
    columns: tuple[str, ...] | None = None


class Before(msgspec.Struct, frozen=True):
    """A relation before the plan. `grants` are (role, privilege) beyond the owner's own, PUBLIC is a role.

    `rows` and `nulls` (by column) are counted, None and missing where that would have taken too long. `inserted`,
    `updated` and `deleted` are the server's counters since its statistics began.
    """

    name: str
    owner: str
    grants: tuple[tuple[str, str], ...] = ()
    rows: int | None = None
    nulls: dict[str, int] = {}
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


class Baseline(msgspec.Struct, frozen=True):
    """What was there before. `shared` is (role, schema, privilege) that the role has on every table of the schema.

    `missing` are roles of the settings that the server does not have; `unseen` says what could not be looked at.
    """

    relations: tuple[Before, ...] = ()
    rights: tuple[Right, ...] = ()
    shared: tuple[tuple[str, str, str], ...] = ()
    roles: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


def take(
    connection: psycopg.Connection[Any], plan: Plan, catalog: Catalog, roles: Iterable[str] = (), *, rows: bool = True
) -> Baseline:
    """The baseline of `plan`; `catalog` is the schema before it, `roles` are those of the application.

    `connection` must be idle. Nothing is raised for what may not be seen: `unseen` says so. `rows` off counts none.
    """
    roles = tuple(roles)
    names = touched(plan, catalog)
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL row_security = off;"
                " SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '500ms'"
            )
            return _taken(connection, plan, catalog, names, roles, rows)
    except psycopg.Error as error:
        return Baseline(roles=roles, unseen=(f"what was there before: {server_message(error).primary}",))


def touched(plan: Plan, catalog: Catalog, *, privileges: bool = True) -> tuple[str, ...]:
    """The relations of `catalog` that the plan changes, replaces, or locks against other DDL.

    With `privileges` also those of which it says no more than who may use them: a whole schema, perhaps.
    """
    strong = LockMode.SHARE_UPDATE_EXCLUSIVE.strength
    found: dict[str, None] = {}
    for statement in plan.statements:
        things = [thing for thing, _ in touched_by(statement.effects, catalog)]
        attributes = statement.effects.attributes
        things += [each.object for each in attributes if privileges or " of " not in each.name]
        found |= dict.fromkeys(thing.of or thing.name for thing in things)
        found |= {lock.relation: None for lock in statement.effects.locks if lock.mode.strength >= strong}
    return tuple(name for name in found if name in catalog.relations and catalog.relations[name].kind in _KINDS)


_KINDS = ("table", "partitioned table", "view", "materialized view", "sequence", "foreign table")


def _taken(
    connection: psycopg.Connection[Any],
    plan: Plan,
    catalog: Catalog,
    names: tuple[str, ...],
    roles: tuple[str, ...],
    counts: bool,
) -> Baseline:
    table = plan.version_table.rpartition(".")[2]
    schemas = sorted({name.split(".", 1)[0] for name in _made(plan)})
    known = {row["role"] for row in _ask(connection, "baseline_roles", roles=list(roles))}
    shared = _ask(connection, "baseline_siblings", roles=list(roles), schemas=schemas, version_table=table)
    relations, unseen = [], []
    counted_ones = set(touched(plan, catalog, privileges=False)) if counts else set()
    until = time.monotonic() + SECONDS
    for row in _ask(connection, "baseline_relations", names=list(names)):
        name = row["name"]
        counted, nulls, why = (
            _counted(connection, plan, catalog, name, until) if name in counted_ones else (None, {}, None)
        )
        unseen += [why] if why else []
        fields = {key: value for key, value in row.items() if key != "oid"}
        relations.append(msgspec.convert(fields | {"rows": counted, "nulls": nulls}, Before))
    return Baseline(
        relations=tuple(relations),
        rights=tuple(
            msgspec.convert({**row, "relation": row.pop("name")}, Right)
            for row in _ask(connection, "baseline_rights", roles=list(roles), names=list(names))
        ),
        shared=tuple((row["role"], row["schema"], row["privilege"]) for row in shared),
        roles=tuple(role for role in roles if role in known),
        missing=tuple(role for role in roles if role not in known),
        unseen=tuple(unseen),
    )


def _ask(connection: psycopg.Connection[Any], name: str, **parameters: object) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query(name), parameters).fetchall()


def _made(plan: Plan) -> list[str]:
    return [
        made.name for statement in plan.statements for made in statement.effects.creates if hasattr(made, "persistence")
    ]


def _counted(
    connection: psycopg.Connection[Any], plan: Plan, catalog: Catalog, name: str, until: float
) -> tuple[int | None, dict[str, int], str | None]:
    """Rows and NULLs of a small table; nothing, and why not, of another one."""
    relation = catalog.relations[name]
    small = (relation.rows or 0) <= COUNTED_ROWS and (relation.bytes or 0) <= COUNTED_BYTES
    left = until - time.monotonic()
    if relation.kind not in ("table", "partitioned table") or not small or left <= 0:
        return None, {}, None
    columns = reshaped(plan, catalog, name)
    counted = [sql.SQL("count(*)"), *(sql.SQL("count({})").format(sql.Identifier(column)) for column in columns)]
    statement = sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(counted), sql.Identifier(*name.split(".", 1)))
    try:
        with connection.transaction():
            connection.execute("SELECT set_config('statement_timeout', %s, true)", (f"{max(50, left * 1000):.0f}ms",))
            row = connection.execute(statement).fetchone()
    except psycopg.errors.QueryCanceled:
        return None, {}, None
    except psycopg.Error as error:
        return None, {}, f"the rows of {name}: {server_message(error).primary}"
    assert row is not None
    return row[0], {column: row[0] - filled for column, filled in zip(columns, row[1:], strict=True)}, None


def reshaped(plan: Plan, catalog: Catalog, relation: str) -> tuple[str, ...]:
    """Columns of the relation that the plan gives another type, or that it replaces by others."""
    found: dict[str, None] = {}
    for statement in plan.statements:
        for altered in statement.effects.alters:
            now, was = altered.after, altered.before
            if not isinstance(now, Column) or not isinstance(was, Column) or now.relation != relation:
                continue
            if was.type != now.type and altered.using is None:
                found[now.name] = None
        gone = [*statement.effects.drops, *(rename.old for rename in statement.effects.renames)]
        found |= {each.name: None for each in gone if each.of == relation and each.kind == "column"}
    columns = catalog.columns.get(relation, {})
    return tuple(name for name in found if name in columns)


def is_written(plan: Plan, names: Iterable[str], commands: tuple[str, ...]) -> bool:
    """Whether a statement of the plan writes rows of one of the relations, or empties it."""
    wanted = set(names)
    return any(
        wanted & set(statement.effects.truncates)
        or any(write.relation in wanted and write.command in commands for write in statement.effects.writes)
        for statement in plan.statements
    )
