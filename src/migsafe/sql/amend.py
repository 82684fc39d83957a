"""Statements changed by their tokens: what a safe form adds is put in, everything else stays as it was written."""

from collections.abc import Iterable
from typing import Any

from migsafe.errors import SqlError
from migsafe.sql.nodes import pb
from migsafe.sql.parse import character, deparse_statement, kind, parse, tokens
from migsafe.sql.quote import identifier

Insertion = tuple[int, str]

_COMMENTS = ("SQL_COMMENT", "C_COMMENT")


def amended(sql: str, insertions: Iterable[Insertion]) -> str:
    """`sql` with every text put in at its offset, in characters."""
    for offset, text in sorted(insertions, reverse=True):
        sql = sql[:offset] + text + sql[offset:]
    return sql


def concurrently(sql: str) -> Insertion | None:
    """What makes the statement run CONCURRENTLY; None when it has no such form, or is not one that can be read."""
    match _read(sql):
        case pb.IndexStmt(concurrent=False):
            return _after(sql, "INDEX")
        case pb.DropStmt() as drop if _is_one_index(drop):
            return _after(sql, "INDEX")
        case pb.RefreshMatViewStmt(concurrent=False, skip_data=False):
            return _after(sql, "VIEW")
        case pb.ReindexStmt() as reindex if not any(o.def_elem.defname == "concurrently" for o in reindex.params):
            words = {pb.REINDEX_OBJECT_INDEX: "INDEX", pb.REINDEX_OBJECT_TABLE: "TABLE"}
            return _after(sql, words[reindex.kind]) if reindex.kind in words else None
        case pb.AlterTableStmt() as alter if _only_command(alter, pb.AT_DetachPartition) is not None:
            return _at_end(sql, " CONCURRENTLY")
    return None


def not_valid(sql: str) -> Insertion | None:
    """What makes an ALTER TABLE that does nothing but add one CHECK or FOREIGN KEY leave the rows unread."""
    constraint = _added_constraint(sql)
    if constraint is None or constraint.contype not in (pb.CONSTR_CHECK, pb.CONSTR_FOREIGN):
        return None
    return None if constraint.skip_validation else _at_end(sql, " NOT VALID")


def unique_using_index(sql: str, name: str) -> tuple[str, str] | None:
    """An ALTER TABLE that does nothing but add a UNIQUE or PRIMARY KEY as two statements.

    The index `name` is built CONCURRENTLY first and becomes the constraint `name` then. None for anything else.
    """
    constraint = _added_constraint(sql)
    if constraint is None or constraint.contype not in (pb.CONSTR_UNIQUE, pb.CONSTR_PRIMARY):
        return None
    if constraint.indexname or constraint.without_overlaps or constraint.where_clause.WhichOneof("node"):
        return None
    relation = parse(sql).relation
    index = pb.IndexStmt(
        idxname=name,
        relation=relation,
        access_method="btree",
        index_params=[_element(key) for key in constraint.keys],
        index_including_params=[_element(key) for key in constraint.including],
        options=constraint.options,
        table_space=constraint.indexspace,
        nulls_not_distinct=constraint.nulls_not_distinct,
        unique=True,
        concurrent=True,
    )
    word = "UNIQUE" if constraint.contype == pb.CONSTR_UNIQUE else "PRIMARY KEY"
    add = f"ALTER TABLE {_relation(relation)} ADD CONSTRAINT {identifier(name)} {word} USING INDEX {identifier(name)}"
    add += " DEFERRABLE" if constraint.deferrable else ""
    add += " INITIALLY DEFERRED" if constraint.initdeferred else ""
    return deparse_statement(pb.Node(index_stmt=index)), add


def is_plain_index(sql: str) -> bool:
    """Whether a CREATE INDEX has nothing but columns: no expression, operator class, order, predicate or option."""
    node = _read(sql)
    if not isinstance(node, pb.IndexStmt):
        return False
    extras = (node.index_including_params, node.options, node.table_space, node.where_clause.WhichOneof("node"))
    return not any((*extras, node.nulls_not_distinct, node.if_not_exists)) and all(
        param.index_elem.name
        and not (param.index_elem.opclass or param.index_elem.collation)
        and param.index_elem.ordering == pb.SORTBY_DEFAULT
        and param.index_elem.nulls_ordering == pb.SORTBY_NULLS_DEFAULT
        for param in node.index_params
    )


def sets_one_column_not_null(sql: str) -> bool:
    """Whether the statement is an ALTER TABLE that does nothing but SET NOT NULL on one column."""
    node = _read(sql)
    return isinstance(node, pb.AlterTableStmt) and _only_command(node, pb.AT_SetNotNull) is not None


def _after(sql: str, word: str) -> Insertion | None:
    """CONCURRENTLY behind the first token `word` that is no comment, string or quoted name."""
    for token in tokens(sql):
        start, end = character(sql, token.start), character(sql, token.end)
        if sql[start:end].upper() == word:
            assert end is not None
            return end, " CONCURRENTLY"
    return None


def _at_end(sql: str, text: str) -> Insertion | None:
    written = [
        token for token in tokens(sql) if pb.Token.Name(token.token) not in _COMMENTS and token.token != pb.ASCII_59
    ]
    end = character(sql, written[-1].end)
    return None if end is None else (end, text)


def _read(sql: str) -> Any:
    try:
        return parse(sql)
    except SqlError:
        return None


def _is_one_index(drop: Any) -> bool:
    one = drop.remove_type == pb.OBJECT_INDEX and len(drop.objects) == 1
    return one and not drop.concurrent and drop.behavior != pb.DROP_CASCADE


def _only_command(alter: Any, subtype: int) -> Any:
    if alter.objtype != pb.OBJECT_TABLE or len(alter.cmds) != 1:
        return None
    command = alter.cmds[0].alter_table_cmd
    return command if command.subtype == subtype else None


def _added_constraint(sql: str) -> Any:
    """The constraint of an ALTER TABLE whose one command adds it to a table; None for anything else."""
    node = _read(sql)
    command = _only_command(node, pb.AT_AddConstraint) if isinstance(node, pb.AlterTableStmt) else None
    added = None if command is None else getattr(command, "def")
    return added.constraint if added is not None and kind(added) == "constraint" else None


def _element(key: Any) -> Any:
    element = pb.IndexElem(name=key.string.sval, ordering=pb.SORTBY_DEFAULT, nulls_ordering=pb.SORTBY_NULLS_DEFAULT)
    return pb.Node(index_elem=element)


def _relation(relation: Any) -> str:
    names = (relation.schemaname, relation.relname) if relation.schemaname else (relation.relname,)
    return ".".join(identifier(name) for name in names)
