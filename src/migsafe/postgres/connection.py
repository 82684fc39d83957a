"""Where a database is, and a connection to it. Only here is a password known, and it never leaves but for libpq."""

import asyncio
import json
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlencode

import msgspec
import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from migsafe.errors import ConnectionFailed, UsageError
from migsafe.postgres.refusal import explain, passing

CONNECT_TIMEOUT = "10"

_SHORT = 8

_EXAMPLE = "Write it like postgresql://user@host:5432/dbname, with the password in PGPASSWORD or ~/.pgpass."
_OPTIONS = {option.keyword.decode(): option for option in pq.Conninfo.get_defaults()}
_URL = re.compile(
    r"(?P<dialect>[A-Za-z][\w.-]*)(?:\+(?P<driver>[\w.-]+))?://"
    r"(?:(?P<user>[^:/?@]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<hosts>[^/?]*)"
    r"(?:/(?P<dbname>[^?]*))?"
    r"(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_CONNINFO = re.compile(r"\s*\w+\s*=")
_SYNONYMS = {
    "database": "dbname",
    "db": "dbname",
    "username": "user",
    "unix_sock": "host",
    "timeout": "connect_timeout",
}
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(\d*))?")


class Database(msgspec.Struct, frozen=True, repr_omit_defaults=True):
    """A database to connect to. `parameters` are libpq's keywords (manual, section 34.1.2) and may hold a password.

    Printing one shows its label only.
    """

    parameters: dict[str, str]

    def __repr__(self) -> str:
        return f"Database({self.label!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("label", self.label)]

    @property
    def label(self) -> str:
        """`user@host:port/dbname` without the password; what is not given is left out."""
        known = self.parameters
        user = f"{known['user']}@" if known.get("user") else ""
        port = f":{known['port']}" if known.get("port") else ""
        return f"{user}{known.get('host') or 'local'}{port}/{known.get('dbname') or known.get('user') or ''}"

    @property
    def dbname(self) -> str:
        """The name of the database as libpq would choose it; empty when only the server can tell."""
        return self.parameters.get("dbname") or os.environ.get("PGDATABASE") or self.parameters.get("user") or ""

    def replace(self, **parameters: str) -> "Database":
        """The same database but for the libpq keywords given; an empty value takes the keyword away."""
        merged = self.parameters | parameters
        return Database({keyword: value for keyword, value in merged.items() if value})

    @classmethod
    def from_url(cls, text: str) -> "Database":
        """The database that a URL of libpq or SQLAlchemy, or a libpq connection string, names.

        Driver-only query keys are dropped. Raises UsageError for another dialect and for what is neither.
        """
        text = text.strip()
        match = _URL.fullmatch(text)
        if match is not None:
            return cls(_from_match(match))
        if _CONNINFO.match(text):
            return cls(_from_conninfo(text))
        raise UsageError("The database URL is neither a URL nor a libpq connection string", _EXAMPLE)

    @classmethod
    def from_parameters(cls, mapping: Mapping[str, Any]) -> "Database":
        """The database that the keyword arguments of a driver (psycopg, psycopg2, asyncpg, pg8000) name.

        Keys that only the driver knows are dropped; `dsn` is read first, the others win over it.
        """
        dsn = mapping.get("dsn")
        base = dict(cls.from_url(dsn).parameters) if isinstance(dsn, str) and dsn else {}
        return cls(base | _libpq(mapping))

    def url(self, driver: str | None = None) -> str:
        """A URL for SQLAlchemy, password and all: to be handed over, never to be shown.

        `driver` is psycopg, psycopg2, asyncpg…; None leaves the choice to SQLAlchemy.
        """
        known = dict(self.parameters)
        user, password = known.pop("user", ""), known.pop("password", None)
        host, port, dbname = known.pop("host", ""), known.pop("port", ""), known.pop("dbname", "")
        known = _asyncpg(known) if driver == "asyncpg" else known
        query = [(keyword, value) for keyword, value in known.items()]
        secret = f":{quote(password, safe='')}" if password is not None else ""
        login = f"{quote(user, safe='')}{secret}@" if user else ""
        if "/" in host or "," in host:
            query += _query_hosts(host, port)
            host = port = ""
        elif ":" in host:
            host = f"[{host}]"
        address = f"{host}:{port}" if port else host
        query_text = f"?{urlencode(query)}" if query else ""
        return f"postgresql{'+' + driver if driver else ''}://{login}{address}/{quote(dbname, safe='')}{query_text}"

    def environment(self) -> dict[str, str]:
        """`PGHOST`, `PGPASSWORD` and the like for a program such as pg_dump, whose arguments everybody can read."""
        pairs = ((_OPTIONS[keyword].envvar, value) for keyword, value in self.parameters.items() if keyword in _OPTIONS)
        return {name.decode(): value for name, value in pairs if name is not None}


