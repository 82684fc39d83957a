"""What saving and restoring rows ask of a server beside the rows."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from migsafe.model.saved import Entry, Sequence
from migsafe.postgres.queries import query


class Server(NamedTuple):
    """`encoding` is the database's, `identifier` the cluster's (None: not visible), `block` bytes of a page."""

    database: str
    version: int
    encoding: str
    identifier: str | None
    block: int


class Column(NamedTuple):
    """A column as it is now; `generated` is s, v or empty."""

    name: str
    type: str
    generated: str


def server(connection: psycopg.Connection[Any]) -> Server:
    """Which server and database this is. The connection must be in autocommit."""
    row = connection.execute(query("saved_server")).fetchone()
    assert row is not None
    identifier = None
    try:
        found = connection.execute("SELECT system_identifier FROM pg_catalog.pg_control_system()").fetchone()
        identifier = str(found[0]) if found else None
    except psycopg.errors.InsufficientPrivilege:
        identifier = None
    return Server(connection.info.dbname, connection.info.server_version // 10000, row[1], identifier, row[0])


def plain_texts(connection: psycopg.Connection[Any], encoding: str, search_path: Iterable[str]) -> None:
    """Have values printed and read one way, whatever server, role and database are set to."""
    path = sql.SQL(", ").join(sql.Identifier(name) for name in search_path).as_string(None)
    settings = {
        "client_encoding": encoding,
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "postgres",
        "extra_float_digits": "1",
        "bytea_output": "hex",
        "TimeZone": "UTC",
        "search_path": path,
        "row_security": "off",
        "idle_session_timeout": "0",
    }
    for name, value in settings.items():
        connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))


def horizon(connection: psycopg.Connection[Any]) -> int:
    """The oldest transaction that may still be running, as the 32 bits that rows have of it."""
    return int(_one(connection, "saved_horizon", None))


def writes(connection: psycopg.Connection[Any], relation: str) -> int | None:
    """The server's counter of rows written to a relation (`schema.name`, quoted) and its partitions; None: none."""
    found = _one(connection, "saved_writes", {"relation": relation})
    return None if found is None else int(found)


def pages(connection: psycopg.Connection[Any], relation: str) -> int:
    """Pages of a table; 0 when it is gone."""
    return int(_one(connection, "saved_pages", (relation,)) or 0)


def may_create(connection: psycopg.Connection[Any], schemas: Iterable[str]) -> str | None:
    """The first of `schemas` in which this role may make a table."""
    found = _one(connection, "saved_may_create", {"schemas": list(schemas)})
    return None if found is None else str(found)


def columns_of(connection: psycopg.Connection[Any], relation: str) -> dict[str, Column]:
    """The columns that a relation (`schema.name`, quoted) has now; empty when it is gone."""
    rows = connection.execute(query("saved_relation"), (relation,)).fetchall()
    return {row[0]: Column(*row) for row in rows}


def missing(connection: psycopg.Connection[Any], entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Those whose object does not exist any more. What has no object of its own (a comment, a grant) is left out."""
    known = [each for each in entries if each.oid and each.classid]
    values = {"classes": [each.classid for each in known], "oids": [each.oid for each in known]}
    gone = {row[0] for row in connection.execute(query("saved_missing"), values).fetchall()}
    return tuple(each for place, each in enumerate(known, 1) if place in gone)


def sequences(connection: psycopg.Connection[Any], names: Iterable[str]) -> tuple[Sequence, ...]:
    """Where sequences are, as far as this role may look."""
    found = connection.execute(query("saved_sequences"), (list(names),)).fetchall()
    made = []
    for name, schema, bare in found:
        row = connection.execute(
            sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, bare))
        ).fetchone()
        assert row is not None
        made.append(Sequence(name, row[0], row[1]))
    return tuple(made)


def expected(connection: psycopg.Connection[Any], select: str) -> tuple[int, int]:
    """Rows and bytes that a SELECT will give, as the planner estimates them."""
    row = connection.execute(b"EXPLAIN (FORMAT JSON) " + select.encode()).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]
    return int(plan["Plan Rows"]), int(plan["Plan Rows"]) * int(plan["Plan Width"])


def _one(connection: psycopg.Connection[Any], name: str, values: Any) -> Any:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(query(name), values).fetchone()


class ForeignKey(NamedTuple):
    """A foreign key of a table; `itself`: it refers to rows of the same table."""

    schema: str
    relation: str
    columns: list[str]
    referenced: list[str]
    itself: bool


def foreign_keys(connection: psycopg.Connection[Any], relation: str) -> tuple[ForeignKey, ...]:
    """The foreign keys that a table (`schema.name`, quoted) has now."""
    rows = connection.execute(query("saved_foreign_keys"), {"relation": relation}).fetchall()
    return tuple(ForeignKey(*row) for row in rows)


def in_constraint(connection: psycopg.Connection[Any], relation: str, column: str) -> bool:
    """Whether a column is in a key, a unique constraint or a foreign key, of either side."""
    return bool(_one(connection, "saved_in_constraint", {"relation": relation, "column": column}))


def default_of(connection: psycopg.Connection[Any], relation: str, column: str) -> str | None:
    """The default of a column as the server prints it."""
    found = _one(connection, "saved_default", {"relation": relation, "column": column})
    return None if found is None else str(found)


def has_constraint(connection: psycopg.Connection[Any], relation: str, name: str) -> bool:
    """Whether a relation has a constraint of that name."""
    return bool(_one(connection, "saved_constraint_there", {"relation": relation, "name": name}))


def is_invalid_index(connection: psycopg.Connection[Any], index: str) -> bool:
    """Whether an index (`schema.name`, quoted) was left invalid by a build that was cut off."""
    return bool(_one(connection, "saved_index_invalid", (index,)))


def is_partition(connection: psycopg.Connection[Any], relation: str) -> bool:
    """Whether a table or index (`schema.name`, quoted) is a partition of another."""
    return bool(_one(connection, "saved_is_partition", (relation,)))


def is_not_null(connection: psycopg.Connection[Any], relation: str, column: str) -> bool:
    """Whether a column forbids NULL."""
    return bool(_one(connection, "saved_not_null", {"relation": relation, "column": column}))


def not_null_name(connection: psycopg.Connection[Any], relation: str, column: str) -> str | None:
    """The name of the constraint by which it does (from 18 on)."""
    found = _one(connection, "saved_not_null_name", {"relation": relation, "column": column})
    return None if found is None else str(found)


def is_identity(connection: psycopg.Connection[Any], relation: str, column: str) -> bool:
    """Whether a column counts by itself."""
    return bool(_one(connection, "saved_identity", {"relation": relation, "column": column}))
