"""A statement of a way back as the call of Alembic's API that sends it, where there is one."""

from collections.abc import Iterator
from typing import Any

from migsafe.errors import SqlError
from migsafe.sql.nodes import pb
from migsafe.sql.parse import parse, strings


class Call(tuple[str, tuple[str, ...], tuple[tuple[str, Any], ...]]):
    """Name of the operation, positional arguments, keywords: ("drop_column", ("t", "c"), (("schema", "s"),))."""


def as_operation(sql: str, default_schema: str = "public") -> Call | None:
    """The call for one statement; None: only `op.execute()` sends it.

    A schema that is `default_schema` is left out, as autogenerate does.
    """
    try:
        node = parse(sql)
    except SqlError:
        return None
    found = {"DropStmt": _drop, "AlterTableStmt": _alter_table, "RenameStmt": _rename}.get(type(node).__name__)
    return next(found(node, default_schema), None) if found else None


def _schema(name: str, default: str) -> tuple[tuple[str, Any], ...]:
    return (("schema", name),) if name and name != default else ()


def _drop(node: pb.DropStmt, default: str) -> Iterator[Call]:
    parts = strings(node.objects[0].list.items) if len(node.objects) == 1 else ()
    if not parts or node.behavior == pb.DROP_CASCADE or node.missing_ok:
        return
    schema = _schema(parts[-2] if len(parts) > 1 else "", default)
    if node.remove_type == pb.OBJECT_TABLE:
        yield Call(("drop_table", (parts[-1],), schema))
    elif node.remove_type == pb.OBJECT_INDEX:
        gently = (("postgresql_concurrently", True),) if node.concurrent else ()
        yield Call(("drop_index", (parts[-1],), (*schema, *gently)))


def _alter_table(node: pb.AlterTableStmt, default: str) -> Iterator[Call]:
    if len(node.cmds) != 1 or node.objtype != pb.OBJECT_TABLE or not node.relation.inh:
        return
    cmd, table = node.cmds[0].alter_table_cmd, node.relation.relname
    schema = _schema(node.relation.schemaname, default)
    if cmd.behavior == pb.DROP_CASCADE:
        return
    if cmd.subtype == pb.AT_DropColumn:
        yield Call(("drop_column", (table, cmd.name), schema))
    elif cmd.subtype == pb.AT_DropConstraint:
        yield Call(("drop_constraint", (cmd.name, table), schema))
    elif cmd.subtype in (pb.AT_SetNotNull, pb.AT_DropNotNull):
        nullable = ("nullable", cmd.subtype == pb.AT_DropNotNull)
        yield Call(("alter_column", (table, cmd.name), (nullable, *schema)))
    elif cmd.subtype == pb.AT_ColumnDefault and getattr(cmd, "def").WhichOneof("node") is None:
        yield Call(("alter_column", (table, cmd.name), (("server_default", None), *schema)))


def _rename(node: pb.RenameStmt, default: str) -> Iterator[Call]:
    table, schema = node.relation.relname, _schema(node.relation.schemaname, default)
    if node.rename_type == pb.OBJECT_TABLE:
        yield Call(("rename_table", (table, node.newname), schema))
    elif node.rename_type == pb.OBJECT_COLUMN and node.relation_type == pb.OBJECT_TABLE:
        yield Call(("alter_column", (table, node.subname), (("new_column_name", node.newname), *schema)))
