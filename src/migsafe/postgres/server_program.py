"""What the server's own machine says of its disk: `df`, run by the server."""

from typing import Any

import msgspec
import psycopg

TIMEOUT_SECONDS = 10


class Mounted(msgspec.Struct, frozen=True):
    """A file system as `df -Pk` has it; `available` and `total` in bytes."""

    device: str
    available: int
    total: int


def disk_free(connection: psycopg.Connection[Any], paths: tuple[str, ...]) -> tuple[Mounted, ...]:
    """The file system of each of `paths`, which are relative to the data directory: a backend works there.

    Needs pg_execute_server_program. COPY wants a table to copy into: a temporary one, whose transaction is rolled
    back. Raises psycopg's errors, and ValueError when `df` does not answer with a line for each path.
    """
    assert all(path.replace("/", "").replace("_", "").replace(".", "").isalnum() or path == "." for path in paths)
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ WRITE")
        connection.execute(f"SET LOCAL statement_timeout = '{TIMEOUT_SECONDS}s'")
        connection.execute("CREATE TEMPORARY TABLE migsafe_df (line text)")
        # These quotes and delimiters do not stand in what df prints.
        command = f"COPY pg_temp.migsafe_df FROM PROGRAM 'LC_ALL=C df -Pk {' '.join(paths)}'"
        connection.execute(command.encode() + rb" (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')")
        lines = [row[0] for row in connection.execute("SELECT line FROM pg_temp.migsafe_df").fetchall()]
    if len(lines) != len(paths) + 1:
        raise ValueError(f"df printed {len(lines)} lines for {len(paths)} paths")
    return tuple(_mounted(line) for line in lines[1:])


def _mounted(line: str) -> Mounted:
    """One line of `df -Pk`: device, 1024-blocks, used, available, capacity, mount point; the first may have blanks."""
    words = line.split()
    percent = next(number for number, word in enumerate(words) if word.endswith("%") and number >= 4)
    total, available = words[percent - 3], words[percent - 1]
    return Mounted(" ".join([*words[: percent - 3], *words[percent + 1 :]]), int(available) * 1024, int(total) * 1024)
