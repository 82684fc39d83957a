"""ALTER TABLE, and ALTER INDEX, VIEW, SEQUENCE, MATERIALIZED VIEW and FOREIGN TABLE, which share its grammar."""

from collections.abc import Callable
from typing import Any

from migsafe.model.locks import LockMode
from migsafe.sql import names
from migsafe.sql.alter_table import columns, constraints, options, partitions, types
from migsafe.sql.alter_table.alteration import Alteration
from migsafe.sql.alter_table.phases import finish
from migsafe.sql.draft import AE, SRE, SUE, Draft
from migsafe.sql.nodes import pb
from migsafe.sql.predict.types import alter_attributes

Subcommand = Callable[[Any, Alteration], None]

SUBCOMMANDS: dict[int, Subcommand] = {
    pb.AT_DropColumn: columns.drop_column,
    pb.AT_DropConstraint: constraints.drop,
    pb.AT_AlterColumnType: types.alter_type,
    pb.AT_AddColumn: columns.add_column,
    pb.AT_SetExpression: columns.set_expression,
    pb.AT_ColumnDefault: columns.set_default,
    pb.AT_DropNotNull: columns.drop_not_null,
    pb.AT_SetNotNull: columns.set_not_null,
    pb.AT_DropExpression: columns.drop_expression,
    pb.AT_SetStatistics: columns.set_statistics,
    pb.AT_SetOptions: columns.set_options,
    pb.AT_ResetOptions: columns.set_options,
    pb.AT_SetStorage: columns.set_storage,
    pb.AT_SetCompression: columns.set_storage,
    pb.AT_AddIdentity: columns.add_identity,
    pb.AT_SetIdentity: columns.set_identity,
    pb.AT_DropIdentity: columns.drop_identity,
    pb.AT_AddConstraint: constraints.add,
    pb.AT_AlterConstraint: constraints.alter,
    pb.AT_ValidateConstraint: constraints.validate,
    pb.AT_ChangeOwner: options.owner,
    pb.AT_ClusterOn: options.cluster_on,
    pb.AT_DropCluster: options.only_lock,
    pb.AT_SetLogged: options.set_persistence,
    pb.AT_SetUnLogged: options.set_persistence,
    pb.AT_SetAccessMethod: options.set_access_method,
    pb.AT_SetTableSpace: options.set_tablespace,
    pb.AT_SetRelOptions: options.only_lock,
    pb.AT_ResetRelOptions: options.only_lock,
    pb.AT_ReplaceRelOptions: options.only_lock,
    pb.AT_EnableTrig: options.switch_trigger,
    pb.AT_EnableAlwaysTrig: options.switch_trigger,
    pb.AT_EnableReplicaTrig: options.switch_trigger,
    pb.AT_DisableTrig: options.switch_trigger,
    pb.AT_EnableTrigAll: options.switch_trigger,
    pb.AT_DisableTrigAll: options.switch_trigger,
    pb.AT_EnableTrigUser: options.switch_trigger,
    pb.AT_DisableTrigUser: options.switch_trigger,
    pb.AT_EnableRule: options.only_lock,
    pb.AT_EnableAlwaysRule: options.only_lock,
    pb.AT_EnableReplicaRule: options.only_lock,
    pb.AT_DisableRule: options.only_lock,
    pb.AT_AddInherit: options.inherit,
    pb.AT_DropInherit: options.inherit,
    pb.AT_AddOf: options.of_type,
    pb.AT_DropOf: options.only_lock,
    pb.AT_ReplicaIdentity: options.replica_identity,
    pb.AT_EnableRowSecurity: options.row_security,
    pb.AT_DisableRowSecurity: options.row_security,
    pb.AT_ForceRowSecurity: options.only_lock,
    pb.AT_NoForceRowSecurity: options.only_lock,
    pb.AT_GenericOptions: options.only_lock,
    pb.AT_AlterColumnGenericOptions: options.only_lock,
    pb.AT_AttachPartition: partitions.attach,
    pb.AT_DetachPartition: partitions.detach,
    pb.AT_DetachPartitionFinalize: partitions.finalize,
    pb.AT_DropOids: options.only_lock,
}