def _from_match(match: re.Match[str]) -> dict[str, str]:
    if match["dialect"].lower() not in ("postgresql", "postgres"):
        raise UsageError(f"{match['dialect']} is not PostgreSQL, and migsafe knows no other database", _EXAMPLE)
    if "@" in match["hosts"]:
        raise UsageError("The password in the database URL holds an @ as it is", "Write it as %40.")
    pairs = parse_qsl(match["query"] or "", keep_blank_values=True)
    found = {name: unquote(match[name]) for name in ("user", "password", "dbname") if match[name]}
    return found | _hosts((match["hosts"] or "").split(",")) | _query(pairs)


def _query(pairs: list[tuple[str, str]]) -> dict[str, str]:
    hosts = [value for key, value in pairs if key == "host"]
    found = _libpq({key: value for key, value in pairs if key != "host"})
    several = [host for value in hosts for host in value.split(",")]
    if len(hosts) == 1 and "port" in found:
        return found | {"host": hosts[0]}
    return _hosts(several) | found


def _hosts(addresses: list[str]) -> dict[str, str]:
    """`host` and `port` of `a:1`, `[::1]:1`, `/socket/folder`; several are joined by commas, as libpq has it."""
    pairs = [_address(unquote(address)) for address in addresses]
    found = {"host": ",".join(host for host, _ in pairs)} if any(host for host, _ in pairs) else {}
    if any(port for _, port in pairs):
        found["port"] = ",".join(port for _, port in pairs)
    return found


def _address(text: str) -> tuple[str, str]:
    match = _HOST.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not a host name with a port", _EXAMPLE)
    return match[1].strip("[]"), match[2] or ""


def _from_conninfo(text: str) -> dict[str, str]:
    try:
        return {keyword: str(value) for keyword, value in conninfo_to_dict(text).items() if value is not None}
    except psycopg.ProgrammingError:
        # libpq quotes the text, and the password is in it.
        raise UsageError("The database URL is not a libpq connection string", _EXAMPLE) from None


