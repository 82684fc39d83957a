"""Statements that write no more rows than they spell out."""

from typing import Any

from migsafe.sql import proofs
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import kind, strings, walk


def spells_out(node: pb.InsertStmt) -> bool:
    """Whether an INSERT has VALUES, DEFAULT VALUES, or a SELECT that reads no table for its rows."""
    if kind(node.select_stmt) is None:
        return True
    query = node.select_stmt.select_stmt
    return bool(query.values_lists) or (query.op == pb.SETOP_NONE and not query.from_clause)


def by_key(draft: Draft, table: str, where: Any) -> bool:
    """Whether a WHERE fixes every column of a unique key by constants.

    Of a table that the catalog does not know, `id` is taken for one.
    """
    parts = proofs.conjuncts(where)

    def fixed(column: str | None) -> bool:
        return column is not None and proofs.facts(parts, column).among is not None

    if not draft.knows(table):
        return fixed("id")
    keys = [index for index in draft.indexes(table) if index.unique and index.predicate is None]
    return any(index.columns and all(fixed(column) for column in index.columns) for index in keys)


def narrowed(draft: Draft, table: str, where: Any, *sources: Any) -> tuple[bool, bool]:
    """Whether a batch bounds the rows, and whether constants pick them: Write's `batch` and `picked`.

    `sources` are the tables and queries that the rows are joined to.
    """
    parts = proofs.conjuncts(where)
    limited = any(
        isinstance(part, pb.SelectStmt) and kind(part.limit_count) for node in (where, *sources) for part in walk(node)
    )
    return limited or _in_range(draft, table, parts), any(map(_compares, parts))


def _in_range(draft: Draft, table: str, parts: list[Any]) -> bool:
    """Whether constants bound the first column of a unique key, or `id` of an unknown table, from both sides."""
    keys = ["id"]
    if draft.knows(table):
        keys = [index.columns[0] or "" for index in draft.indexes(table) if index.unique and index.columns]
    operators = [{operator[0] for operator, _ in proofs.facts(parts, key).compared} for key in keys]
    return any({"<", ">"} <= each for each in operators)


def _compares(part: Any) -> bool:
    """Whether it is `column = constant` or `column IN (constants)`."""
    if kind(part) != "a_expr":
        return False
    sides = (part.a_expr.lexpr, part.a_expr.rexpr)
    columns = [strings(side.column_ref.fields)[-1:] for side in sides if kind(side) == "column_ref"]
    return any(name and proofs.facts([part], name[0]).among is not None for name in columns)
