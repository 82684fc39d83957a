"""Tables, views and indexes: what their columns are called and stored as, keys of partitions, constraints."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from migsafe.model.catalog import Constraint, Index
from migsafe.model.effects import Object
from migsafe.sql import expressions, names, reads
from migsafe.sql.attributes import ENABLED
from migsafe.sql.defines import sequences
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner, kind, strings

Found = Iterable[tuple[Object, str, str | None]]

_CHECK_OPTIONS = {pb.LOCAL_CHECK_OPTION: "local", pb.CASCADED_CHECK_OPTION: "cascaded"}


def _view(node: pb.ViewStmt, draft: Draft) -> Found:
    view = Object("relation", names.new_relation(node.view, draft.catalog))
    columns = reads.column_names(inner(node.query), draft.catalog, strings(node.aliases))
    if columns:
        yield view, "columns", ", ".join(columns)
    yield view, "parameter check_option", _CHECK_OPTIONS.get(node.with_check_option) or _written(node)


def _written(node: pb.ViewStmt) -> str | None:
    """WITH (check_option = …) is the same."""
    elements = (item.def_elem for item in node.options)
    return next((each.arg.string.sval for each in elements if each.defname == "check_option"), None)


def _table_as(node: pb.CreateTableAsStmt, draft: Draft) -> Found:
    made = Object("relation", names.new_relation(node.into.rel, draft.catalog))
    columns = reads.column_names(inner(node.query), draft.catalog, strings(node.into.col_names))
    if columns and node.objtype == pb.OBJECT_MATVIEW:
        yield made, "columns", ", ".join(columns)
    if node.into.table_space_name:
        yield made, "tablespace", node.into.table_space_name


def _table(node: pb.CreateStmt, draft: Draft) -> Found:
    table = names.new_relation(node.relation, draft.catalog)
    if node.tablespacename:
        yield Object("relation", table), "tablespace", node.tablespacename
    if node.HasField("partspec"):
        yield from _partition_key(table, node.partspec)
    written = [element.constraint for element in node.table_elts if kind(element) == "constraint"]
    for element in node.table_elts:
        if kind(element) == "column_def":
            yield from _column(table, element.column_def, draft)
            written += [item.constraint for item in element.column_def.constraints]
    yield from _constraints(table, written, draft)


def _partition_key(table: str, spec: pb.PartitionSpec) -> Found:
    elements = [item.partition_elem for item in spec.part_params]
    keys = [expressions.text(each.expr) for each in elements if not each.name]
    yield Object("relation", table), "partition expressions", json.dumps(keys) if keys else None
    classes = [".".join(strings(each.opclass)[-1:]) for each in elements]
    yield Object("relation", table), "partition classes", ", ".join(classes) if any(classes) else None


def _column(table: str, written: pb.ColumnDef, draft: Draft) -> Found:
    column = Object("column", written.colname, table)
    if written.storage_name:
        yield column, "storage", written.storage_name.lower()
    if written.compression:
        yield column, "compression", written.compression.lower()
    for item in written.constraints:
        if item.constraint.contype == pb.CONSTR_IDENTITY:
            yield from sequences.of_column(table, written.colname, item.constraint.options, draft)


def _constraints(table: str, written: Iterable[Any], draft: Draft) -> Found:
    """What is written of each constraint that is found again among those made, by its kind and columns."""
    made = [each for each in draft.all("creates") if isinstance(each, Constraint) and each.relation == table]
    excluded = iter([each for each in made if each.kind == "exclude" and not each.inherited])
    for node in written:
        if node.contype == pb.CONSTR_EXCLUSION and (constraint := next(excluded, None)) is not None:
            yield from _exclusion(table, constraint, node)
        elif node.contype == pb.CONSTR_FOREIGN:
            yield from _key(table, [each for each in made if each.kind == "foreign key"], strings(node.fk_attrs), node)
        elif node.contype in (pb.CONSTR_PRIMARY, pb.CONSTR_UNIQUE) and node.without_overlaps:
            kinds = ("primary key", "unique")
            yield from _key(table, [each for each in made if each.kind in kinds], strings(node.keys), node)


def _exclusion(table: str, made: Constraint, node: pb.Constraint) -> Found:
    constraint = Object("constraint", made.name, table)
    pairs = [item.list.items for item in node.exclusions]
    yield constraint, "operators", ", ".join(strings(operator.list.items)[-1] for _, operator in pairs)
    elements = [element.index_elem for element, _ in pairs]
    yield constraint, "expressions", json.dumps([expressions.text(each.expr) for each in elements if not each.name])


def _key(table: str, made: list[Constraint], columns: tuple[str, ...], node: pb.Constraint) -> Iterator[Any]:
    own = [each for each in made if each.columns == columns]
    if len(own) != 1:
        return
    constraint = Object("constraint", own[0].name, table)
    if node.contype == pb.CONSTR_FOREIGN:
        yield constraint, "set on delete", ", ".join(sorted(strings(node.fk_del_set_cols))) or None
    if node.without_overlaps or node.fk_with_period:
        yield constraint, "period", "true"


def _altered(node: pb.AlterTableStmt, draft: Draft) -> Found:
    if node.objtype == pb.OBJECT_TYPE:
        return
    name = names.relation(node.relation, draft.catalog)
    for item in node.cmds:
        cmd = item.alter_table_cmd
        yield from _of_command(cmd, name, node.objtype == pb.OBJECT_INDEX, draft)
        if cmd.subtype in ENABLED and node.relation.inh and draft.is_partitioned(name):
            yield from _copies(cmd, name, draft)


def _copies(cmd: pb.AlterTableCmd, name: str, draft: Draft) -> Found:
    """The switch of a trigger is that of the copies which partitions have."""
    for trigger in draft.catalog.triggers.get(name, {}).values():
        if trigger.for_each_row and cmd.name in ("", trigger.name):
            for member in draft.family(name)[1:]:
                if trigger.name in draft.catalog.triggers.get(member, {}):
                    yield Object("trigger", trigger.name, member), "enabled", ENABLED[cmd.subtype]


def _of_command(cmd: pb.AlterTableCmd, name: str, is_index: bool, draft: Draft) -> Found:
    written = getattr(cmd, "def")
    match cmd.subtype:
        case pb.AT_AddColumn:
            yield from _column(name, written.column_def, draft)
            yield from _constraints(name, [each.constraint for each in written.column_def.constraints], draft)
        case pb.AT_AddConstraint:
            yield from _constraints(name, [written.constraint], draft)
        case pb.AT_AddIdentity:
            yield from sequences.of_column(name, cmd.name, written.constraint.options, draft)
        case pb.AT_SetIdentity:
            yield from sequences.of_column(name, cmd.name, written.list.items, draft)
        case pb.AT_SetTableSpace:
            yield Object("index" if is_index else "relation", name), "tablespace", cmd.name
        case pb.AT_SetStatistics if cmd.num and is_index:
            target = str(written.integer.ival)
            yield Object("index", name), f"statistics target {cmd.num}", None if target == "-1" else target


def _index(node: pb.IndexStmt, draft: Draft) -> Found:
    made = next((thing for thing in draft.all("creates") if isinstance(thing, Index)), None)
    if made is not None and node.table_space:
        yield Object("index", made.name), "tablespace", node.table_space


NOTING = {
    "ViewStmt": _view,
    "CreateTableAsStmt": _table_as,
    "CreateStmt": _table,
    "AlterTableStmt": _altered,
    "IndexStmt": _index,
}
