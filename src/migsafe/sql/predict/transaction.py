"""BEGIN, COMMIT, SET, RESET, SHOW, DISCARD, CHECKPOINT and other statements about the session."""

from typing import Any

from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb

_COMMANDS = {
    pb.TRANS_STMT_BEGIN: "BEGIN",
    pb.TRANS_STMT_START: "START TRANSACTION",
    pb.TRANS_STMT_COMMIT: "COMMIT",
    pb.TRANS_STMT_ROLLBACK: "ROLLBACK",
    pb.TRANS_STMT_SAVEPOINT: "SAVEPOINT",
    pb.TRANS_STMT_RELEASE: "RELEASE",
    pb.TRANS_STMT_ROLLBACK_TO: "ROLLBACK TO SAVEPOINT",
    pb.TRANS_STMT_PREPARE: "PREPARE TRANSACTION",
    pb.TRANS_STMT_COMMIT_PREPARED: "COMMIT PREPARED",
    pb.TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED",
}


def transaction(node: pb.TransactionStmt, draft: Draft) -> None:
    draft.command = _COMMANDS.get(node.kind, "BEGIN")
    draft.in_transaction = node.kind not in (pb.TRANS_STMT_COMMIT_PREPARED, pb.TRANS_STMT_ROLLBACK_PREPARED)


def set_variable(node: pb.VariableSetStmt, draft: Draft) -> None:
    draft.command = "RESET" if node.kind in (pb.VAR_RESET, pb.VAR_RESET_ALL) else "SET"
    name = node.name if node.kind != pb.VAR_RESET_ALL else "all"
    draft.set(name, setting_value(node), local=bool(node.is_local))


def setting_value(node: pb.VariableSetStmt) -> str | None:
    """The value of a SET, its parts joined by commas; None for RESET and SET … TO DEFAULT."""
    if node.kind in (pb.VAR_RESET, pb.VAR_RESET_ALL, pb.VAR_SET_DEFAULT):
        return None
    return ", ".join(_value(item) for item in node.args)


def _value(node: Any) -> str:
    constant = node.a_const if node.WhichOneof("node") == "a_const" else node.type_cast.arg.a_const
    which = constant.WhichOneof("val")
    value = getattr(constant, which) if which else None
    return str(getattr(value, which)) if value is not None else ""


def set_constraints(node: pb.ConstraintsSetStmt, draft: Draft) -> None:
    draft.command = "SET CONSTRAINTS"
    when = "deferred" if node.deferred else "immediate"
    for item in node.constraints or [None]:
        draft.act("set constraints", when, item.range_var.relname if item is not None else None)


def discard(node: pb.DiscardStmt, draft: Draft) -> None:
    draft.command = "DISCARD"
    draft.in_transaction = node.target != pb.DISCARD_ALL


def named(command: str, in_transaction: bool = True) -> Any:
    """A statement that locks no relation."""

    def handle(node: Any, draft: Draft) -> None:
        draft.command = command
        draft.in_transaction = in_transaction

    return handle


HANDLES = {
    "TransactionStmt": transaction,
    "VariableSetStmt": set_variable,
    "VariableShowStmt": named("SHOW"),
    "DiscardStmt": discard,
    "CheckPointStmt": named("CHECKPOINT"),
    "ConstraintsSetStmt": set_constraints,
    "ListenStmt": named("LISTEN"),
    "UnlistenStmt": named("UNLISTEN"),
    "NotifyStmt": named("NOTIFY"),
    "LoadStmt": named("LOAD"),
    "DeallocateStmt": named("DEALLOCATE"),
    "ClosePortalStmt": named("CLOSE"),
    "FetchStmt": named("FETCH"),
}
