"""ALTER … RENAME, SET SCHEMA, OWNER TO."""

from typing import Any

from migsafe.model.effects import Object
from migsafe.sql import names
from migsafe.sql.draft import AE, SUE, Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner
from migsafe.sql.predict.drop import object_words

_RELATIONS = {
    pb.OBJECT_TABLE: "table",
    pb.OBJECT_VIEW: "view",
    pb.OBJECT_MATVIEW: "materialized view",
    pb.OBJECT_SEQUENCE: "sequence",
    pb.OBJECT_FOREIGN_TABLE: "foreign table",
    pb.OBJECT_INDEX: "index",
}
_ATTACHED = {pb.OBJECT_TRIGGER: "trigger", pb.OBJECT_RULE: "rule", pb.OBJECT_POLICY: "policy"}


def rename(node: pb.RenameStmt, draft: Draft) -> None:
    of = node.relation_type if node.rename_type in (pb.OBJECT_COLUMN, pb.OBJECT_ATTRIBUTE) else node.rename_type
    draft.command = f"ALTER {object_words(of if node.rename_type != pb.OBJECT_TABCONSTRAINT else pb.OBJECT_TABLE)}"
    if node.rename_type in _RELATIONS:
        _rename_relation(node, draft)
    elif node.rename_type == pb.OBJECT_COLUMN:
        _rename_column(node, draft)
    elif node.rename_type == pb.OBJECT_TABCONSTRAINT:
        _rename_constraint(node, draft)
    elif node.rename_type in _ATTACHED:
        _rename_attached(node, draft)
    elif node.rename_type == pb.OBJECT_ATTRIBUTE:
        _rename_attribute(node, draft)
    else:
        _rename_other(node, draft)


def _rename_relation(node: pb.RenameStmt, draft: Draft) -> None:
    """ACCESS EXCLUSIVE; ALTER INDEX takes SHARE UPDATE EXCLUSIVE, unless it is spelled ALTER TABLE (measured)."""
    name = names.relation(node.relation, draft.catalog)
    if node.missing_ok and draft.catalog.complete and not draft.is_known(name):
        draft.skip()
        return
    kind = draft.kind(name) if draft.is_known(name) else _RELATIONS[node.rename_type]
    draft.lock(name, SUE if node.rename_type == pb.OBJECT_INDEX and "index" in kind else AE, kind)
    new = f"{names.split(name)[0]}.{names.truncated(node.newname)}"
    draft.rename(Object(kind, name), Object(kind, new))
    draft.need("owner", name)


def _rename_column(node: pb.RenameStmt, draft: Draft) -> None:
    name = names.relation(node.relation, draft.catalog)
    if node.missing_ok and draft.catalog.complete and not draft.is_known(name):
        draft.skip()
        return
    kind = _RELATIONS.get(node.relation_type)
    for member in draft.family(name) if node.relation.inh else (name,):
        draft.lock(member, AE, kind if member == name else None)
        draft.rename(Object("column", node.subname, member), Object("column", names.truncated(node.newname), member))
    for table in draft.ways.typed.get(name, ()):
        draft.lock(table, AE)
    draft.need("owner", name)


def _rename_constraint(node: pb.RenameStmt, draft: Draft) -> None:
    name = names.relation(node.relation, draft.catalog)
    if node.missing_ok and draft.catalog.complete and not draft.is_known(name):
        draft.skip()
        return
    known = draft.constraint(name, node.subname)
    recurses = known is not None and known.kind in ("check", "not null") and not known.no_inherit
    for member in draft.family(name) if recurses and node.relation.inh else (name,):
        draft.lock(member, AE)
        draft.rename(Object("constraint", node.subname, member), Object("constraint", node.newname, member))
    if known and known.index:
        draft.lock(known.index, SUE)


def _rename_attached(node: pb.RenameStmt, draft: Draft) -> None:
    """ACCESS EXCLUSIVE on the table; a trigger's partitions too since 15 (measured)."""
    kind = _ATTACHED[node.rename_type]
    name = names.relation(node.relation, draft.catalog)
    partitions = kind == "trigger" and draft.version >= 15 and draft.is_partitioned(name)
    for member in draft.family(name) if partitions else (name,):
        draft.lock(member, AE)
        if member == name or node.subname in draft.catalog.triggers.get(member, {}):
            draft.rename(Object(kind, node.subname, member), Object(kind, node.newname, member))


