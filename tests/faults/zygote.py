"""A process that has loaded migsafe, and becomes the command line of it, in a child, for every line that it is sent.

A line is JSON: `folder`, `arguments`, `output` (a file), `strikes` (see strikes.py), and `calls`, after how many calls
of the migrating connection the child kills itself, 0 for never. It answers with the pid, and when the child has ended,
with the status that waitpid gave.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import psycopg
import sqlalchemy.dialects.postgresql.psycopg

from faults.strikes import striking
from migsafe import rounds
from migsafe.cli import main as command_line
from migsafe.cli.terminal import Terminal
from migsafe.postgres.connection import Database

LOADED = (rounds, sqlalchemy.dialects.postgresql.psycopg)


def become(order: dict[str, Any]) -> None:
    """`migsafe` in this process."""
    os.chdir(order["folder"])
    sys.path[0] = order["folder"]
    descriptor = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    begins = _counted(order["calls"]) if order["calls"] else lambda: None
    planned = striking(Terminal.planned, Database(order["database"]), _by_passage(order["strikes"]))

    def agreed(self: Terminal, *arguments: Any) -> bool:
        said = planned(self, *arguments)
        begins()
        return said

    Terminal.planned = agreed  # type: ignore[method-assign, assignment]
    command_line(order["arguments"])


def _by_passage(strikes: dict[str, str]) -> dict[int, str]:
    return {int(at): action for at, action in strikes.items()}


def _counted(calls: int) -> Callable[[], None]:
    """Count, from when what comes back is called, what goes over connections that are not migsafe's own."""
    made, counting = 0, False

    def after(original: Callable[..., Any], connection: Callable[[Any], Any]) -> Callable[..., Any]:
        def call(self: Any, *arguments: Any, **keywords: Any) -> Any:
            nonlocal made
            came = original(self, *arguments, **keywords)
            name = connection(self).info.parameter_status("application_name") or ""
            if counting and not name.startswith(("migsafe", "test")):
                made += 1
                print(f"call {made}: {arguments[0] if arguments else 'COMMIT'}", flush=True)
                if made == calls:
                    os.kill(os.getpid(), signal.SIGKILL)
            return came

        return call

    def begin() -> None:
        nonlocal counting
        counting = True

    psycopg.Cursor.execute = after(psycopg.Cursor.execute, lambda cursor: cursor.connection)  # type: ignore[method-assign]
    psycopg.Connection.commit = after(psycopg.Connection.commit, lambda connection: connection)  # type: ignore[method-assign]
    return begin


def main() -> None:
    """Take orders until the end of standard input."""
    answer = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            answer.close()
            become(json.loads(line))
        print(pid, file=answer)
        print(os.waitpid(pid, 0)[1], file=answer)


if __name__ == "__main__":
    main()