def _libpq(mapping: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in mapping.items():
        keyword = _SYNONYMS.get(key, key)
        text = _text(keyword, value)
        if keyword in _OPTIONS and text is not None:
            found[keyword] = text
    ssl = mapping.get("ssl", mapping.get("ssl_context"))
    if ssl is not None and ssl is not False and "sslmode" not in found:
        found["sslmode"] = ssl if isinstance(ssl, str) and ssl.lower() not in ("true", "1") else "require"
    settings = mapping.get("server_settings")
    if isinstance(settings, Mapping):
        found |= _server_settings({str(name): str(value) for name, value in settings.items()}, found.get("options"))
    return found


def _text(keyword: str, value: object) -> str | None:
    if callable(value) and not asyncio.iscoroutinefunction(value):
        value = value()
    if keyword == "connect_timeout" and isinstance(value, float):
        value = max(1, round(value))
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ("1" if value else "0") if isinstance(value, bool) else None
    return str(value)


def _server_settings(settings: dict[str, str], options: str | None) -> dict[str, str]:
    application = settings.pop("application_name", None)
    words = [options] if options else []
    words += ["-c " + re.sub(r"([\\\s])", r"\\\1", f"{name}={value}") for name, value in settings.items()]
    found = {"application_name": application} if application else {}
    return found | ({"options": " ".join(words)} if words else {})


def _asyncpg(known: dict[str, str]) -> dict[str, str]:
    return {"ssl": known["sslmode"]} if "sslmode" in known else {}


def _query_hosts(host: str, port: str) -> list[tuple[str, str]]:
    hosts, ports = host.split(","), port.split(",")
    if len(hosts) == 1:
        return [("host", host)] + ([("port", port)] if port else [])
    ports = ports if len(ports) == len(hosts) else [ports[0]] * len(hosts)
    return [("host", f"{name}:{number}" if number else name) for name, number in zip(hosts, ports, strict=True)]


def redact(text: str, database: Database) -> str:
    """`text` with every spelling of the password (plain, percent-encoded, as JSON, as libpq quotes it) made `***`."""
    known = database.parameters
    secrets = (known.get("password"), known.get("sslpassword"), os.environ.get("PGPASSWORD"))
    spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = without(spelling, text)
    return text


def without(secret: str, text: str) -> str:
    """`text` with `secret` made `***`. One of a few letters is looked for as a word: no password is half of one."""
    if len(secret) < _SHORT and re.fullmatch(r"\w+", secret):
        return re.sub(rf"(?<!\w){secret}(?!\w)", "***", text)
    return text.replace(secret, "***")


def _spellings(secret: str) -> set[str]:
    quoted = secret.replace("\\", "\\\\")
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quoted.replace("'", "\\'"),
        secret.replace("'", "''"),
    }


def connect(
    database: Database,
    *,
    application_name: str = "migsafe",
    autocommit: bool = True,
    statement_timeout: float | None = None,
    read_only: bool = False,
    role: str | None = None,
) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection of our own; `statement_timeout` in seconds, `role` for SET ROLE.

    Raises ConnectionFailed saying which of refused, unknown host, wrong password, no such database, too many
    connections, not PostgreSQL… it was. Settings are made with set_config after the start (poolers
    refuse `options`), and not at all on a pooler's session, which serves others too.
    """
    wanted = {"connect_timeout": CONNECT_TIMEOUT} | database.parameters | {"application_name": application_name}
    settings = {
        "statement_timeout": None if statement_timeout is None else f"{max(1, round(statement_timeout * 1000))}ms",
        "default_transaction_read_only": "on" if read_only else None,
        "role": role,
    }
    try:
        # Transaction poolers lose prepared statements, and psycopg prepares after five executions.
        connection = psycopg.connect(make_conninfo("", **wanted), autocommit=True, prepare_threshold=None)
    except (psycopg.Error, UnicodeError, ValueError) as error:
        raise _failed(str(error), database) from None
    try:
        _only_postgresql(connection, database)
        ours = _is_ours(connection)
        for name, value in settings.items():
            if value is not None and ours:
                connection.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))
        connection.autocommit = autocommit
    except psycopg.Error as error:
        connection.close()
        raise _failed(str(error), database) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _is_ours(connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
    """Whether the session ends with the connection. A pooler's goes on to serve the application with what we SET."""
    row = connection.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
    return row is not None and row[0] == connection.info.backend_pid


def _only_postgresql(connection: psycopg.Connection[tuple[Any, ...]], database: Database) -> None:
    # CockroachDB speaks the protocol and says that it is PostgreSQL 13, but for this parameter.
    if connection.pgconn.parameter_status(b"crdb_version") is not None:
        raise ConnectionFailed(f"{database.label} is CockroachDB, not PostgreSQL", _EXAMPLE)


def _failed(message: str, database: Database) -> ConnectionFailed:
    sentence, remedy = explain(message)
    said = redact(sentence, database)
    text = f"Cannot connect to {database.label}: {said}"
    return ConnectionFailed(text, redact(remedy, database), passing=passing(message))
