"""How libpq, SQLAlchemy and the drivers spell where a database is: into libpq's keywords, and back."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from migsafe.errors import UsageError

EXAMPLE = "Write it like postgresql://user@host:5432/dbname, with the password in PGPASSWORD or ~/.pgpass."
OPTIONS = {option.keyword.decode(): option for option in pq.Conninfo.get_defaults()}
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


def of_text(text: str) -> dict[str, str]:
    """libpq's keywords in a URL of libpq or SQLAlchemy, or in a libpq connection string.

    Driver-only query keys are dropped. Raises UsageError for another dialect and for what is neither.
    """
    text = text.strip()
    match = _URL.fullmatch(text)
    if match is not None:
        return _from_match(match)
    if _CONNINFO.match(text):
        return _from_conninfo(text)
    raise UsageError("The database URL is neither a URL nor a libpq connection string", EXAMPLE)


def of_driver(mapping: Mapping[str, Any]) -> dict[str, str]:
    """libpq's keywords among the arguments of a driver; `dsn` is read first, the others win over it."""
    dsn = mapping.get("dsn")
    return (of_text(dsn) if isinstance(dsn, str) and dsn else {}) | _libpq(mapping)


def for_sqlalchemy(parameters: Mapping[str, str], driver: str | None) -> str:
    """A URL with all that `parameters` hold, the password too."""
    known = dict(parameters)
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


def _from_match(match: re.Match[str]) -> dict[str, str]:
    if match["dialect"].lower() not in ("postgresql", "postgres"):
        raise UsageError(f"{match['dialect']} is not PostgreSQL, and migsafe knows no other database", EXAMPLE)
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
        raise UsageError(f"{text!r} is not a host name with a port", EXAMPLE)
    return match[1].strip("[]"), match[2] or ""


def _from_conninfo(text: str) -> dict[str, str]:
    try:
        return {keyword: str(value) for keyword, value in conninfo_to_dict(text).items() if value is not None}
    except psycopg.ProgrammingError:
        # libpq quotes the text, and the password is in it.
        raise UsageError("The database URL is not a libpq connection string", EXAMPLE) from None


def _libpq(mapping: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in mapping.items():
        keyword = _SYNONYMS.get(key, key)
        text = _text(keyword, value)
        if keyword in OPTIONS and text is not None:
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
