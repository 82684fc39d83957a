"""CREATE SEQUENCE and ALTER SEQUENCE."""

from typing import Any

from migsafe.model.catalog import Relation
from migsafe.sql import names
from migsafe.sql.draft import AS, SRE, Draft, replace
from migsafe.sql.nodes import pb
from migsafe.sql.parse import strings


def create(node: pb.CreateSeqStmt, draft: Draft) -> None:
    draft.command = "CREATE SEQUENCE"
    name = names.new_relation(node.sequence, draft.catalog)
    if node.if_not_exists and draft.is_known(name):
        draft.skip()
        return
    owner = _owner(node, draft)
    if owner:
        draft.lock(owner[0], AS)
    draft.create(Relation(name, "sequence", owned_by=owner))


def alter(node: pb.AlterSeqStmt, draft: Draft) -> None:
    """SHARE ROW EXCLUSIVE: nextval() waits."""
    draft.command = "ALTER SEQUENCE"
    name = names.relation(node.sequence, draft.catalog)
    if node.missing_ok and draft.catalog.complete and not draft.is_known(name):
        draft.skip()
        return
    draft.lock(name, SRE, "sequence")
    owner = _owner(node, draft)
    if owner:
        draft.lock(owner[0], AS)
        known = draft.relation(name)
        draft.alter(replace(known or Relation(name, "sequence"), owned_by=owner), known)


def _owner(node: Any, draft: Draft) -> tuple[str, str] | None:
    for item in node.options:
        if item.def_elem.defname == "owned_by":
            parts = item.def_elem.arg.list.items
            if len(parts) > 1:
                return names.listed(parts[:-1], draft.catalog, draft.catalog.relations), strings(parts)[-1]
    return None


HANDLES = {"CreateSeqStmt": create, "AlterSeqStmt": alter}
