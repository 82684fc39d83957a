"""What is saved before it is destroyed: which rows and columns of which relation, in which files."""

from typing import Literal

import msgspec

from migsafe.model.report import BackupFile

ALIAS = "migsafe_saved"

Kind = Literal["table", "rows", "column", "values"]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Rows or columns of one relation that one statement destroys, under the names they had before the run.

    `kind`: a whole table, rows (all their columns), a column that is dropped or changes its type (`retyped`), values
    that an UPDATE overwrites. `key` are the columns that find a row again, none when the relation has no key: `columns`
    are then all of them, and `lost` those that go. `where` holds for `FROM relation AS alias`; None: every row. `top`
    is the relation whose columns are altered when `relation` is a partition or child. `after` is the name of `relation`
    when the run is over, None when it is gone. `only`: without children. `statement` is an index in the plan, `first`
    that of the first statement which touches the relation. `because`: why more than what goes is saved.
    """

    kind: Kind
    relation: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    where: str | None = None
    alias: str = ALIAS
    only: bool = False
    retyped: bool = False
    top: str = ""
    after: str | None = None
    statement: int = 0
    first: int = 0
    revision: str = ""
    transaction: int | None = 0
    place: str = ""
    because: str | None = None

    @property
    def label(self) -> str:
        """What a person calls it: table public.t, rows of public.t, column public.t.c, values of public.t.c."""
        names = ", ".join(self.lost)
        if self.kind in ("table", "rows"):
            return f"table {self.relation}" if self.kind == "table" else f"rows of {self.relation}"
        return f"{'column' if self.kind == 'column' else 'values of'} {self.relation}.{names}"


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Rows in one file (COPY text, gzip), or in one table of `migsafe_undo` (then `file` has no bytes and no sum).

    `newer`: rows that were written after the ones in the chunks before. `after`: the file with the same keys and the
    values that the run left, made when it was over. `spared`: the file with the keys of those rows that the run did
    not meet any more: somebody else had deleted them, or changed them so that they were not meant.
    """

    file: BackupFile
    rows: int
    newer: bool = False
    after: BackupFile | None = None
    spared: BackupFile | None = None
    table: str | None = None


class PartSaved(msgspec.Struct, frozen=True, kw_only=True):
    """`types` are those of key and columns, as format_type() prints them. `horizon` is the 32-bit transaction id from
    which on a row may be newer than what is saved, `looking` the seconds that looking for such rows took, `writes` the
    server's counter of writes to the relation when it was saved (None: not visible), `written` how many it counted
    from then until the run came. `sure`: which of the rows the run met is known.
    """

    part: Part
    types: tuple[str, ...]
    chunks: tuple[Chunk, ...] = ()
    horizon: int = 0
    looking: float = 0.0
    writes: int | None = None
    written: int | None = None
    sure: bool = False

    @property
    def rows(self) -> int:
        return sum(chunk.rows for chunk in self.chunks)

    @property
    def bytes(self) -> int:
        beside = [each for chunk in self.chunks for each in (chunk.after, chunk.spared) if each is not None]
        return sum(chunk.file.bytes for chunk in self.chunks) + sum(each.bytes for each in beside)


class ColumnDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A column as it was; texts as the server prints them. `checks` are name and definition of its CHECKs."""

    relation: str
    name: str
    type: str
    default: str | None = None
    not_null: bool = False
    not_null_name: str | None = None
    identity: str | None = None
    sequence: str | None = None
    generated: str | None = None
    collation: str | None = None
    facts: dict[str, str] = {}
    checks: tuple[tuple[str, str], ...] = ()


class Entry(msgspec.Struct, frozen=True):
    """A line of the list of contents of schema.dump: its id there, and what the catalog knew the object by."""

    id: int
    classid: int
    oid: int
    what: str
    depends: tuple[int, ...] = ()


class Sequence(msgspec.Struct, frozen=True):
    """Where a sequence was."""

    name: str
    last_value: int
    is_called: bool


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`saved/manifest.json`. Times are ISO 8601 in UTC. No password and no URL is in it.

    `run` is the name of the run directory; `current` and `target` are heads. `system_identifier` is the cluster's, None
    where the role may not see it. `entries` are of schema.dump; `undefined` says why there is none, and `gone` are the
    ids of those whose object the run took away (None: nobody looked). `over`: the run has
    ended and the values that it left were read. `unsaved`: what is not saved, and why.
    """

    run: str
    label: str
    database: str
    system_identifier: str | None
    server_version: int
    encoding: str
    search_path: tuple[str, ...]
    version_table: str
    current: tuple[str, ...]
    target: tuple[str, ...]
    made: str
    expires: str
    store: Literal["files", "tables"] = "files"
    parts: tuple[PartSaved, ...] = ()
    columns: tuple[ColumnDefinition, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    entries: tuple[Entry, ...] = ()
    schema: BackupFile | None = None
    undefined: str | None = None
    gone: tuple[int, ...] | None = None
    wholly: bool = False
    unsaved: tuple[tuple[str, str], ...] = ()
    over: bool = False
    version: int = 1
