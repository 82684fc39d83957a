"""A live database → Catalog: its whole schema, and the server's estimates of sizes, as of one moment."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from migsafe.errors import LockNotAvailable
from migsafe.model.catalog import (
    Catalog,
    Column,
    Constraint,
    EventTrigger,
    Extension,
    Function,
    Index,
    Policy,
    Relation,
    RewriteRule,
    Statistics,
    Trigger,
    Type,
)
from migsafe.postgres.queries import query

Row = dict[str, Any]
_Named = TypeVar("_Named", Column, Constraint, Trigger, RewriteRule, Policy)
_Value = TypeVar("_Value", bound=msgspec.Struct)
_ORDER = "isv"
_WRITE = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM)\s+(?:ONLY\s+)?((?:"[^"]*"|\w+)(?:\.(?:"[^"]*"|\w+))?)')


def read(connection: psycopg.Connection[Any], *, lock_timeout: float = 10.0) -> Catalog:
    """The schema of the database of `connection`, complete, without PostgreSQL's own and without temporary relations.

    One REPEATABLE READ READ ONLY snapshot, or the transaction that is open already. Any role sees all of it. Printing
    an expression takes ACCESS SHARE on its table: raises LockNotAvailable when one is locked for `lock_timeout`
    seconds.
    """
    fresh = connection.info.transaction_status == TransactionStatus.IDLE
    try:
        with connection.transaction():
            if fresh:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            milliseconds = f"{max(1, round(lock_timeout * 1000))}ms"
            connection.execute("SELECT pg_catalog.set_config('lock_timeout', %s, true)", (milliseconds,))
            return _read(connection)
    except psycopg.errors.LockNotAvailable:
        raise LockNotAvailable(
            f"The schema cannot be read: a relation has been under ACCESS EXCLUSIVE for {lock_timeout:g} s",
            "Wait for that session's transaction, or end it: SELECT pid, query FROM pg_stat_activity WHERE pid IN "
            "(SELECT pid FROM pg_locks WHERE mode = 'AccessExclusiveLock');",
        ) from None


def _read(connection: psycopg.Connection[Any]) -> Catalog:
    session = _rows(connection, "catalog_session")[0]
    version: int = session["server_version"]
    uses = {(row["class"], row["oid"]): row["uses"] for row in _rows(connection, "catalog_uses")}
    calls = {(row["class"], row["oid"]): row["calls"] for row in _rows(connection, "catalog_calls")}
    functions = _with(_rows(connection, "catalog_functions"), "pg_proc", uses=uses)
    rules = (_written(row) for row in _with(_rows(connection, "catalog_rules"), "pg_rewrite", uses=uses))
    policies = _with(_rows(connection, "catalog_policies"), "pg_policy", uses=uses, calls=calls)
    constraints = _with(_constraints(connection, version), "pg_constraint", calls=calls)
    return Catalog(
        relations=_by_name(_relations(connection, uses, calls), Relation),
        columns=_by_relation(_rows(connection, "catalog_columns"), Column),
        constraints=_by_relation(constraints, Constraint),
        indexes=_by_name(_rows(connection, "catalog_indexes"), Index),
        types=_by_name(_rows(connection, "catalog_types"), Type),
        extensions=_by_name(_rows(connection, "catalog_extensions"), Extension),
        volatility=_volatility(functions),
        triggers=_by_relation(_rows(connection, "catalog_triggers"), Trigger),
        rules=_by_relation(rules, RewriteRule),
        policies=_by_relation(policies, Policy),
        statistics=_by_name(_rows(connection, "catalog_statistics"), Statistics),
        functions={function.signature: function for function in _values(functions, Function)},
        publications=_publications(connection, version),
        event_triggers=_by_name(_rows(connection, "catalog_event_triggers"), EventTrigger),
        schemas=tuple(session["schemas"]),
        timezone=session["timezone"],
        search_path=tuple(session["search_path"]),
        server_version=version,
        complete=True,
    )


def _rows(connection: psycopg.Connection[Any], name: str) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query(name)).fetchall()


def _relations(connection: psycopg.Connection[Any], uses: Mapping[Any, Any], calls: Mapping[Any, Any]) -> list[Row]:
    rows = _rows(connection, "catalog_relations")
    for row in rows:
        key = ("pg_rewrite", row["rule"])
        # A view's rule depends on the view itself too, by its own columns.
        row["uses"] = [use for use in uses.get(key, ()) if use["relation"] != row["name"]]
        row["calls"] = calls.get(key, ())
    return rows


def _constraints(connection: psycopg.Connection[Any], version: int) -> list[Row]:
    # NOT ENFORCED, and with it pg_constraint.conenforced, is from 18 on.
    text = query("catalog_constraints")
    text = text if version >= 18 else text.replace("o.conenforced", "true")
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(text).fetchall()


def _with(rows: list[Row], source: str, **found: Mapping[Any, Any]) -> list[Row]:
    """Rows with what was found for them, by the catalog (`pg_proc`) and their oid."""
    return [row | {field: values.get((source, row["oid"]), ()) for field, values in found.items()} for row in rows]


def _written(row: Row) -> Row:
    """A rule with the relations that its actions write: of those it uses, the ones its text writes to."""
    targets = {name.replace('"', "").rpartition(".")[2] for name in _WRITE.findall(row["definition"])}
    writes = [use["relation"] for use in row["uses"] if use["relation"].partition(".")[2] in targets]
    return row | {"writes": writes}


def _values(rows: Iterable[Row], shape: type[_Value]) -> list[_Value]:
    return [msgspec.convert(row, shape) for row in rows]


def _by_name(rows: list[Row], shape: type[_Value]) -> dict[str, _Value]:
    return dict(zip((row["name"] for row in rows), _values(rows, shape), strict=True))


def _by_relation(rows: Iterable[Row], shape: type[_Named]) -> dict[str, dict[str, _Named]]:
    found: dict[str, dict[str, _Named]] = {}
    for value in _values(rows, shape):
        found.setdefault(value.relation, {})[value.name] = value
    return found


def _volatility(functions: list[Row]) -> dict[str, str]:
    """The worst volatility among the functions of a name: which one a call means, only the server can tell."""
    found: dict[str, str] = {}
    for row in functions:
        name, volatility = row["name"], row["volatility"]
        found[name] = max(found.get(name, "i"), volatility, key=_ORDER.index)
    return found


def _publications(connection: psycopg.Connection[Any], version: int) -> dict[str, tuple[str, ...] | None]:
    rows = _rows(connection, "catalog_publications")
    found = {row["name"]: None if row["everything"] else tuple(row["tables"]) for row in rows}
    if version >= 15:
        found |= dict.fromkeys(row["name"] for row in _rows(connection, "catalog_published_schemas"))
    return found
