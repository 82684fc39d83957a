"""GRANT, REVOKE and ALTER DEFAULT PRIVILEGES: who may do what with which objects."""

from collections.abc import Iterable, Iterator
from typing import Any

from migsafe.model.effects import Object
from migsafe.sql import expressions, names, types
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import strings

Found = Iterable[tuple[Object, str, str | None]]

# The kind of what a schema holds beyond what the catalog knows.
UNSEEN = "all of a schema"
_TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
_ALL = {
    "sequence": ("USAGE", "SELECT", "UPDATE"),
    "schema": ("USAGE", "CREATE"),
    "function": ("EXECUTE",),
    "type": ("USAGE",),
    "column": ("SELECT", "INSERT", "UPDATE", "REFERENCES"),
}
_ROLES = (pb.ROLESPEC_CSTRING, pb.ROLESPEC_PUBLIC)
_FUNCTIONS = (pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE, pb.OBJECT_ROUTINE)
_TYPES = (pb.OBJECT_TYPE, pb.OBJECT_DOMAIN)


def granted(node: pb.GrantStmt, draft: Draft) -> Found:
    """Privileges on relations, columns, schemas, functions and types, one by one and of a whole schema."""
    if not node.grant_option or node.is_grant:
        for thing, privilege, role in _listed(node, draft):
            yield thing, f"{privilege} of {role}", "granted" if node.is_grant else None


def options(node: pb.GrantStmt, draft: Draft) -> Found:
    """Whether the privileges may be granted on; REVOKE takes that away with the privilege itself."""
    if node.grant_option:
        for thing, privilege, role in _listed(node, draft):
            yield thing, f"grant option for {privilege} of {role}", "granted" if node.is_grant else None
    if node.targtype == pb.ACL_TARGET_ALL_IN_SCHEMA and not draft.catalog.complete:
        for schema in strings(node.objects):
            yield Object(UNSEEN, schema), "reached", None


def _listed(node: pb.GrantStmt, draft: Draft) -> Iterator[tuple[Object, str, str]]:
    """Object, privilege, role; nothing where the session says who the role is."""
    specs = [item.role_spec for item in node.grantees]
    if any(spec.roletype not in _ROLES for spec in specs):
        return
    roles = [spec.rolename or "PUBLIC" for spec in specs]
    privileges = [item.access_priv for item in node.privileges]
    for thing, sort in _reached(node, draft):
        for each in privileges or [pb.AccessPriv()]:
            columns = [Object("column", column, thing.name) for column in strings(each.cols)]
            for target in columns or [thing]:
                named = (each.priv_name.upper(),) if each.priv_name else _all("column" if columns else sort, draft)
                yield from ((target, privilege, role) for privilege in named for role in roles)


def _all(sort: str, draft: Draft) -> tuple[str, ...]:
    """What ALL stands for (manual, table 5.2); MAINTAIN is new in 17."""
    if sort == "relation":
        return (*_TABLE, "MAINTAIN") if draft.version >= 17 else _TABLE
    return _ALL[sort]


def _reached(node: pb.GrantStmt, draft: Draft) -> Iterator[tuple[Object, str]]:
    if node.targtype == pb.ACL_TARGET_ALL_IN_SCHEMA:
        for schema in strings(node.objects):
            yield from _in_schema(node.objtype, schema, draft)
    elif node.targtype == pb.ACL_TARGET_OBJECT:
        for item in node.objects:
            if (found := _one(node.objtype, item, draft)) is not None:
                yield found


_IN_SCHEMA = {
    pb.OBJECT_TABLE: ("table", "partitioned table", "view", "materialized view", "foreign table"),
    pb.OBJECT_SEQUENCE: ("sequence",),
}
_ROUTINES = {
    pb.OBJECT_FUNCTION: ("function", "aggregate"),
    pb.OBJECT_PROCEDURE: ("procedure",),
    pb.OBJECT_ROUTINE: ("function", "aggregate", "procedure"),
}


