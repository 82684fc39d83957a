"""A process that has loaded what migsafe is built on, and becomes `migsafe`, in a child, for every order.

SQLAlchemy, psycopg and the standard library are more than half of what a short command costs. migsafe itself, and
Alembic, which loads migsafe's plugin, are loaded by every child anew, in the order in which the command asks for them.

An order is one byte over the socket whose descriptor is the first argument, with four descriptors: a file of JSON
(`folder`, `arguments`, `environment`), standard output, standard error, and a pipe that is told the pid and, when the
child has ended, the status that waitpid gave. At the end of the socket this process ends.
"""

import json
import os
import signal
import socket
import sys
import time
from importlib import import_module
from typing import Any

LOADED = (
    "asyncio ctypes email.message logging.config tempfile tomllib urllib.request zipfile zoneinfo"
    " click mako.template msgspec psycopg sqlalchemy.dialects.postgresql.psycopg"
)


def become(order: dict[str, Any], output: int, errors: int) -> None:
    """`migsafe` in this process, as `python -c` starts it."""
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    os.chdir(order["folder"])
    for descriptor, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (errors, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    sys.path[0] = ""
    sys.argv = ["-c", *order["arguments"]]
    from migsafe.cli import main as command_line

    command_line()


def watch(read: int, output: int, errors: int, status: int) -> None:
    """The child's parent: says its pid, then how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with os.fdopen(read) as file:
        order = json.load(file)
    pid = os.fork()
    if pid == 0:
        os.close(status)
        become(order, output, errors)
    os.write(status, f"{pid}\n".encode())
    os.write(status, f"{os.waitpid(pid, 0)[1]}\n".encode())
    os._exit(0)


def main() -> None:
    """Take orders until the end of the socket."""
    for name in LOADED.split():
        import_module(name)
    assert not [name for name in sys.modules if name.startswith(("migsafe", "alembic"))]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    orders = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, descriptors, _, _ = socket.recv_fds(orders, 1, 4)
        if not message:
            return
        if os.fork() == 0:
            orders.close()
            watch(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


if __name__ == "__main__":
    main()
