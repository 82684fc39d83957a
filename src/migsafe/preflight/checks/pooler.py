"""Is this a session of our own, or one that a transaction pooler shares out?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.postgres.connection import Database, connect
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, ask

CHECK = check(
    __name__,
    group="server",
    why="Behind a pooler in transaction mode `SET lock_timeout` reaches other clients and not us, an advisory lock "
    "is taken in one session and released in another, and CREATE INDEX CONCURRENTLY may lose its session.",
    remedy="Connect to the server itself: `--url` with its own host and port (Neon: the host without -pooler; "
    "Supabase: port 5432, not 6543; PgBouncer: the port of PostgreSQL).",
)

_TRIES = 3


def run(*, connection: Connection, **_: object) -> Iterator[CheckResult]:
    """The server's process id as the protocol said at the start, against what the server says itself."""
    told, own = connection.info.backend_pid, _backend(connection)
    evidence = {"pid in the protocol": str(told), "pg_backend_pid()": str(own)}
    if told == own:
        yield answer(CHECK, "passed", "The connection goes to the server itself.", evidence=evidence)
    elif _is_shared(connection, own):
        message = "The connection goes through a pooler in transaction mode: two clients were given one session."
        yield answer(CHECK, "blocked", message, evidence=evidence)
    else:
        message = f"The connection goes through a proxy; it kept the session in {_TRIES} tries."
        yield answer(CHECK, "warned", message, evidence=evidence)


def _is_shared(connection: Connection, own: int) -> bool:
    """Whether a second client in a transaction gets our session, or puts us into another."""
    parameters = connection.info.get_parameters() | {"password": connection.info.password}
    for _ in range(_TRIES):
        database = Database.from_parameters(parameters)
        with connect(database, application_name="migsafe preflight") as second, second.transaction():
            if _backend(second) == own or _backend(connection) != own:
                return True
    return False


def _backend(connection: Connection) -> int:
    return int(ask(connection, "preflight_backend")[0]["pid"])