def _in_schema(number: int, schema: str, draft: Draft) -> Iterator[tuple[Object, str]]:
    """What is there of a schema by now: what is made later has no part in it."""
    for relation in draft.catalog.relations.values():
        if relation.kind in _IN_SCHEMA.get(number, ()) and names.split(relation.name)[0] == schema:
            yield Object("relation", relation.name), "sequence" if relation.kind == "sequence" else "relation"
    for function in draft.catalog.functions.values():
        if function.kind in _ROUTINES.get(number, ()) and names.split(function.name)[0] == schema:
            yield Object("function", function.signature), "function"


def _one(number: int, item: pb.Node, draft: Draft) -> tuple[Object, str] | None:
    if number in (pb.OBJECT_TABLE, pb.OBJECT_SEQUENCE):
        name = names.relation(item.range_var, draft.catalog)
        is_sequence = number == pb.OBJECT_SEQUENCE or draft.kind(name) == "sequence"
        return Object("relation", name), "sequence" if is_sequence else "relation"
    if number == pb.OBJECT_SCHEMA:
        return Object("schema", item.string.sval), "schema"
    if number in _TYPES:
        listed = item.list.items if item.WhichOneof("node") == "list" else item.type_name.names
        return Object("type", names.listed(listed, draft.catalog, draft.catalog.types)), "type"
    if number in _FUNCTIONS:
        thing = function(item.object_with_args, draft)
        return (thing, "function") if thing else None
    return None


def function(node: pb.ObjectWithArgs, draft: Draft) -> Object | None:
    """The function that a statement names; None for one without arguments of which there is not exactly one."""
    name = expressions.function_name(strings(node.objname), draft.catalog)
    name = name if "." in name else names.created(name, draft.catalog)
    if node.args_unspecified:
        known = [each for each in draft.catalog.functions.values() if each.name == name]
        return Object("function", known[0].signature) if len(known) == 1 else None
    arguments = ", ".join(types.text(item.type_name, draft.catalog) for item in node.objargs)
    return Object("function", f"{name}({arguments})")


_BY_DEFAULT = {
    pb.OBJECT_TABLE: ("tables", "relation"),
    pb.OBJECT_SEQUENCE: ("sequences", "sequence"),
    pb.OBJECT_FUNCTION: ("functions", "function"),
    pb.OBJECT_ROUTINE: ("functions", "function"),
    pb.OBJECT_TYPE: ("types", "type"),
    pb.OBJECT_SCHEMA: ("schemas", "schema"),
}


def by_default(node: pb.AlterDefaultPrivilegesStmt, draft: Draft) -> Found:
    """Privileges of what will be made; without FOR ROLE, by the role of the session."""
    said = {item.def_elem.defname: item.def_elem.arg.list.items for item in node.options}
    makers = [item.role_spec for item in said.get("roles", ())]
    grantees = [item.role_spec for item in node.action.grantees]
    if node.action.objtype not in _BY_DEFAULT or any(s.roletype not in _ROLES for s in (*makers, *grantees)):
        return
    word, sort = _BY_DEFAULT[node.action.objtype]
    written = [item.access_priv.priv_name.upper() for item in node.action.privileges] or list(_all(sort, draft))
    for maker in [f"of {spec.rolename} " for spec in makers] or [""]:
        for where in [f" in schema {schema}" for schema in strings(said.get("schemas", ()))] or [""]:
            thing = Object("default privileges", f"{maker}on {word}{where}")
            for privilege in written:
                for grantee in (spec.rolename or "PUBLIC" for spec in grantees):
                    yield thing, *_set(node.action, privilege, grantee)


def _set(action: Any, privilege: str, grantee: str) -> tuple[str, str | None]:
    if action.grant_option and not action.is_grant:
        return f"grant option for {privilege} of {grantee}", None
    return f"{privilege} of {grantee}", "granted" if action.is_grant else None
