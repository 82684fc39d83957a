"""Which server an env.py connects to: seen, and where the user says so, changed."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url

# Where a connection keeps (SQLAlchemy's Connection.info) the parameters it was opened with, and which database env.py
# named, whatever we made of that.
_OPENED_WITH, _NAMED = "migsafe_opened_with", "migsafe_named"


# Of psycopg, psycopg2 and asyncpg.
_PLACEHOLDER = re.compile(r"%\(\w+\)s|%s|\$\d+")


@contextmanager
def connections_to(url: str | None) -> Iterator[None]:
    """While entered, every PostgreSQL connection that SQLAlchemy opens goes to `url`, whatever env.py says.

    With None nothing is changed. Each connection remembers what it was opened with: `parameters_of`.
    """

    def connecting(dialect: Any, record: Any, cargs: list[Any], cparams: dict[str, Any]) -> None:
        if dialect.name != "postgresql":
            return
        named = _place(cparams)
        if url is not None:
            own_url = make_url(url).set(drivername=f"postgresql+{dialect.driver}")
            new_args, new_params = dialect.create_connect_args(own_url)
            kept = {name: cparams[name] for name in ("options", "server_settings") if _sets_something(cparams, name)}
            cargs[:] = new_args
            cparams.clear()
            cparams.update(kept | new_params)
        if record is not None:
            # By reference: what other listeners add (a token of a cloud's identity service) is then there too.
            record.info.update({_OPENED_WITH: cparams, _NAMED: named})

    event.listen(Engine, "do_connect", connecting)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", connecting)


@contextmanager
def hearing(queries: dict[str, None]) -> Iterator[None]:
    """While entered, every SELECT that goes to a server is kept: where an env.py has its list of tenants from."""

    def executing(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip()[:6].upper() == "SELECT":
            queries[_PLACEHOLDER.sub("NULL", statement)] = None

    event.listen(Engine, "before_cursor_execute", executing)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", executing)


def parameters_of(context: MigrationContext) -> Mapping[str, Any]:
    """What the driver opened the connection of `context` with, a password among it.

    For a connection that was opened before we looked, or by a creator function: what its URL says.
    """
    assert context.connection is not None
    seen: dict[str, Any] | None = context.connection.info.get(_OPENED_WITH)
    if seen:
        return dict(seen)
    url = context.connection.engine.url
    return {**url.translate_connect_args(username="user", database="dbname"), **url.query}


def database_of(context: MigrationContext) -> str:
    """`host:port/dbname` as env.py names the database, before any redirection; empty when there is no connection."""
    if context.as_sql or context.connection is None:
        return ""
    return context.connection.info.get(_NAMED) or _place(parameters_of(context))


def _place(parameters: Mapping[str, Any]) -> str:
    host, port = parameters.get("host") or "", parameters.get("port") or ""
    name = parameters.get("dbname") or parameters.get("database") or parameters.get("dsn") or ""
    return f"{host}:{port}/{name}"


def _sets_something(cparams: dict[str, Any], name: str) -> bool:
    """Whether env.py's argument sets parameters of the session, a search_path mostly; some hosts route by `options`."""
    value = cparams.get(name)
    return isinstance(value, dict) or (isinstance(value, str) and value.lstrip().startswith("-c"))
