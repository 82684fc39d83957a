"""A pooler between a client and a real server: what PgBouncer does, in a page. Clients are not asked for a password."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from psycopg import pq
from psycopg.conninfo import make_conninfo

from migsafe.postgres.connection import Database

_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102
_PARAMETERS = {"server_version": "18.0", "client_encoding": "UTF8", "standard_conforming_strings": "on"}


class Pool:
    """Sessions with the server; the one that was given back last is given out first."""

    def __init__(self, database: Database, mode: Literal["session", "transaction"]) -> None:
        self.database, self.mode = database, mode
        self.idle: list[socket.socket] = []
        self.kept: list[pq.abc.PGconn] = []
        self.lock = threading.Lock()
        self.clients: list[socket.socket] = []
        self.threads: list[threading.Thread] = []

    def take(self) -> socket.socket:
        with self.lock:
            if self.idle:
                return self.idle.pop()
            # libpq does the authentication; from then on the bytes go over its socket.
            connection = pq.PGconn.connect(make_conninfo("", **self.database.parameters, sslmode="disable").encode())
            assert connection.status == pq.ConnStatus.OK, connection.error_message
            self.kept.append(connection)
            server = socket.fromfd(connection.socket, socket.AF_INET, socket.SOCK_STREAM)
            server.setblocking(True)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return server

    def give_back(self, server: socket.socket) -> None:
        with self.lock:
            self.idle.append(server)

    def drop(self, server: socket.socket) -> None:
        """One that has ended, or that was left in the middle of something."""
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()

    def close(self) -> None:
        for client in self.clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        for each in (*self.clients, *self.idle):
            each.close()
        for connection in self.kept:
            connection.finish()


@contextmanager
def pooler(database: Database, mode: Literal["session", "transaction"]) -> Iterator[Database]:
    """The same database through a pooler on another port of 127.0.0.1."""
    pool = Pool(database, mode)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=_accept, args=(listener, pool), daemon=True)
        accepting.start()
        port = listener.getsockname()[1]
        yield database.replace(host="127.0.0.1", port=str(port), sslmode="disable")
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join()
        pool.close()


def _accept(listener: socket.socket, pool: Pool) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pool.clients.append(client)
            thread = threading.Thread(target=_serve, args=(client, pool, len(pool.clients)), daemon=True)
            pool.threads.append(thread)
            thread.start()


def _serve(client: socket.socket, pool: Pool, number: int) -> None:
    server: socket.socket | None = None
    whole = True
    with suppress(OSError, EOFError):
        _greet(client, number)
        while True:
            kind, message = _frame(client)
            if kind == b"X":
                break
            server = server or pool.take()
            whole = False
            server.sendall(message)
            if kind in (b"Q", b"S") and _answer(server, client) == b"I" and pool.mode == "transaction":
                pool.give_back(server)
                server = None
            whole = True
    if server is not None and whole:
        pool.give_back(server)
    elif server is not None:
        pool.drop(server)
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


def _greet(client: socket.socket, number: int) -> None:
    """Start-up, with a process id of the pooler's own in BackendKeyData."""
    while True:
        (length, code) = struct.unpack("!II", _exactly(client, 8))
        _exactly(client, length - 8)
        if code not in (_SSL, _GSS):
            break
        client.sendall(b"N")
    said = b"R" + struct.pack("!II", 8, 0)
    for name, value in _PARAMETERS.items():
        pair = f"{name}\0{value}\0".encode()
        said += b"S" + struct.pack("!I", len(pair) + 4) + pair
    said += b"K" + struct.pack("!III", 12, 900_000 + number, 1)
    client.sendall(said + b"Z" + struct.pack("!I", 5) + b"I")


def _answer(server: socket.socket, client: socket.socket) -> bytes:
    """Hand on until the server is ready; its transaction status."""
    while True:
        kind, message = _frame(server)
        client.sendall(message)
        if kind == b"Z":
            return message[-1:]


def _frame(sender: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(sender, 5)
    (length,) = struct.unpack("!I", head[1:])
    return head[:1], head + _exactly(sender, length - 4)


def _exactly(sender: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = sender.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data
