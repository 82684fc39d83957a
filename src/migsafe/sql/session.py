"""Functions that change the session rather than the schema: set_config() and advisory locks."""

from migsafe.sql import proofs
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import deparse, strings

_LOCKS = ("pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared")
_UNLOCKS = ("pg_advisory_unlock", "pg_advisory_unlock_shared", "pg_advisory_unlock_all")


def affect_session(call: pb.FuncCall, draft: Draft) -> None:
    """set_config() is SET; an advisory lock that is not of the transaction outlives it (manual, section 13.3.5)."""
    name = strings(call.funcname)[-1]
    if name not in ("set_config", *_LOCKS, *_UNLOCKS):
        return
    given = [deparse(argument) for argument in call.args]
    if name == "set_config" and len(given) == 3:
        setting, value = (proofs.constant(argument) for argument in list(call.args)[:2])
        if isinstance(setting, str) and value is not None:
            draft.set(setting, str(value), local=given[2].lower() == "true")
    elif name in _LOCKS:
        draft.act("advisory lock", ", ".join(given))
    elif name in _UNLOCKS:
        draft.act("advisory unlock", ", ".join(given))
