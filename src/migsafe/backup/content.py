"""What an archive holds, read to its last row: rows, checksums and sequences of the dump itself."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from migsafe.backup.read import Unreadable, complaint, pg_restore_of
from migsafe.postgres.described import add, text_of

_TABLE = re.compile(rb"-- Data for Name: (.*); Type: TABLE DATA; Schema: (.*); Owner: .*\n")
_COPY = re.compile(rb"COPY (.*) FROM stdin;\n")
_SEQUENCE = re.compile(rb"SELECT pg_catalog\.setval\('(.*)', (-?\d+), (true|false)\);\n")
_ENCODING = re.compile(rb"SET client_encoding = '(.*)';\n")


class Table(msgspec.Struct, frozen=True):
    """A table's rows in a dump: how many, their checksum (described.checksum), what COPY names it and its columns."""

    rows: int
    checksum: str
    copied: str


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Tables by `schema.table`; `last_value` and `is_called` of sequences by their quoted names."""

    tables: dict[str, Table] = {}
    sequences: dict[str, tuple[int, bool]] = {}
    encoding: str = "UTF8"


def read_content(path: Path, on_table: Callable[[str], None] | None = None) -> Content:
    """Read an archive to its end with pg_restore. `on_table` is told each table. Raises Unreadable."""
    with tempfile.TemporaryFile() as complaints:
        command = [str(pg_restore_of(path)), "--data-only", "--file=-", str(path)]
        environment = os.environ | {"LC_ALL": "C"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, env=environment) as process:
            assert process.stdout is not None
            try:
                found = _content(process.stdout, on_table)
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            complaints.seek(0)
            raise Unreadable(complaint(path, complaints.read().decode(errors="replace")))
    return found


def _content(lines: Iterable[bytes], on_table: Callable[[str], None] | None) -> Content:
    tables: dict[str, Table] = {}
    sequences: dict[str, tuple[int, bool]] = {}
    name, encoding, rest = "", "UTF8", iter(lines)
    for line in rest:
        if copy := _COPY.fullmatch(line):
            tables[name] = _rows(rest, copy[1].decode())
        elif table := _TABLE.fullmatch(line):
            name = f"{table[2].decode()}.{table[1].decode()}"
            if on_table is not None:
                on_table(name)
        elif sequence := _SEQUENCE.fullmatch(line):
            sequences[sequence[1].decode().replace("''", "'")] = int(sequence[2]), sequence[3] == b"true"
        elif said := _ENCODING.fullmatch(line):
            encoding = said[1].decode()
    return Content(tables=tables, sequences=sequences, encoding=encoding)


def _rows(lines: Iterator[bytes], copied: str) -> Table:
    count = total = 0
    for line in lines:
        if line == b"\\.\n":
            break
        count += 1
        total = add(total, line)
    return Table(count, text_of(total), copied)
