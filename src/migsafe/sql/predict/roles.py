"""GRANT, REVOKE, roles, databases, and objects whose statements lock no relation."""

from typing import Any

from migsafe.sql import names
from migsafe.sql.draft import AE, AS, Draft
from migsafe.sql.nodes import pb
from migsafe.sql.predict.transaction import named, setting_value


def grant(node: pb.GrantStmt, draft: Draft) -> None:
    """ACCESS SHARE on each relation since 18, no lock before (measured)."""
    draft.command = "GRANT" if node.is_grant else "REVOKE"
    if draft.version < 18 or node.objtype not in (pb.OBJECT_TABLE, pb.OBJECT_SEQUENCE):
        return
    if node.targtype == pb.ACL_TARGET_OBJECT:
        for item in node.objects:
            draft.lock(names.relation(item.range_var, draft.catalog), AS)
    elif node.targtype == pb.ACL_TARGET_ALL_IN_SCHEMA:
        _all_in_schema(node, draft)


def _all_in_schema(node: pb.GrantStmt, draft: Draft) -> None:
    wanted = ("sequence",) if node.objtype == pb.OBJECT_SEQUENCE else _TABLES
    schemas = tuple(f"{item.string.sval}." for item in node.objects)
    if not draft.catalog.complete:
        draft.suppose("ACCESS SHARE on every relation of the schema")
    for relation in draft.catalog.relations.values():
        if relation.kind in wanted and relation.name.startswith(schemas):
            draft.lock(relation.name, AS)


_TABLES = ("table", "partitioned table", "view", "materialized view", "foreign table")


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
    draft.command = "DROP OWNED"
    draft.give_up("what the role owns, and what was granted to it, is not known")


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
