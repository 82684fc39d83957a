"""Which server an env.py connects to: seen, and where the user says so, changed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url


@contextmanager
def connections_to(url: str | None, seen: list[Mapping[str, Any]]) -> Iterator[None]:
    """While entered, every PostgreSQL connection that SQLAlchemy opens goes to `url`, whatever env.py says.

    With None nothing is changed. `seen` receives the parameters of each connection, a password among them, by
    reference, so that what other listeners add (a token of a cloud's identity service) is there too.
    """

    def connecting(dialect: Any, _record: Any, cargs: list[Any], cparams: dict[str, Any]) -> None:
        if dialect.name != "postgresql":
            return
        if url is not None:
            own_url = make_url(url).set(drivername=f"postgresql+{dialect.driver}")
            new_args, new_params = dialect.create_connect_args(own_url)
            kept = {name: cparams[name] for name in ("options", "server_settings") if _sets_something(cparams, name)}
            cargs[:] = new_args
            cparams.clear()
            cparams.update(kept | new_params)
        seen.append(cparams)

    event.listen(Engine, "do_connect", connecting)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", connecting)


def _sets_something(cparams: dict[str, Any], name: str) -> bool:
    """Whether env.py's argument sets parameters of the session, a search_path mostly; some hosts route by `options`."""
    value = cparams.get(name)
    return isinstance(value, dict) or (isinstance(value, str) and value.lstrip().startswith("-c"))
