"""Does a Redis answer PING? Its protocol (RESP) by hand: one command, one line back."""

import socket
import ssl
from urllib.parse import SplitResult, unquote, urlsplit

from migsafe.errors import UsageError
from migsafe.model.own_checks import OwnCheck
from migsafe.own_checks import variables
from migsafe.own_checks.asking import Ask
from migsafe.own_checks.found import Found

_LONGEST = 4096
# Error codes of Redis that say who may ask, and nothing about its health.
_MAY_NOT = ("NOAUTH", "WRONGPASS", "NOPERM", "DENIED")


def prepare(check: OwnCheck) -> Ask:
    text = check.redis or ""
    if "${" not in text:
        _parsed(text, check.name)
    return lambda _asking: variables.unset(text) or _ping(_parsed(variables.filled(text), check.name), check.timeout)


def place(text: str) -> str:
    """`host:port` of the URL, its variables filled in; nothing else of it is ever shown."""
    try:
        parts = urlsplit(variables.filled(text).strip())
        return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else "redis"
    except ValueError:
        return "redis"


def _parsed(text: str, name: str) -> SplitResult:
    example = 'Write it like "redis://queue.internal:6379" or "rediss://:${REDIS_PASSWORD}@queue.internal:6380".'
    try:
        parts = urlsplit(text.strip())
        is_known = parts.scheme in ("redis", "rediss") and parts.hostname and (parts.port or 6379)
    except ValueError:
        is_known = None
    if not is_known:
        raise UsageError(f"check {name}: redis is not a redis:// or rediss:// URL", example)
    return parts


def _ping(url: SplitResult, timeout: float) -> Found:
    where = (url.hostname or "", url.port or 6379)
    with socket.create_connection(where, timeout) as bare:
        if url.scheme == "redis":
            return _asked(bare, url)
        context = ssl.create_default_context()
        with context.wrap_socket(bare, server_hostname=url.hostname) as secure:
            return _asked(secure, url)


def _asked(connection: socket.socket, url: SplitResult) -> Found:
    where = f"{url.hostname}:{url.port or 6379}"
    if url.password:
        user = (unquote(url.username),) if url.username else ()
        said = _said(connection, "AUTH", *user, unquote(url.password))
        if not said.startswith("+OK"):
            # A server that does not know AUTH repeats its arguments: only the code is shown.
            code = said.lstrip("-").partition(" ")[0]
            return Found("unseen", f"{where} does not accept the password ({code}).", _remedy())
    said = _said(connection, "PING")
    if said.startswith("+PONG"):
        return Found("held", f"{where} answers PING.")
    code = said.lstrip("-").partition(" ")[0]
    if code in _MAY_NOT:
        return Found("unseen", f"{where} does not let us ask ({said.lstrip('-')[:100]}).", _remedy())
    return Found("failed", f"{where} answers PING with {said[:100] or 'nothing'!r}.")


def _said(connection: socket.socket, *words: str) -> str:
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        content = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(content), content))
    connection.sendall(b"".join(parts))
    line = b""
    while not line.endswith(b"\r\n") and len(line) < _LONGEST:
        byte = connection.recv(1)
        if not byte:
            break
        line += byte
    return line.decode("utf-8", errors="replace").strip()


def _remedy() -> str:
    return "Put the password of a user that may PING into the URL: redis://USER:${REDIS_PASSWORD}@HOST:PORT."
