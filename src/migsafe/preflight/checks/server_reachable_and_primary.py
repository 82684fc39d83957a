"""Is this the server that takes writes?"""

from collections.abc import Iterator

import psycopg

from migsafe.model.checks import CheckResult
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, ask
from migsafe.preflight.providers import recognised
from migsafe.settings import Settings

CHECK = check(
    __name__,
    group="server",
    why="A standby refuses every DDL statement, and a server whose default is read-only fails in the first one; "
    "several providers switch to read-only when the disk is full.",
    remedy="Connect to the primary: `--url` takes another host.",
)


def run(*, connection: Connection, settings: Settings, **_: object) -> Iterator[CheckResult]:
    try:
        server = ask(connection, "preflight_server")[0]
        identity, known = ask(connection, "preflight_identity")[0], recognised(connection, settings)
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines() or ["the connection is closed"]
        yield answer(CHECK, "blocked", f"The server does not answer: {said[0]}.", remedy="Start it, or connect again.")
        return
    sql = query("preflight_server")
    evidence = {"pg_is_in_recovery": str(server["in_recovery"]), "default read only": str(server["read_only"])}
    evidence |= {name: str(value) for name, value in identity.items() if value is not None}
    if known is not None:
        evidence["provider"] = f"{known.provider.name} ({known.because})"
    if server["in_recovery"]:
        yield answer(CHECK, "blocked", "The server is a standby: it takes no writes.", evidence=evidence, sql=sql)
    elif server["read_only"]:
        yield answer(
            CHECK,
            "blocked",
            "New transactions are read-only (default_transaction_read_only is on).",
            remedy=f"{known.provider.disk + ' ' if known else ''}Free disk space if the provider did this, then "
            "ALTER DATABASE … or ALTER ROLE … SET default_transaction_read_only = off.",
            evidence=evidence,
            sql=sql,
        )
    else:
        where = f" on {known.provider.name}" if known else ""
        message = f"PostgreSQL {server['version']}{where}, primary, takes writes."
        yield answer(CHECK, "passed", message, evidence=evidence, sql=sql)
