"""GRANT, REVOKE, roles, databases, and objects whose statements lock no relation."""

from typing import Any

from migsafe.sql import drops, names
from migsafe.sql.draft import AE, AS, Draft
from migsafe.sql.nodes import pb
from migsafe.sql.predict.transaction import named, setting_value


def grant(node: pb.GrantStmt, draft: Draft) -> None:
    """ACCESS SHARE on each relation named since 18; no lock before, nor ON ALL TABLES IN SCHEMA (measured)."""
    draft.command = "GRANT" if node.is_grant else "REVOKE"
    if not node.is_grant:
        _revoke(node, draft)
    if draft.version < 18 or node.objtype not in (pb.OBJECT_TABLE, pb.OBJECT_SEQUENCE):
        return
    if node.targtype == pb.ACL_TARGET_OBJECT:
        for item in node.objects:
            draft.lock(names.relation(item.range_var, draft.catalog), AS)


def _revoke(node: pb.GrantStmt, draft: Draft) -> None:
    """An action for each relation; one without for a schema, and for all relations of one."""
    privileges = ", ".join(item.access_priv.priv_name.upper() for item in node.privileges) or "ALL"
    if node.objtype in (pb.OBJECT_TABLE, pb.OBJECT_SEQUENCE) and node.targtype == pb.ACL_TARGET_OBJECT:
        for item in node.objects:
            draft.act("revoke", privileges, names.relation(item.range_var, draft.catalog))
    elif node.objtype in (pb.OBJECT_TABLE, pb.OBJECT_SEQUENCE, pb.OBJECT_SCHEMA):
        draft.act("revoke", privileges)


def reassign(node: pb.ReassignOwnedStmt, draft: Draft) -> None:
    """Like OWNER TO on everything that the roles own."""
    draft.command = "REASSIGN OWNED"
    roles = {item.role_spec.rolename for item in node.roles}
    if not draft.catalog.complete or any(r.owner is None for r in draft.catalog.relations.values()):
        draft.give_up("what the role owns is not known")
    for relation in draft.catalog.relations.values():
        if relation.owner in roles:
            draft.lock(relation.name, AE)
            draft.lock_indexes(relation.name, AE)
            for sequence in draft.ways.sequences.get(relation.name, ()):
                draft.lock(sequence, AE)


def drop_owned(node: pb.DropOwnedStmt, draft: Draft) -> None:
    """Every relation of the roles goes, and every privilege that was granted to them."""
    draft.command = "DROP OWNED"
    roles = [item.role_spec.rolename or "CURRENT_USER" for item in node.roles]
    for role in roles:
        draft.drop("owned", role)
    known = draft.catalog.relations.values()
    if not draft.catalog.complete or "CURRENT_USER" in roles or any(relation.owner is None for relation in known):
        draft.give_up("what the role owns, and what was granted to it, is not known")
    for relation in known:
        if relation.owner in roles:
            drops.drop_relation(draft, relation.name, cascade=node.behavior == pb.DROP_CASCADE)


def set_for_database(node: pb.AlterDatabaseSetStmt, draft: Draft) -> None:
    draft.command = "ALTER DATABASE"
    draft.set_for_database(node.setstmt.name, setting_value(node.setstmt))


def no_transaction(command: str) -> Any:
    return named(command, in_transaction=False)


HANDLES = {
    "GrantStmt": grant,
    "ReassignOwnedStmt": reassign,
    "DropOwnedStmt": drop_owned,
    "GrantRoleStmt": named("GRANT"),
    "AlterDefaultPrivilegesStmt": named("ALTER DEFAULT PRIVILEGES"),
    "CreateRoleStmt": named("CREATE ROLE"),
    "AlterRoleStmt": named("ALTER ROLE"),
    "AlterRoleSetStmt": named("ALTER ROLE"),
    "DropRoleStmt": named("DROP ROLE"),
    "CreatedbStmt": no_transaction("CREATE DATABASE"),
    "DropdbStmt": no_transaction("DROP DATABASE"),
    "AlterDatabaseStmt": named("ALTER DATABASE"),
    "AlterDatabaseSetStmt": set_for_database,
    "AlterDatabaseRefreshCollStmt": named("ALTER DATABASE"),
    "AlterSystemStmt": no_transaction("ALTER SYSTEM"),
    "CreateTableSpaceStmt": no_transaction("CREATE TABLESPACE"),
    "DropTableSpaceStmt": no_transaction("DROP TABLESPACE"),
    "AlterTableSpaceOptionsStmt": named("ALTER TABLESPACE"),
    "CreateFdwStmt": named("CREATE FOREIGN DATA WRAPPER"),
    "AlterFdwStmt": named("ALTER FOREIGN DATA WRAPPER"),
    "CreateForeignServerStmt": named("CREATE SERVER"),
    "AlterForeignServerStmt": named("ALTER SERVER"),
    "CreateUserMappingStmt": named("CREATE USER MAPPING"),
    "AlterUserMappingStmt": named("ALTER USER MAPPING"),
    "DropUserMappingStmt": named("DROP USER MAPPING"),
    "CreateCastStmt": named("CREATE CAST"),
    "CreateConversionStmt": named("CREATE CONVERSION"),
    "CreateTransformStmt": named("CREATE TRANSFORM"),
    "CreateAmStmt": named("CREATE ACCESS METHOD"),
    "CreateOpClassStmt": named("CREATE OPERATOR CLASS"),
    "CreateOpFamilyStmt": named("CREATE OPERATOR FAMILY"),
    "AlterOpFamilyStmt": named("ALTER OPERATOR FAMILY"),
    "AlterOperatorStmt": named("ALTER OPERATOR"),
    "AlterTSConfigurationStmt": named("ALTER TEXT SEARCH CONFIGURATION"),
    "AlterTSDictionaryStmt": named("ALTER TEXT SEARCH DICTIONARY"),
    "AlterCollationStmt": named("ALTER COLLATION"),
    "AlterTypeStmt": named("ALTER TYPE"),
    "AlterStatsStmt": named("ALTER STATISTICS"),
    "AlterSubscriptionStmt": named("ALTER SUBSCRIPTION"),
    "AlterObjectDependsStmt": named("ALTER"),
    "CreatePLangStmt": named("CREATE LANGUAGE"),
    "SecLabelStmt": named("SECURITY LABEL"),
}
