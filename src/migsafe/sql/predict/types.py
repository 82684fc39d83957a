"""CREATE TYPE, ALTER TYPE, CREATE DOMAIN, ALTER DOMAIN."""

from typing import Any

from migsafe.model.catalog import Column, Relation, Type
from migsafe.sql import conversions, names, types
from migsafe.sql.alter_table.columns import change
from migsafe.sql.draft import AE, Draft, S, replace
from migsafe.sql.mentions import lock_mentioned
from migsafe.sql.nodes import pb
from migsafe.sql.parse import strings


def _created(parts: Any, draft: Draft) -> str:
    listed = strings(parts)
    return ".".join(listed[-2:]) if len(listed) > 1 else names.created(listed[-1], draft.catalog)


def create_enum(node: pb.CreateEnumStmt, draft: Draft) -> None:
    draft.command = "CREATE TYPE"
    draft.create(Type(_created(node.type_name, draft), "enum", labels=strings(node.vals)))


def alter_enum(node: pb.AlterEnumStmt, draft: Draft) -> None:
    """No relation is locked; a value added by 12 and later is usable once the transaction has committed."""
    draft.command = "ALTER TYPE"
    name = names.listed(node.type_name, draft.catalog, draft.catalog.types)
    known = draft.catalog.types.get(name)
    labels = list(known.labels if known else ())
    added = known.added if known else ()
    if node.old_val:
        labels = [node.new_val if label == node.old_val else label for label in labels]
    elif node.new_val not in labels:
        at = len(labels)
        if node.new_val_neighbor in labels:
            at = labels.index(node.new_val_neighbor) + int(node.new_val_is_after)
        labels.insert(at, node.new_val)
        added = (*added, node.new_val)
    draft.alter(replace(known or Type(name, "enum"), labels=tuple(labels), added=added), known)


def create_composite(node: pb.CompositeTypeStmt, draft: Draft) -> None:
    draft.command = "CREATE TYPE"
    name = names.new_relation(node.typevar, draft.catalog)
    attributes = [item.column_def for item in node.coldeflist]
    printed = tuple((item.colname, types.text(item.type_name, draft.catalog)) for item in attributes)
    draft.create(Relation(name, "composite type"))
    draft.create(Type(name, "composite", attributes=printed))
    for attribute, type_text in printed:
        draft.create(Column(name, attribute, type_text, not_null=False, default=None))


def create_range(node: pb.CreateRangeStmt, draft: Draft) -> None:
    draft.command = "CREATE TYPE"
    draft.create(Type(_created(node.type_name, draft), "range"))


def define(node: pb.DefineStmt, draft: Draft) -> None:
    draft.command = f"CREATE {pb.ObjectType.Name(node.kind).removeprefix('OBJECT_').replace('_', ' ')}"
    if node.kind == pb.OBJECT_TYPE:
        draft.create(Type(_created(node.defnames, draft), "base"))


def create_domain(node: pb.CreateDomainStmt, draft: Draft) -> None:
    draft.command = "CREATE DOMAIN"
    name = _created(node.domainname, draft)
    written = [item.constraint for item in node.constraints]
    checks = [item for item in written if item.contype == pb.CONSTR_CHECK]
    constrained = bool(checks) or any(item.contype == pb.CONSTR_NOTNULL for item in written)
    bare = names.bare(name)
    listed: list[str] = []
    for item in checks:
        listed.append(item.conname or names.chosen(bare, "", "check", listed.__contains__))
    base = types.text(node.type_name, draft.catalog)
    for item in written:
        if item.contype == pb.CONSTR_DEFAULT:
            lock_mentioned(draft, item.raw_expr)
        elif item.contype == pb.CONSTR_CHECK:
            lock_mentioned(draft, item.raw_expr, [base])
    draft.create(Type(name, "domain", base=base, constrained=constrained, constraints=tuple(listed)))


