"""What a driver's exception says: SQLSTATE, message, and whether the connection is gone.

Duck-typed, since users' drivers differ: psycopg (`sqlstate`, `diag`), psycopg2 (`pgcode`, `diag`), asyncpg
(`sqlstate`, `detail`, `hint`), pg8000 (a dict of fields), and SQLAlchemy around any of them (`orig`).
"""

import re
from collections.abc import Iterator

import msgspec
from psycopg import errors

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK_DETECTED = "40P01"
SERIALIZATION_FAILURE = "40001"
QUERY_CANCELED = "57014"
ACTIVE_SQL_TRANSACTION = "25001"
DISK_FULL = "53100"
ADMIN_SHUTDOWN = "57P01"
LIMITS_OF_A_SESSION = {"25P03": "idle_in_transaction_session_timeout", "25P04": "transaction_timeout"}

RETRYABLE = frozenset({LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED, SERIALIZATION_FAILURE})

# admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout; and the two timeouts that end the session:
# idle_in_transaction_session_timeout and transaction_timeout (manual, appendix A and section 19.11).
_LOST = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04"})
_LOST_TEXT = re.compile(
    r"server closed the connection|connection (?:is|was|has been) (?:lost|closed)|connection already closed"
    r"|connection not open|terminating connection|could not receive data|could not send data|SSL SYSCALL error"
    r"|SSL connection has been closed|network error|consuming input failed",
    re.IGNORECASE,
)


class ServerMessage(msgspec.Struct, frozen=True):
    """What the server said. `detail` may hold values of rows."""

    primary: str
    detail: str | None = None
    hint: str | None = None


def name(sqlstate: str) -> str:
    """The condition name of the manual's appendix A (`lock_not_available`); the code itself when it is not there."""
    try:
        words = re.findall(r"[A-Z][a-z0-9]*|[A-Z]+(?![a-z])", errors.lookup(sqlstate).__name__)
    except KeyError:
        return sqlstate
    return "_".join(words).lower()


def sqlstate_of(exception: BaseException) -> str | None:
    """The SQLSTATE of an exception or of what it came from; None when no server sent it."""
    for each in _chain(exception):
        code = getattr(each, "sqlstate", None) or getattr(each, "pgcode", None) or _field(each, "C")
        if isinstance(code, str) and len(code) == 5:
            return code
    return None


def is_connection_loss(exception: BaseException) -> bool:
    """Whether the session is gone, and with it every lock and setting it had."""
    code = sqlstate_of(exception)
    if code is not None:
        return code.startswith("08") or code in _LOST
    for each in _chain(exception):
        if isinstance(each, ConnectionError) or getattr(each, "connection_invalidated", False):
            return True
        if _is_drivers(each) and _LOST_TEXT.search(str(each)):
            return True
    return False


def loss_message(exception: BaseException) -> str:
    """How the end of the session was told: what came of it later ("can't reconnect until…") says nothing."""
    for each in _chain(exception):
        if _is_drivers(each) and not type(each).__module__.startswith("sqlalchemy") and is_connection_loss(each):
            return " ".join(server_message(each).primary.split())
    return server_message(exception).primary


def server_message(exception: BaseException) -> ServerMessage:
    """Primary message, detail and hint; of an exception that no server sent, its own first line."""
    for each in _chain(exception):
        found = _message(each)
        if found is not None:
            return found
    lines = str(exception).strip().splitlines()
    return ServerMessage(lines[0] if lines else type(exception).__name__)


def _message(exception: BaseException) -> ServerMessage | None:
    diag = getattr(exception, "diag", None)
    primary = getattr(diag, "message_primary", None)
    if isinstance(primary, str):
        return ServerMessage(primary, getattr(diag, "message_detail", None), getattr(diag, "message_hint", None))
    text = getattr(exception, "message", None)
    if isinstance(text, str) and isinstance(getattr(exception, "sqlstate", None), str):
        return ServerMessage(text, getattr(exception, "detail", None), getattr(exception, "hint", None))
    text = _field(exception, "M")
    return ServerMessage(text, _field(exception, "D"), _field(exception, "H")) if text else None


def _chain(exception: BaseException) -> Iterator[BaseException]:
    """The exception, what SQLAlchemy wrapped, what it was raised from, and what was being handled; each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [exception]
    while waiting:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [getattr(each, "orig", None), each.__cause__]
        waiting += [] if each.__suppress_context__ else [each.__context__]


def _field(exception: BaseException, letter: str) -> str | None:
    """A field of the protocol's ErrorResponse (manual, section 54.8), as pg8000 hands them over."""
    fields = exception.args[0] if exception.args else None
    value = fields.get(letter) if isinstance(fields, dict) else None
    return value if isinstance(value, str) else None


def _is_drivers(exception: BaseException) -> bool:
    return type(exception).__module__.partition(".")[0] in ("psycopg", "psycopg2", "asyncpg", "pg8000", "sqlalchemy")
