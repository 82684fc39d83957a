"""Is this a session of our own, in which a SET holds, or one that a transaction pooler shares out?"""

import secrets
from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.connection import Database, connect
from migsafe.postgres.queries import query
from migsafe.postgres.session import LOCK_TIMEOUT_NOW, LOCK_TIMEOUT_SET_BY_ENV_PY, restore_lock_timeout
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.providers import is_pooler, recognised
from migsafe.preflight.touched import concurrently
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="server",
    why="Behind a pooler in transaction mode `SET lock_timeout` reaches other clients and not us, an advisory lock "
    "is taken in one session and released in another, and CREATE INDEX CONCURRENTLY may lose its session.",
    remedy="Connect to the server itself: `--url` with its own host and port (PgBouncer: the port of PostgreSQL, or "
    "a database of its own with pool_mode = session).",
)

_TRIES = 3
# A value that nobody else sets, so that reading it back proves something.
_PROBED_TIMEOUT = "1234ms"


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    """The server's process id as the protocol said at the start, against what the server says itself."""
    known = recognised(connection, settings)
    told, own = connection.info.backend_pid, _probe(connection)["pid"]
    named = known is not None and is_pooler(known.provider, connection.info.host or "", connection.info.port)
    evidence = {"pid in the protocol": str(told), "pg_backend_pid()": str(own)}
    lost = _lost(connection, own) if told != own or named else None
    sql = query("preflight_probe")
    if lost is not None:
        message = f"The connection goes through a pooler in transaction mode: {lost}. {_needs_session(plan)}"
        remedy = f"{known.provider.direct} {CHECK.remedy}" if known is not None else None
        yield answer(CHECK, "blocked", message, remedy=remedy, evidence=evidence, sql=sql)
    elif not _arrives(connection):
        message = "SET lock_timeout does not arrive at the server: nothing would end our waiting for a lock."
        yield answer(CHECK, "blocked", message, evidence=evidence, sql=sql)
    elif told == own and not named:
        message = "The connection goes to the server itself, and SET lock_timeout holds."
        yield answer(CHECK, "passed", message, evidence=evidence, sql=sql)
    else:
        message = f"The connection goes through a proxy, which kept our session and its settings in {_TRIES} tries."
        yield answer(CHECK, "passed", message, evidence=evidence, sql=sql)


def _needs_session(plan: Plan) -> str:
    count = len(concurrently(plan))
    builds = f", and {count} CONCURRENTLY statement{'s' * (count != 1)}" if count else ""
    return f"lock_timeout and the lock against a second run{builds} need a session of their own."


def _lost(connection: Connection, own: int) -> str | None:
    """What became of our session while a second client was in a transaction; None: we kept it."""
    parameters = connection.info.get_parameters() | {"password": connection.info.password}
    token = secrets.token_hex(8)
    _set(connection, "migsafe.probe", token)
    for _ in range(_TRIES):
        database = Database.from_parameters(parameters)
        with connect(database, application_name="migsafe preflight") as second, second.transaction():
            theirs, ours = _probe(second), _probe(connection)
            if theirs["pid"] == own or theirs["token"] == token:
                return "a second client was given our session"
            if ours["pid"] != own or ours["token"] != token:
                return "we were put into another session, without our settings"
    _set(connection, "migsafe.probe", "")
    return None


def _arrives(connection: Connection) -> bool:
    """Whether a SET of the session is there in its next transaction; what was set before is put back."""
    with connection.transaction():
        before = connection.execute(LOCK_TIMEOUT_NOW).fetchone()
        by_session = connection.execute(LOCK_TIMEOUT_SET_BY_ENV_PY).fetchone()
    own = before[0] if before and by_session and by_session[0] else None
    _set(connection, "lock_timeout", _PROBED_TIMEOUT)
    try:
        with connection.transaction():
            found = connection.execute(LOCK_TIMEOUT_NOW).fetchone()
    finally:
        with connection.transaction():
            connection.execute(restore_lock_timeout(own).encode())
    return found is not None and found[0] == _PROBED_TIMEOUT


def _set(connection: Connection, name: str, value: str) -> None:
    with connection.transaction():
        connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))


def _probe(connection: Connection) -> Row:
    return ask(connection, "preflight_probe")[0]
