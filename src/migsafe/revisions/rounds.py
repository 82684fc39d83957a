"""The rounds of an env.py: each configure() with its run_migrations() is a database and a version table of its own."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from migsafe.revisions.redirect import database_of


class Round(msgspec.Struct, frozen=True):
    """One round of env.py. `database` is host:port/dbname as env.py says, whatever --url makes of it; empty offline.

    `version_table` is `schema.name`, or bare where that cannot be told. `number` counts from 0, in env.py's order.
    `argument` is the one text that env.py gives run_migrations(), if it gives one: the engine_name of Alembic's multidb
    template. `name` is the shortest of these that tells the rounds of this env.py apart. `beside` are the version
    tables of the other rounds in the same database.
    """

    database: str
    version_table: str
    number: int = 0
    argument: str | None = None
    name: str = ""
    beside: tuple[str, ...] = ()

    @property
    def dbname(self) -> str:
        return self.database.rpartition("/")[2]

    @property
    def schema(self) -> str:
        return self.version_table.rpartition(".")[0]


_NAMES: tuple[Callable[[Round], str], ...] = (
    lambda each: each.argument or "",
    lambda each: each.schema,
    lambda each: each.dbname,
    lambda each: f"{each.dbname}/{each.schema}",
    lambda each: f"{each.dbname}/{each.version_table}",
    lambda each: f"{each.database}/{each.version_table}",
)


def round_of(context: MigrationContext, number: int, arguments: dict[str, Any], version_table: str) -> Round:
    """The round that env.py is in; `arguments` are those of run_migrations(), `version_table` has its schema."""
    given = [value for value in arguments.values() if isinstance(value, str)]
    argument = given[0] if len(given) == 1 else None
    return Round(database_of(context), version_table, number, argument)


def named(rounds: Sequence[Round]) -> tuple[Round, ...]:
    """The rounds with names; their numbers where nothing else tells them apart."""
    for name in _NAMES:
        names = [name(each) for each in rounds]
        if all(names) and len(set(names)) == len(names):
            break
    else:
        names = [str(each.number + 1) for each in rounds]
    return tuple(
        msgspec.structs.replace(each, name=name, beside=_beside(each, rounds))
        for each, name in zip(rounds, names, strict=True)
    )


def _beside(one: Round, rounds: Iterable[Round]) -> tuple[str, ...]:
    others = (each for each in rounds if each.database == one.database)
    return tuple(each.version_table for each in others if each.version_table != one.version_table)


def is_round(context: MigrationContext, wanted: Round, number: int) -> bool:
    """Whether env.py is in the round `wanted`, now that it runs once more; `number` counts its calls from 0.

    By database and version table: a list of tenants that env.py reads from somewhere may have changed meanwhile.
    Offline, where nothing else is known, by number. Leaves no transaction behind that was not there before.
    """
    if not wanted.database or context.as_sql:
        return number == wanted.number
    if database_of(context) != wanted.database:
        return False
    connection = context.connection
    before = connection is None or connection.in_transaction()
    found = found_version_table(context)
    if connection is not None and not before:
        connection.commit()
    return found == wanted.version_table


def version_table(context: MigrationContext) -> str:
    """`schema.name` of the version table, or its bare name where env.py names no schema."""
    schema = context.version_table_schema
    return f"{schema}.{context.version_table}" if schema else context.version_table


def found_version_table(context: MigrationContext, path: tuple[str, ...] | None = None) -> str:
    """With its schema: where the search path of env.py's connection finds it, or would make it."""
    if context.version_table_schema:
        return version_table(context)
    path = search_path(context) if path is None else path
    if not path:
        return version_table(context)
    assert context.connection is not None
    quoted = context.dialect.identifier_preparer.quote
    for schema in path:
        name = f"{quoted(schema)}.{quoted(context.version_table)}"
        if context.connection.execute(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": name}).scalar():
            return f"{schema}.{context.version_table}"
    return f"{path[0]}.{context.version_table}"


def search_path(context: MigrationContext) -> tuple[str, ...]:
    """The schemas that names are looked up in on env.py's connection, which may have set its own; () when offline."""
    if context.as_sql or context.connection is None:
        return ()
    # Joined, because psycopg2 has no array of names.
    joined = context.connection.exec_driver_sql("SELECT array_to_string(current_schemas(false), chr(31))").scalar()
    return tuple(str(joined).split("\x1f")) if joined else ()


def listed(rounds: Iterable[Round]) -> str:
    """Their names, the first twelve of many."""
    names = [each.name for each in rounds]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