# AlterTableGetLockLevel() in tablecmds.c; everything else is ACCESS EXCLUSIVE.
_TRIGGERS = {number for number, handler in SUBCOMMANDS.items() if handler is options.switch_trigger}
_MILD = {
    pb.AT_SetStatistics,
    pb.AT_SetOptions,
    pb.AT_ResetOptions,
    pb.AT_ClusterOn,
    pb.AT_DropCluster,
    pb.AT_AttachPartition,
    pb.AT_DetachPartitionFinalize,
    pb.AT_ValidateConstraint,
}
_PARAMETERS = {pb.AT_SetRelOptions, pb.AT_ResetRelOptions, pb.AT_ReplaceRelOptions}
# reloptions.c: parameters that are read only by maintenance or are safe to change under load.
_MILD_PARAMETERS = (
    "autovacuum_",
    "parallel_workers",
    "fillfactor",
    "toast_tuple_target",
    "vacuum_",
    "log_autovacuum",
    "n_distinct",
    "deduplicate_items",
    "ef_construction",
    "m",
    "lists",
    "pages_per_range",
    "autosummarize",
)


def lock_mode(cmd: pb.AlterTableCmd) -> LockMode:
    """The lock that one subcommand needs on its table."""
    if cmd.subtype in _MILD:
        return SUE
    if cmd.subtype in _TRIGGERS:
        return SRE
    if cmd.subtype == pb.AT_DetachPartition and columns.definition(cmd).partition_cmd.concurrent:
        return SUE
    if cmd.subtype == pb.AT_AddConstraint:
        return SRE if columns.definition(cmd).constraint.contype == pb.CONSTR_FOREIGN else AE
    if cmd.subtype in _PARAMETERS:
        options_ = columns.definition(cmd).list.items
        mild = all(item.def_elem.defname.startswith(_MILD_PARAMETERS) for item in options_)
        return SUE if mild else AE
    return AE


def alter_table(node: pb.AlterTableStmt, draft: Draft) -> None:
    """The strongest lock of all subcommands is taken first; children are locked in the same mode."""
    draft.command = _COMMANDS.get(node.objtype, "ALTER TABLE")
    name = names.relation(node.relation, draft.catalog)
    if node.objtype == pb.OBJECT_TYPE:
        alter_attributes(node, draft)
        return
    if node.missing_ok and draft.catalog.complete and not draft.is_known(name):
        draft.skip()
        return
    kind = _KINDS.get(node.objtype) if not draft.is_known(name) else draft.kind(name)
    commands = [item.alter_table_cmd for item in node.cmds]
    mode = max((lock_mode(cmd) for cmd in commands), key=lambda mode: mode.strength, default=AE)
    draft.lock(name, mode, kind)
    draft.need("owner", name)
    alteration = Alteration(draft, name, mode, recurses=bool(node.relation.inh))
    order = list(SUBCOMMANDS)
    for cmd in sorted(commands, key=lambda cmd: order.index(cmd.subtype) if cmd.subtype in SUBCOMMANDS else 99):
        handler = SUBCOMMANDS.get(cmd.subtype)
        if handler is None:
            draft.give_up(f"migsafe does not know {pb.AlterTableType.Name(cmd.subtype)} of ALTER TABLE")
        else:
            handler(cmd, alteration)
    finish(alteration)
    if alteration.skipped == len(commands):
        draft.skip()


_COMMANDS = {
    pb.OBJECT_INDEX: "ALTER INDEX",
    pb.OBJECT_VIEW: "ALTER VIEW",
    pb.OBJECT_SEQUENCE: "ALTER SEQUENCE",
    pb.OBJECT_MATVIEW: "ALTER MATERIALIZED VIEW",
    pb.OBJECT_FOREIGN_TABLE: "ALTER FOREIGN TABLE",
    pb.OBJECT_TYPE: "ALTER TYPE",
}
_KINDS = {
    pb.OBJECT_INDEX: "index",
    pb.OBJECT_VIEW: "view",
    pb.OBJECT_SEQUENCE: "sequence",
    pb.OBJECT_MATVIEW: "materialized view",
    pb.OBJECT_FOREIGN_TABLE: "foreign table",
}

HANDLES = {"AlterTableStmt": alter_table}
