"""The plan that the server runs a query with, and how long it takes."""

from typing import Any

import msgspec
import psycopg

from migsafe.postgres.answer import TIMEOUT_SECONDS, Answer, Connection, failed


class Node(msgspec.Struct, frozen=True):
    """A node of a plan: `Index Scan` of `index` on `relation` (None where it has none)."""

    kind: str
    relation: str | None
    index: str | None


class Explained(msgspec.Struct, frozen=True):
    """A plan that was run: its nodes from the root down, its cost in the planner's units, its time in milliseconds,
    and the blocks of 8 kB that had to be read from outside the buffer cache.
    """

    nodes: tuple[Node, ...]
    cost: float
    milliseconds: float
    blocks_read: int


def explain(
    connection: Connection, sql: str, timeout: float | None = None, *, planner_may: str | None = None
) -> Explained | Answer:
    """Run `sql` (one SELECT) once with EXPLAIN (ANALYZE, BUFFERS), read-only; an Answer with an error when it fails.

    `planner_may` names a planner setting to switch off first (`enable_seqscan`), then without running the query:
    milliseconds are 0. Row security is off: a plan under a policy is another plan. `timeout` in seconds.
    """
    seconds = TIMEOUT_SECONDS if timeout is None else timeout
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET TRANSACTION READ ONLY")
            connection.execute(
                "SELECT set_config('row_security', 'off', true), set_config('statement_timeout', %s, true)",
                (f"{max(1, seconds * 1000):.0f}ms",),
            )
            if planner_may is not None:
                connection.execute("SELECT set_config(%s, 'off', true)", (planner_may,))
            options = "FORMAT JSON" if planner_may is not None else "ANALYZE, BUFFERS, FORMAT JSON"
            # In binary the protocol takes one statement only: `SELECT 1; COMMIT; DROP TABLE t` is a syntax error.
            rows = connection.execute(f"EXPLAIN ({options}) {sql}".encode(), binary=True).fetchone()
    except psycopg.Error as error:
        return failed(connection, error, None, seconds)
    assert rows is not None
    return _read(rows[0][0])


def _read(found: dict[str, Any]) -> Explained:
    root = found["Plan"]
    return Explained(
        nodes=tuple(_nodes(root)),
        cost=float(root["Total Cost"]),
        milliseconds=float(found.get("Execution Time", 0.0)),
        blocks_read=int(root.get("Shared Read Blocks", 0)),
    )


def _nodes(plan: dict[str, Any]) -> list[Node]:
    here = Node(plan["Node Type"], plan.get("Relation Name"), plan.get("Index Name"))
    return [here, *(node for below in plan.get("Plans", ()) for node in _nodes(below))]
