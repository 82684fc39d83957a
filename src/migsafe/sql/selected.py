"""Which rows an UPDATE or a DELETE will touch, as a condition that a SELECT can have."""

from typing import Any

import msgspec

from migsafe.errors import SqlError
from migsafe.model.catalog import Catalog
from migsafe.sql import names, query
from migsafe.sql.nodes import pb
from migsafe.sql.parse import deparse, deparse_statement, kind, parse, walk
from migsafe.sql.quote import identifier


class Selected(msgspec.Struct, frozen=True):
    """`where` is for `FROM relation AS alias` (`alias` quoted already); None: every row. `reads`: all it looks at.

    `columns` are those that are set, () of a DELETE. `only`: without children.
    """

    relation: str
    alias: str
    where: str | None = None
    columns: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    only: bool = False


def selected(sql: str, catalog: Catalog) -> Selected | None:
    """The rows of one UPDATE or DELETE, or those that an INSERT … ON CONFLICT DO UPDATE may reach: all.

    None for any other statement, for WHERE CURRENT OF, and where a WITH writes: its rows cannot be had beforehand.
    """
    try:
        node: Any = parse(sql)
        if isinstance(node, pb.InsertStmt) and node.on_conflict_clause.action == pb.ONCONFLICT_UPDATE:
            set_ = tuple(item.res_target.name for item in node.on_conflict_clause.target_list)
            return _of(node, catalog, None, set_)
        if not isinstance(node, (pb.UpdateStmt, pb.DeleteStmt)) or kind(node.where_clause) == "current_of_expr":
            return None
        if any(isinstance(part, query.WRITES) for part in walk(node) if part is not node):
            return None
        update = isinstance(node, pb.UpdateStmt)
        set_ = tuple(item.res_target.name for item in node.target_list) if update else ()
        return _of(node, catalog, _where(node, node.from_clause if update else node.using_clause), set_)
    except SqlError:
        return None


def _of(node: Any, catalog: Catalog, where: str | None, columns: tuple[str, ...]) -> Selected:
    relation = names.relation(node.relation, catalog)
    reads = frozenset(names.relation(part, catalog) for part, _ in query.mentioned(node))
    alias = identifier(node.relation.alias.aliasname or node.relation.relname)
    return Selected(relation, alias, where, columns, reads | {relation}, not node.relation.inh)


def _where(node: Any, others: Any) -> str | None:
    if not others and not node.with_clause.ctes:
        return None if kind(node.where_clause) is None else deparse(node.where_clause)
    # A join becomes EXISTS: the names of the table itself are then found in the query around it.
    inside = pb.SelectStmt(from_clause=list(others), limit_option=pb.LIMIT_OPTION_DEFAULT, op=pb.SETOP_NONE)
    inside.target_list.append(
        pb.Node(res_target=pb.ResTarget(val=pb.Node(a_const=pb.A_Const(ival=pb.Integer(ival=1)))))
    )
    if kind(node.where_clause) is not None:
        inside.where_clause.CopyFrom(node.where_clause)
    if node.with_clause.ctes:
        inside.with_clause.CopyFrom(node.with_clause)
    return f"EXISTS ({deparse_statement(pb.Node(select_stmt=inside))})"
