"""What statements set beyond locks and the catalog: comments, owners, grants, storage parameters, switches."""

from collections.abc import Iterable
from typing import Any

from migsafe.model.catalog import Index
from migsafe.model.effects import Attribute, Object
from migsafe.sql import expressions, names, privileges
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import deparse_statement, kind, strings


def attributes(node: Any, draft: Draft) -> tuple[Attribute, ...]:
    """The attributes that a statement sets; its own module has filled the draft already."""
    noting = _NOTING.get(type(node).__name__)
    if noting is None or draft.nothing_to_do or draft.unknown is not None:
        return ()
    found = noting(node, draft)
    return tuple(Attribute(*each) for each in found if not (each[0].of or each[0].name).startswith("pg_temp."))


Found = Iterable[tuple[Object, str, str | None]]


def _altered(node: pb.AlterTableStmt, draft: Draft) -> Found:
    if node.objtype == pb.OBJECT_TYPE:
        return
    name = names.relation(node.relation, draft.catalog)
    relation = Object("index" if node.objtype == pb.OBJECT_INDEX else "relation", name)
    for item in node.cmds:
        yield from _of_command(item.alter_table_cmd, relation, draft)


def _of_command(cmd: pb.AlterTableCmd, relation: Object, draft: Draft) -> Found:
    written, column = getattr(cmd, "def"), Object("column", cmd.name, relation.name)
    match cmd.subtype:
        case pb.AT_SetRelOptions | pb.AT_ResetRelOptions:
            for option, value in _options(item.def_elem for item in written.list.items):
                yield relation, f"parameter {option}", None if cmd.subtype == pb.AT_ResetRelOptions else value
        case pb.AT_SetOptions | pb.AT_ResetOptions:
            for option, value in _options(item.def_elem for item in written.list.items):
                yield column, f"option {option}", None if cmd.subtype == pb.AT_ResetOptions else value
        case pb.AT_SetStatistics if cmd.name:
            target = str(written.integer.ival)
            yield column, "statistics target", None if target == "-1" else target
        case pb.AT_SetStorage:
            yield column, "storage", written.string.sval.lower()
        case pb.AT_SetCompression:
            yield column, "compression", written.string.sval.lower()
        case pb.AT_ChangeOwner if cmd.newowner.rolename:
            yield relation, "owner", cmd.newowner.rolename
        case pb.AT_ClusterOn | pb.AT_DropCluster:
            yield relation, "clustered on", cmd.name or None
        case pb.AT_ReplicaIdentity:
            identity = written.replica_identity_stmt
            said = {"n": "nothing", "f": "full", "d": "default"}
            yield relation, "replica identity", said.get(identity.identity_type, f"index {identity.name}")
        case number if number in _SWITCHES:
            name, value = _SWITCHES[number]
            yield relation, name, value
        case number if number in ENABLED:
            yield from _switched(cmd, relation, draft)


_SWITCHES = {
    pb.AT_EnableRowSecurity: ("row security", "on"),
    pb.AT_DisableRowSecurity: ("row security", "off"),
    pb.AT_ForceRowSecurity: ("forced row security", "on"),
    pb.AT_NoForceRowSecurity: ("forced row security", "off"),
}
ENABLED = {
    pb.AT_EnableTrig: "O",
    pb.AT_EnableAlwaysTrig: "A",
    pb.AT_EnableReplicaTrig: "R",
    pb.AT_DisableTrig: "D",
    pb.AT_EnableTrigAll: "O",
    pb.AT_EnableTrigUser: "O",
    pb.AT_DisableTrigAll: "D",
    pb.AT_DisableTrigUser: "D",
    pb.AT_EnableRule: "O",
    pb.AT_EnableAlwaysRule: "A",
    pb.AT_EnableReplicaRule: "R",
    pb.AT_DisableRule: "D",
}
_RULES = (pb.AT_EnableRule, pb.AT_EnableAlwaysRule, pb.AT_EnableReplicaRule, pb.AT_DisableRule)


def _switched(cmd: pb.AlterTableCmd, relation: Object, draft: Draft) -> Found:
    """ALL and USER mean every trigger that is known."""
    thing = "rule" if cmd.subtype in _RULES else "trigger"
    meant = (cmd.name,) if cmd.name else tuple(draft.catalog.triggers.get(relation.name, {}))
    for name in meant:
        yield Object(thing, name, relation.name), "enabled", ENABLED[cmd.subtype]


def _options(elements: Iterable[Any]) -> Iterable[tuple[str, str]]:
    """Names with the values as pg_class.reloptions has them; one without a value is true."""
    for element in elements:
        name = f"{element.defnamespace}.{element.defname}" if element.defnamespace else element.defname
        yield name.lower(), value_of(element.arg)


def value_of(node: pb.Node) -> str:
    """An option's value as text; nothing written is true."""
    match kind(node):
        case "integer":
            return str(node.integer.ival)
        case "float":
            return str(node.float.fval)
        case "string":
            return str(node.string.sval)
        case "boolean":
            return "true" if node.boolean.boolval else "false"
        case "type_name":
            return str(strings(node.type_name.names)[-1])
    return "true"


def _created(node: Any, draft: Draft) -> Found:
    """The storage parameters of a new table or materialized view."""
    named = node.relation if isinstance(node, pb.CreateStmt) else node.into.rel
    options = node.options if isinstance(node, pb.CreateStmt) else node.into.options
    name = names.new_relation(named, draft.catalog)
    for option, value in _options(item.def_elem for item in options):
        yield Object("relation", name), f"parameter {option}", value


