"""Which statements `Effects` tells the whole of, as far as a way back goes, and which change what they do not tell."""

from collections.abc import Iterable
from typing import Any

from migsafe.errors import SqlError
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Object
from migsafe.sql import names, types
from migsafe.sql.nodes import pb
from migsafe.sql.parse import kind, parse, strings, walk

Found = Iterable[tuple[Object, str]]

# Nothing of the schema, nothing of its rows that `writes` does not tell.
_HARMLESS = frozenset(
    {
        *("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "TruncateStmt", "CopyStmt"),
        *("VariableSetStmt", "VariableShowStmt", "TransactionStmt", "LockStmt", "VacuumStmt", "ReindexStmt"),
        *("CheckPointStmt", "ExplainStmt", "ConstraintsSetStmt", "DiscardStmt", "DeclareCursorStmt", "FetchStmt"),
        *(
            "ClosePortalStmt",
            "NotifyStmt",
            "ListenStmt",
            "UnlistenStmt",
            "PrepareStmt",
            "ExecuteStmt",
            "DeallocateStmt",
        ),
        "RefreshMatViewStmt",
    }
)
_TOLD = frozenset(
    {
        *("CreateStmt", "AlterTableStmt", "IndexStmt", "DropStmt", "RenameStmt", "AlterObjectSchemaStmt"),
        *("AlterOwnerStmt", "ViewStmt", "CreateTableAsStmt", "CreateEnumStmt", "AlterEnumStmt", "CompositeTypeStmt"),
        *("CreateRangeStmt", "CreateDomainStmt", "AlterDomainStmt", "CreateSeqStmt", "AlterSeqStmt"),
        *("CreateFunctionStmt", "AlterFunctionStmt", "RuleStmt", "CreatePolicyStmt", "AlterPolicyStmt"),
        *("CreateTrigStmt", "CreateExtensionStmt", "CreateStatsStmt", "AlterStatsStmt", "CreatePublicationStmt"),
        *("CreateSchemaStmt", "CreateEventTrigStmt", "AlterEventTrigStmt", "CommentStmt", "GrantStmt"),
        *("CreateForeignTableStmt", "ClusterStmt", "DoStmt"),
    }
)
_SUBCOMMANDS = frozenset(
    {
        *(pb.AT_AddColumn, pb.AT_DropColumn, pb.AT_AlterColumnType, pb.AT_ColumnDefault, pb.AT_DropNotNull),
        *(pb.AT_SetNotNull, pb.AT_SetExpression, pb.AT_DropExpression, pb.AT_SetStatistics, pb.AT_SetOptions),
        *(pb.AT_ResetOptions, pb.AT_SetStorage, pb.AT_SetCompression, pb.AT_AddIdentity, pb.AT_SetIdentity),
        *(pb.AT_DropIdentity, pb.AT_AddConstraint, pb.AT_DropConstraint, pb.AT_AlterConstraint),
        *(pb.AT_ValidateConstraint, pb.AT_ChangeOwner, pb.AT_ClusterOn, pb.AT_DropCluster, pb.AT_SetLogged),
        *(pb.AT_SetUnLogged, pb.AT_SetAccessMethod, pb.AT_SetTableSpace, pb.AT_SetRelOptions, pb.AT_ResetRelOptions),
        *(pb.AT_EnableTrig, pb.AT_EnableAlwaysTrig, pb.AT_EnableReplicaTrig, pb.AT_DisableTrig, pb.AT_EnableTrigUser),
        *(pb.AT_DisableTrigUser, pb.AT_EnableRule, pb.AT_EnableAlwaysRule, pb.AT_EnableReplicaRule, pb.AT_DisableRule),
        *(pb.AT_AddInherit, pb.AT_DropInherit, pb.AT_ReplicaIdentity, pb.AT_EnableRowSecurity),
        *(pb.AT_DisableRowSecurity, pb.AT_ForceRowSecurity, pb.AT_NoForceRowSecurity, pb.AT_AttachPartition),
        pb.AT_DetachPartition,
    }
)
_DROPPED = frozenset(
    {
        *(pb.OBJECT_TABLE, pb.OBJECT_VIEW, pb.OBJECT_MATVIEW, pb.OBJECT_SEQUENCE, pb.OBJECT_FOREIGN_TABLE),
        *(pb.OBJECT_INDEX, pb.OBJECT_TRIGGER, pb.OBJECT_RULE, pb.OBJECT_POLICY, pb.OBJECT_TYPE, pb.OBJECT_DOMAIN),
        *(pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE, pb.OBJECT_ROUTINE, pb.OBJECT_SCHEMA, pb.OBJECT_EXTENSION),
        *(pb.OBJECT_STATISTIC_EXT, pb.OBJECT_EVENT_TRIGGER),
    }
)


def unfollowed(sql: str) -> str | None:
    """Why the effects of a statement are not all of what it changes; None when they are, with `settings()`."""
    try:
        node = parse(sql)
    except SqlError as error:
        return error.message
    name = type(node).__name__
    if name in _HARMLESS:
        return None
    if name not in _TOLD:
        return "a statement of this kind is not followed"
    special = _SPECIAL.get(name)
    return special(node) if special else None


def _of_alter_table(node: pb.AlterTableStmt) -> str | None:
    unknown = [c.alter_table_cmd for c in node.cmds if c.alter_table_cmd.subtype not in _SUBCOMMANDS]
    if unknown:
        words = pb.AlterTableType.Name(unknown[0].subtype).removeprefix("AT_")
        return f"ALTER TABLE with {words} is not followed"
    return None


def _of_drop(node: pb.DropStmt) -> str | None:
    return None if node.remove_type in _DROPPED else "an object of this kind is not followed"


def _of_schema(node: pb.AlterObjectSchemaStmt) -> str | None:
    return "where the objects of an extension are is not followed" if node.object_type == pb.OBJECT_EXTENSION else None


def _of_grant(node: pb.GrantStmt) -> str | None:
    if node.targtype != pb.ACL_TARGET_OBJECT:
        return "which objects of the schema it reached is not followed"
    if node.grant_option:
        return "a grant option is not followed"
    if any(item.access_priv.cols for item in node.privileges):
        return "a privilege on columns is not followed"
    known = (pb.OBJECT_TABLE, pb.OBJECT_SEQUENCE, pb.OBJECT_SCHEMA, pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE)
    return None if node.objtype in (*known, pb.OBJECT_ROUTINE) else "a privilege on such an object is not followed"


def _of_comment(node: pb.CommentStmt) -> str | None:
    known = {pb.OBJECT_TABLE, pb.OBJECT_VIEW, pb.OBJECT_MATVIEW, pb.OBJECT_SEQUENCE, pb.OBJECT_FOREIGN_TABLE}
    known |= {pb.OBJECT_INDEX, pb.OBJECT_COLUMN, pb.OBJECT_TABCONSTRAINT, pb.OBJECT_TRIGGER, pb.OBJECT_RULE}
    known |= {pb.OBJECT_POLICY, pb.OBJECT_TYPE, pb.OBJECT_DOMAIN, pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE}
    return None if node.objtype in known | {pb.OBJECT_SCHEMA} else "a comment on such an object is not followed"


def _of_owner(node: pb.AlterOwnerStmt) -> str | None:
    known = (pb.OBJECT_SCHEMA, pb.OBJECT_TYPE, pb.OBJECT_DOMAIN, pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE)
    return None if node.object_type in known else "the owner of such an object is not followed"


def _of_rename(node: pb.RenameStmt) -> str | None:
    refused = (pb.OBJECT_ROLE, pb.OBJECT_DATABASE, pb.OBJECT_TABLESPACE, pb.OBJECT_PUBLICATION, pb.OBJECT_SUBSCRIPTION)
    return "a rename of such an object is not followed" if node.rename_type in refused else None


def _of_domain(node: pb.AlterDomainStmt) -> str | None:
    return None if node.subtype in "CXV" else "the default and NOT NULL of a domain are not followed"


def _of_do(node: pb.DoStmt) -> str | None:
    return "a DO block decides when it runs what it does"


_SPECIAL: dict[str, Any] = {
    "AlterTableStmt": _of_alter_table,
    "DropStmt": _of_drop,
    "AlterObjectSchemaStmt": _of_schema,
    "GrantStmt": _of_grant,
    "CommentStmt": _of_comment,
    "AlterOwnerStmt": _of_owner,
    "RenameStmt": _of_rename,
    "AlterDomainStmt": _of_domain,
    "DoStmt": _of_do,
}


def settings(sql: str, catalog: Catalog) -> tuple[tuple[Object, str], ...]:
    """Object and aspect (as model/definitions.py has them) of what a statement sets and its effects do not tell."""
    try:
        node = parse(sql)
    except SqlError:
        return ()
    found = _SETTINGS.get(type(node).__name__)
    return tuple(found(node, catalog)) if found else ()


def moves_sequence(sql: str) -> bool:
    """Whether a statement calls setval()."""
    if "setval" not in sql.lower():
        return False
    try:
        node = parse(sql)
    except SqlError:
        return True
    calls = (part for part in walk(node) if isinstance(part, pb.FuncCall))
    return any(strings(call.funcname)[-1:] == ("setval",) for call in calls)


def _tablespace(node: pb.AlterTableStmt, catalog: Catalog) -> Found:
    name = names.relation(node.relation, catalog)
    for item in node.cmds:
        if item.alter_table_cmd.subtype == pb.AT_SetTableSpace:
            yield Object("index" if node.objtype == pb.OBJECT_INDEX else "table", name), "tablespace"
        if item.alter_table_cmd.subtype == pb.AT_SetIdentity:
            yield Object("column", item.alter_table_cmd.name, name), "identity"
        if item.alter_table_cmd.subtype == pb.AT_AlterConstraint:
            altered = getattr(item.alter_table_cmd, "def").atalter_constraint
            if altered.alter_inheritability:
                yield Object("constraint", altered.conname, name), "inherit"


def _function(node: Any, catalog: Catalog) -> Found:
    given = node.func
    name = names.listed(given.objname, catalog, catalog.volatility)
    arguments = ", ".join(types.text(item.type_name, catalog) for item in given.objargs)
    yield Object("function", f"{name}({arguments})"), "definition"


def _cluster(node: Any, catalog: Catalog) -> Found:
    if node.indexname:
        yield Object("table", names.relation(node.relation, catalog)), "cluster"


def _statistics(node: Any, catalog: Catalog) -> Found:
    yield Object("statistics", names.listed(node.defnames, catalog, catalog.statistics)), "statistics"


def _event_trigger(node: Any, catalog: Catalog) -> Found:
    yield Object("event trigger", node.trigname), "enabled"


def _sequence(node: Any, catalog: Catalog) -> Found:
    name = names.relation(node.sequence, catalog)
    if any(item.def_elem.defname != "owned_by" for item in node.options):
        yield Object("sequence", name), "sequence"
    restarts = any(item.def_elem.defname == "restart" for item in node.options)
    if restarts:
        yield Object("sequence", name), "last value"
    if any(item.def_elem.defname == "owned_by" and not kind(item.def_elem.arg) for item in node.options):
        yield Object("sequence", name), "owned by"


def _policy(node: Any, catalog: Catalog) -> Found:
    yield Object("policy", node.policy_name, names.relation(node.table, catalog)), "definition"


_SETTINGS: dict[str, Any] = {
    "AlterTableStmt": _tablespace,
    "AlterFunctionStmt": _function,
    "AlterStatsStmt": _statistics,
    "ClusterStmt": _cluster,
    "AlterEventTrigStmt": _event_trigger,
    "AlterSeqStmt": _sequence,
    "AlterPolicyStmt": _policy,
}
