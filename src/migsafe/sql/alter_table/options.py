"""Subcommands that lock and change attributes: triggers, rules, row security, storage parameters, persistence."""

from migsafe.sql import names
from migsafe.sql.alter_table.alteration import Alteration
from migsafe.sql.alter_table.columns import definition
from migsafe.sql.draft import AE, AS, SUE, S, replace
from migsafe.sql.nodes import pb


def only_lock(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    alteration.family(recurses=False)


def switch_trigger(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """Partitions follow, where such a trigger is theirs too: one for each row, or that of a foreign key."""
    draft, table = alteration.draft, alteration.name
    triggers = draft.catalog.triggers.get(table, {})
    meant = [triggers[cmd.name]] if cmd.name in triggers else list(triggers.values())
    internal = cmd.subtype in (pb.AT_EnableTrigAll, pb.AT_DisableTrigAll) and (
        draft.references(table) or any(key.kind == "foreign key" for key in draft.constraints(table))
    )
    shared = internal or any(trigger.for_each_row for trigger in meant)
    alteration.family(recurses=bool(shared) and draft.is_partitioned(table))
    disables = cmd.subtype in (pb.AT_DisableTrig, pb.AT_DisableTrigAll, pb.AT_DisableTrigUser)
    which = {pb.AT_DisableTrigAll: "all", pb.AT_EnableTrigAll: "all"}
    which |= {pb.AT_DisableTrigUser: "user", pb.AT_EnableTrigUser: "user"}
    draft.act("disable trigger" if disables else "enable trigger", which.get(cmd.subtype, cmd.name), alteration.name)


def row_security(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    alteration.family(recurses=False)
    word = "enable" if cmd.subtype == pb.AT_EnableRowSecurity else "disable"
    alteration.draft.act(f"{word} row security", "", alteration.name)


def replica_identity(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    alteration.family(recurses=False)
    stated = definition(cmd).replica_identity_stmt
    index = stated.name
    identity = {"n": "nothing", "f": "full", "d": "default"}.get(stated.identity_type, "index")
    alteration.draft.act("replica identity", identity, alteration.name)
    if index:
        schema = alteration.name.split(".", 1)[0]
        alteration.draft.lock(f"{schema}.{index}", S, "index")


def cluster_on(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    alteration.family(recurses=False)
    schema = alteration.name.split(".", 1)[0]
    alteration.draft.lock(f"{schema}.{cmd.name}", alteration.mode, "index")


def set_persistence(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """SET LOGGED and SET UNLOGGED rewrite the table, unless it is that already."""
    draft = alteration.draft
    wanted = "permanent" if cmd.subtype == pb.AT_SetLogged else "unlogged"
    alteration.family(recurses=False)
    known = draft.relation(alteration.name)
    if known and known.persistence == wanted:
        return
    if known is None and not draft.catalog.complete:
        draft.suppose(f"no rewrite if {alteration.name} is {'' if wanted == 'permanent' else 'not '}logged already")
    alteration.rewrite(alteration.name)
    if known:
        draft.alter(replace(known, persistence=wanted), known)
    for sequence in draft.ways.sequences.get(alteration.name, ()) if draft.version >= 15 else ():
        draft.lock(sequence, AE)


def set_tablespace(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """The data files are copied to the other place as they are; indexes stay where they were."""
    alteration.family(recurses=False)
    if alteration.has_rows(alteration.name):
        alteration.draft.suppose("nothing is copied if the table is in that tablespace already")
        alteration.draft.rewrite(alteration.name, reads=False)


def set_access_method(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """A rewrite, unless the table is stored so already."""
    draft = alteration.draft
    alteration.family(recurses=False)
    wanted = cmd.name if cmd.name not in ("", "heap") else None
    known = draft.relation(alteration.name)
    if known is None and not draft.catalog.complete:
        draft.suppose(f"no rewrite if {alteration.name} is stored as {wanted or 'heap'} already")
        alteration.rewrite(alteration.name)
    elif known and known.access_method != wanted:
        alteration.rewrite(alteration.name)
        draft.alter(replace(known, access_method=wanted), known)


def owner(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    """Indexes and sequences that belong to the table follow, in ACCESS EXCLUSIVE, when the owner changes."""
    draft = alteration.draft
    alteration.family(recurses=False)
    known = draft.relation(alteration.name)
    if known and known.owner == cmd.newowner.rolename:
        return
    draft.lock_indexes(alteration.name, AE)
    for sequence in draft.ways.sequences.get(alteration.name, ()):
        draft.lock(sequence, AE)
    if known:
        draft.alter(replace(known, owner=cmd.newowner.rolename), known)


def inherit(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    draft = alteration.draft
    alteration.family(recurses=False)
    parent = names.relation(definition(cmd).range_var, draft.catalog)
    adding = cmd.subtype == pb.AT_AddInherit
    draft.lock(parent, SUE if adding else AS)
    known = draft.relation(alteration.name)
    if known:
        kept = tuple(name for name in known.parents if name != parent)
        draft.alter(replace(known, parents=(*kept, parent) if adding else kept), known)


def of_type(cmd: pb.AlterTableCmd, alteration: Alteration) -> None:
    draft = alteration.draft
    alteration.family(recurses=False)
    name = names.listed(definition(cmd).type_name.names, draft.catalog, draft.catalog.types)
    draft.lock(name, AS, "composite type")
    known = draft.relation(alteration.name)
    if known:
        draft.alter(replace(known, of_type=name), known)
