"""A wire between client and server that breaks at a COMMIT, on its way to the server or on the way back."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from migsafe.postgres.connection import Database

Broken = Literal["before", "after"]


class Wire:
    """Hands bytes on. The `at`-th COMMIT of an application without a name breaks its connection, once it is `armed`."""

    def __init__(self, database: Database, at: int, broken: Broken) -> None:
        self.address = (database.parameters["host"], int(database.parameters["port"]))
        self.at, self.broken = at, broken
        self.commits, self.armed = 0, False
        self.lock = threading.Lock()
        self.threads: list[threading.Thread] = []
        self.sockets: list[socket.socket] = []

    def arm(self) -> None:
        self.armed = True

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self.address)
                self.sockets += [client, server]
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for target, pair in ((self._requests, (client, server)), (_hand_on, (server, client))):
                    thread = threading.Thread(target=target, args=pair, daemon=True)
                    self.threads.append(thread)
                    thread.start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        nameless = False
        with suppress(OSError):
            while data := client.recv(65536):
                if b"database\0" in data:
                    nameless = b"application_name" not in data
                if nameless and self._breaks(data):
                    client.shutdown(socket.SHUT_RDWR)
                    if self.broken == "after":
                        server.sendall(data)
                    break
                server.sendall(data)
        with suppress(OSError):
            # What was sent is read by the server before it sees the end.
            server.shutdown(socket.SHUT_WR)

    def _breaks(self, data: bytes) -> bool:
        if not self.armed or b"COMMIT\0" not in data:
            return False
        with self.lock:
            self.commits += 1
            return self.commits == self.at


def _hand_on(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        while data := server.recv(65536):
            with suppress(OSError):
                client.sendall(data)
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(database: Database, at: int, broken: Broken) -> Iterator[tuple[Database, Wire]]:
    """The same database over the wire."""
    made = Wire(database.replace(host="127.0.0.1"), at, broken)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=made.serve, args=(listener,), daemon=True)
        accepting.start()
        port = listener.getsockname()[1]
        yield database.replace(host="127.0.0.1", port=str(port), sslmode="disable"), made
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join()
        for each in made.sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in made.threads:
            thread.join()
        for each in made.sockets:
            each.close()