def _indexed(node: pb.IndexStmt, draft: Draft) -> Found:
    made = next((thing for thing in draft.all("creates") if isinstance(thing, Index)), None)
    if made is None:
        return
    for option, value in _options(item.def_elem for item in node.options):
        yield Object("index", made.name), f"parameter {option}", value


def _view(node: pb.ViewStmt, draft: Draft) -> Found:
    view = Object("relation", names.new_relation(node.view, draft.catalog))
    yield view, "query", deparse_statement(node.query)
    for option, value in _options(item.def_elem for item in node.options):
        yield view, f"parameter {option}", value


def _materialized(node: pb.CreateTableAsStmt, draft: Draft) -> Found:
    yield from _created(node, draft)
    if node.objtype == pb.OBJECT_MATVIEW:
        view = Object("relation", names.new_relation(node.into.rel, draft.catalog))
        yield view, "query", deparse_statement(node.query)
        yield view, "populated", "false" if node.into.skip_data else "true"


def _refreshed(node: pb.RefreshMatViewStmt, draft: Draft) -> Found:
    view = Object("relation", names.relation(node.relation, draft.catalog))
    yield view, "populated", "false" if node.skip_data else "true"


def _policy(node: Any, draft: Draft) -> Found:
    policy = Object("policy", node.policy_name, names.relation(node.table, draft.catalog))
    if isinstance(node, pb.CreatePolicyStmt):
        yield policy, "command", node.cmd_name
        yield policy, "permissive", "true" if node.permissive else "false"
    roles = [item.role_spec for item in node.roles]
    if all(role.roletype in (pb.ROLESPEC_CSTRING, pb.ROLESPEC_PUBLIC) for role in roles) and roles:
        yield policy, "roles", ",".join(sorted(role.rolename or "public" for role in roles))
    for name, written in (("using", node.qual), ("check", node.with_check)):
        if kind(written) is not None:
            yield policy, name, expressions.text(written)
        elif isinstance(node, pb.CreatePolicyStmt):
            yield policy, name, None


_SEQUENCE = {"start": "start", "increment": "increment", "minvalue": "minimum", "maxvalue": "maximum"}
_SEQUENCE |= {"cache": "cache", "cycle": "cycle"}


def _sequence(node: Any, draft: Draft) -> Found:
    creating = isinstance(node, pb.CreateSeqStmt)
    name = (names.new_relation if creating else names.relation)(node.sequence, draft.catalog)
    for item in node.options:
        written = item.def_elem
        if written.defname in _SEQUENCE and kind(written.arg) is not None:
            yield Object("relation", name), _SEQUENCE[written.defname], value_of(written.arg)


def _comment(node: pb.CommentStmt, draft: Draft) -> Found:
    thing = _named(node.objtype, node.object, draft)
    if thing is not None:
        yield thing, "comment", node.comment or None


def _owner(node: pb.AlterOwnerStmt, draft: Draft) -> Found:
    thing = _named(node.object_type, node.object, draft)
    if thing is not None and node.newowner.rolename:
        yield thing, "owner", node.newowner.rolename


_RELATIONS = (
    pb.OBJECT_TABLE,
    pb.OBJECT_VIEW,
    pb.OBJECT_MATVIEW,
    pb.OBJECT_SEQUENCE,
    pb.OBJECT_FOREIGN_TABLE,
    pb.OBJECT_INDEX,
)
_BELOW = {
    pb.OBJECT_COLUMN: "column",
    pb.OBJECT_TABCONSTRAINT: "constraint",
    pb.OBJECT_TRIGGER: "trigger",
    pb.OBJECT_RULE: "rule",
    pb.OBJECT_POLICY: "policy",
}
_FUNCTIONS = (pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE, pb.OBJECT_ROUTINE)
_BARE = {pb.OBJECT_SCHEMA: "schema", pb.OBJECT_EXTENSION: "extension", pb.OBJECT_PUBLICATION: "publication"}


def _named(number: int, node: pb.Node, draft: Draft) -> Object | None:
    """The object that a statement names by such a node; None for kinds that are not followed."""
    catalog, parts = draft.catalog, node.list.items
    relations = (catalog.relations, catalog.indexes)
    if number in _RELATIONS and parts:
        found = "index" if number == pb.OBJECT_INDEX else "relation"
        return Object(found, names.listed(parts, catalog, *relations))
    if number in _BELOW and len(parts) > 1:
        return Object(_BELOW[number], strings(parts)[-1], names.listed(parts[:-1], catalog, *relations))
    if number == pb.OBJECT_STATISTIC_EXT:
        return Object("statistics", names.listed(parts, catalog, catalog.statistics))
    if number in (pb.OBJECT_TYPE, pb.OBJECT_DOMAIN):
        listed = node.type_name.names or parts
        return Object("type", names.listed(listed, catalog, catalog.types)) if listed else None
    if number in _FUNCTIONS:
        return privileges.function(node.object_with_args, draft)
    return Object(_BARE[number], node.string.sval) if number in _BARE and node.string.sval else None


_NOTING = {
    "AlterTableStmt": _altered,
    "CreateStmt": _created,
    "CreateTableAsStmt": _materialized,
    "IndexStmt": _indexed,
    "RefreshMatViewStmt": _refreshed,
    "ViewStmt": _view,
    "CreatePolicyStmt": _policy,
    "AlterPolicyStmt": _policy,
    "CreateSeqStmt": _sequence,
    "AlterSeqStmt": _sequence,
    "CommentStmt": _comment,
    "AlterOwnerStmt": _owner,
    "GrantStmt": privileges.granted,
}