def alter_domain(node: pb.AlterDomainStmt, draft: Draft) -> None:
    """A constraint that is checked takes SHARE on every table with such a column, and reads it (measured)."""
    draft.command = "ALTER DOMAIN"
    name = names.listed(node.type_name, draft.catalog, draft.catalog.types)
    known = draft.catalog.types.get(name) or Type(name, "domain")
    constraint = getattr(node, "def").constraint
    if node.subtype == "C":
        lock_mentioned(draft, constraint.raw_expr, [known.base])
    if node.subtype == "C" and not constraint.skip_validation:
        _check_users(draft, name)
    elif node.subtype == "V":
        _check_users(draft, name)
        draft.validate(node.name, name)
    elif node.subtype == "O":
        _check_users(draft, name)
    if node.subtype == "O":
        draft.alter(replace(known, constrained=True), draft.catalog.types.get(name))
    elif node.subtype == "C":
        added = constraint.conname or names.chosen(names.bare(name), "", "check", known.constraints.__contains__)
        unvalidated = (*known.unvalidated, added) if constraint.skip_validation else known.unvalidated
        after = replace(known, constrained=True, constraints=(*known.constraints, added), unvalidated=unvalidated)
        draft.alter(after, draft.catalog.types.get(name))
    elif node.subtype == "X":
        left = tuple(item for item in known.constraints if item != node.name)
        draft.alter(replace(known, constrained=bool(left), constraints=left), draft.catalog.types.get(name))


def _check_users(draft: Draft, name: str) -> None:
    if not draft.catalog.complete:
        draft.suppose(f"SHARE on, and a scan of, every table that has a column of domain {name}")
    for relation, columns in draft.catalog.columns.items():
        kind = draft.kind(relation)
        if kind not in ("table", "materialized view", "partitioned table"):
            continue
        if any(column.type and _is_of(draft, column.type, name) for column in columns.values()):
            draft.lock(relation, S, transient=kind == "partitioned table")
            if kind != "partitioned table":
                draft.scan(relation)


def _is_of(draft: Draft, printed: str, name: str) -> bool:
    domain = types.user_type(printed.removesuffix("[]"), draft.catalog)
    while domain is not None:
        if domain.name == name:
            return True
        domain = types.user_type(domain.base, draft.catalog) if domain.base else None
    return False


def alter_attributes(node: pb.AlterTableStmt, draft: Draft) -> None:
    """ALTER TYPE of a composite type: columns of that type are not touched, typed tables follow with CASCADE."""
    draft.command = "ALTER TYPE"
    name = names.relation(node.relation, draft.catalog)
    draft.lock(name, AE, "composite type")
    commands = [item.alter_table_cmd for item in node.cmds]
    typed = [member for table in draft.ways.typed.get(name, ()) for member in draft.family(table)]
    for table in typed:
        draft.lock(table, AE)
    for cmd in commands:
        for relation in (name, *typed):
            _attribute(draft, cmd, relation, cmd.subtype)


def _attribute(draft: Draft, cmd: Any, relation: str, subtype: int) -> None:
    definition = getattr(cmd, "def").column_def
    if subtype == pb.AT_AddColumn:
        draft.create(Column(relation, definition.colname, types.text(definition.type_name, draft.catalog)))
    elif subtype == pb.AT_DropColumn:
        draft.drop("column", cmd.name, relation)
        if cmd.behavior == pb.DROP_CASCADE and draft.kind(relation) == "composite type":
            draft.suppose(f"ACCESS EXCLUSIVE on what depends on {relation}.{cmd.name}, which is dropped too")
        if draft.kind(relation) == "table":
            draft.destroy("column", cmd.name, relation)
    elif subtype == pb.AT_AlterColumnType:
        new = types.text(definition.type_name, draft.catalog)
        column = draft.column(relation, cmd.name)
        if (
            draft.kind(relation) == "table"
            and conversions.convert(column.type if column else None, new, draft.catalog).rewrites
        ):
            draft.rewrite(relation)
            for index in draft.indexes(relation):
                draft.lock(index.name, AE)
                draft.build(index.name, relation, method=index.method)
        change(draft, relation, cmd.name, type=new)


HANDLES = {
    "CreateEnumStmt": create_enum,
    "AlterEnumStmt": alter_enum,
    "CompositeTypeStmt": create_composite,
    "CreateRangeStmt": create_range,
    "DefineStmt": define,
    "CreateDomainStmt": create_domain,
    "AlterDomainStmt": alter_domain,
}
