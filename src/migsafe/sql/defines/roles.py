"""Roles: that they are there, what they may do, and whose members they are."""

from collections.abc import Iterable
from typing import Any

from migsafe.model.effects import Object
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb

Found = Iterable[tuple[Object, str, str | None]]

# DefElem of gram.y, and what a new role may do (manual, CREATE ROLE).
_SWITCHES = {
    "superuser": "superuser",
    "createdb": "createdb",
    "createrole": "createrole",
    "inherit": "inherit",
    "canlogin": "login",
    "isreplication": "replication",
    "bypassrls": "bypassrls",
}


def _created(node: pb.CreateRoleStmt, draft: Draft) -> Found:
    role = Object("role", node.role)
    yield role, "is", "there"
    found = dict.fromkeys(_SWITCHES.values(), "false") | {"inherit": "true"}
    found["login"] = "true" if node.stmt_type == pb.ROLESTMT_USER else "false"
    for name, value in (found | _switched(node)).items():
        yield role, name, value


def _altered(node: pb.AlterRoleStmt, draft: Draft) -> Found:
    if node.role.roletype == pb.ROLESPEC_CSTRING:
        for name, value in _switched(node).items():
            yield Object("role", node.role.rolename), name, value


def _switched(node: Any) -> dict[str, str]:
    elements = [item.def_elem for item in node.options]
    return {
        _SWITCHES[each.defname]: "true" if each.arg.boolean.boolval else "false"
        for each in elements
        if each.defname in _SWITCHES
    }


def _granted(node: pb.GrantRoleStmt, draft: Draft) -> Found:
    """Without the options: who may grant it on, and how it is used."""
    members = [item.role_spec for item in node.grantee_roles]
    if node.opt or any(member.roletype != pb.ROLESPEC_CSTRING for member in members):
        return
    for item in node.granted_roles:
        for member in members:
            thing = Object("role", member.rolename)
            yield thing, f"member in {item.access_priv.priv_name}", "true" if node.is_grant else None


def _dropped(node: pb.DropRoleStmt, draft: Draft) -> Found:
    for item in node.roles:
        if item.role_spec.roletype == pb.ROLESPEC_CSTRING:
            yield Object("role", item.role_spec.rolename), "is", "gone"


NOTING = {
    "CreateRoleStmt": _created,
    "AlterRoleStmt": _altered,
    "GrantRoleStmt": _granted,
    "DropRoleStmt": _dropped,
}