def _rename_attribute(node: pb.RenameStmt, draft: Draft) -> None:
    name = names.relation(node.relation, draft.catalog)
    draft.command = "ALTER TYPE"
    draft.lock(name, AE, "composite type")
    draft.rename(Object("column", node.subname, name), Object("column", node.newname, name))
    for table in (member for typed in draft.ways.typed.get(name, ()) for member in draft.family(typed)):
        draft.lock(table, AE)
        draft.rename(Object("column", node.subname, table), Object("column", node.newname, table))


def _rename_other(node: pb.RenameStmt, draft: Draft) -> None:
    word = object_words(node.rename_type).lower()
    if node.rename_type == pb.OBJECT_DOMCONSTRAINT:
        domain = names.listed(inner(node.object).items, draft.catalog, draft.catalog.types)
        draft.command = "ALTER DOMAIN"
        draft.rename(Object("constraint", node.subname, domain), Object("constraint", node.newname, domain))
        return
    old = object_name(node.object, draft) or node.subname
    if old is None:
        return
    schema = names.split(old)[0] if "." in old else ""
    known = draft.catalog.types.get(old)
    if known and known.kind == "composite":
        draft.lock(old, AE, "composite type")
    draft.rename(Object(word, old), Object(word, f"{schema}.{node.newname}" if schema else node.newname))


def object_name(node: Any, draft: Draft) -> str | None:
    """The name in the generic object field of a statement; None when it is not a plain one."""
    which = node.WhichOneof("node")
    if which == "string":
        return str(node.string.sval)
    if which == "type_name":
        return names.listed(node.type_name.names, draft.catalog, draft.catalog.types)
    if which == "list":
        known = (draft.catalog.types, draft.catalog.relations, draft.catalog.statistics)
        return names.listed(node.list.items, draft.catalog, *known)
    if which == "object_with_args":
        return names.listed(node.object_with_args.objname, draft.catalog, draft.catalog.volatility)
    return None


def set_schema(node: pb.AlterObjectSchemaStmt, draft: Draft) -> None:
    """ACCESS EXCLUSIVE on the relation and its sequences, for a moment on indexes that no constraint has (measured)."""
    draft.command = f"ALTER {object_words(node.object_type)}"
    if node.object_type not in _RELATIONS:
        _move_other(node, draft)
        return
    name = names.relation(node.relation, draft.catalog)
    if node.missing_ok and draft.catalog.complete and not draft.is_known(name):
        draft.skip()
        return
    kind = draft.kind(name) if draft.is_known(name) else _RELATIONS[node.object_type]
    draft.lock(name, AE, kind)
    owned = {constraint.index for constraint in draft.constraints(name)}
    moved = [(kind, name)]
    for index in draft.indexes(name):
        if index.name not in owned:
            draft.lock(index.name, AE, transient=True)
        moved.append(("index", index.name))
    for sequence in draft.ways.sequences.get(name, ()):
        draft.lock(sequence, AE)
        moved.append(("sequence", sequence))
    for what, old in moved:
        draft.rename(Object(what, old), Object(what, f"{node.newschema}.{names.bare(old)}"))
    draft.need("owner", name)
    draft.need("create-in-schema", node.newschema)


def _move_other(node: pb.AlterObjectSchemaStmt, draft: Draft) -> None:
    old = object_name(node.object, draft)
    word = object_words(node.object_type).lower()
    if old is None or node.object_type == pb.OBJECT_EXTENSION:
        return
    draft.rename(Object(word, old), Object(word, f"{node.newschema}.{names.bare(old)}"))


def set_owner(node: pb.AlterOwnerStmt, draft: Draft) -> None:
    """Only relations are locked, and those go through ALTER TABLE; a composite type is one too."""
    draft.command = f"ALTER {object_words(node.object_type)}"
    name = object_name(node.object, draft)
    known = draft.catalog.types.get(name or "")
    if name and known and known.kind == "composite":
        draft.lock(name, AE, "composite type")


HANDLES = {
    "RenameStmt": rename,
    "AlterObjectSchemaStmt": set_schema,
    "AlterOwnerStmt": set_owner,
}
