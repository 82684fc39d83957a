"""What one statement does to a server: the one value that lint, preflight, run, verify and undo read."""

from typing import Literal

import msgspec

from migsafe.model.catalog import (
    Column,
    Constraint,
    EventTrigger,
    Extension,
    Function,
    Index,
    Policy,
    Publication,
    Relation,
    RewriteRule,
    Schema,
    Statistics,
    Trigger,
    Type,
)
from migsafe.model.locks import Lock

CatalogObject = (
    Relation
    | Column
    | Index
    | Constraint
    | Extension
    | Type
    | Trigger
    | RewriteRule
    | Policy
    | Statistics
    | Function
    | Publication
    | Schema
    | EventTrigger
)


class Build(msgspec.Struct, frozen=True):
    """An index built from the rows of a table that existed before the statement."""

    index: str
    table: str
    concurrently: bool = False
    method: str = "btree"


class Object(msgspec.Struct, frozen=True):
    """Something with a name. `of` is the relation of a column, constraint, trigger or policy; names are unquoted.

    For what lives in a schema `name` is `schema.name`; with `of`, `name` is bare and `label` is `schema.table.name`.
    """

    kind: str
    name: str
    of: str | None = None

    @property
    def label(self) -> str:
        return f"{self.of}.{self.name}" if self.of else self.name


class Rename(msgspec.Struct, frozen=True):
    """`old` becomes `new`; a move to another schema is a rename of `schema.name`."""

    old: Object
    new: Object


class Altered(msgspec.Struct, frozen=True):
    """An object as it is afterwards, and as it was where the catalog knew it. Unknown attributes stay unset.

    `using` is the expression that gives the values of a column of another type, where one is written.
    """

    after: CatalogObject
    before: CatalogObject | None = None
    using: str | None = None


class Need(msgspec.Struct, frozen=True):
    """What must be there for the statement to succeed.

    `kind` is one of extension (may be created: name, detail = version or None), owner (of relation `name`),
    privilege (`detail` on relation `name`), create-in-schema, create-in-database, superuser, empty-relation.
    """

    kind: str
    name: str
    detail: str | None = None


class Write(msgspec.Struct, frozen=True):
    """Rows changed by INSERT, UPDATE, DELETE, MERGE or COPY. `whole`: no WHERE clause narrows it.

    `few`: no more rows than the statement spells out, by VALUES or by constants for a whole unique key. `batch`: a
    LIMIT, or a range of constants on a unique key, says how many at most. `picked`: only rows with a constant in some
    column. `columns` are those that an UPDATE or a MERGE sets.
    """

    relation: str
    command: str
    whole: bool = False
    few: bool = False
    columns: tuple[str, ...] = ()
    batch: bool = False
    picked: bool = False


class Setting(msgspec.Struct, frozen=True):
    """A parameter that the statement sets (`value` None: RESET), for the transaction when `local`."""

    name: str
    value: str | None
    local: bool = False


class Attribute(msgspec.Struct, frozen=True):
    """What a statement sets of an object beyond what the catalog in memory holds; `value` None: taken away.

    `name` is comment, owner, `parameter …` and `option …` (storage parameters), statistics target, storage,
    compression, row security, forced row security, replica identity (nothing, full, default, or an index), clustered
    on, enabled (of a trigger or rule: O, D, R or A as in pg_trigger), `… of ROLE` (a privilege: granted or None), query
    (of a view), command, permissive, roles, using and check (of a policy), and start, increment, minimum, maximum,
    cache, cycle of a sequence.
    """

    object: Object
    name: str
    value: str | None = None


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """What one statement locks, rewrites, scans, builds, creates, alters, drops, destroys, and what it needs.

    Relations are `schema.name`, unquoted. `scans`: read in full while the statement holds its locks; `rewrites`: data
    files replaced. `conditions` are sentences for what holds only if the catalog, which did not know, says so;
    the effects then are the pessimistic ones. `unknown` says why nothing (or not everything) could be told:
    absence of an effect proves nothing then. `waits_for` names whose transactions a CONCURRENTLY waits for.
    `transient` are relations among the locks whose lock is released before the statement ends. `truncates` are
    relations emptied by TRUNCATE. `perhaps` are relations among `creates` that IF NOT EXISTS may have found there:
    the catalog does not know. `nothing_to_do`: the catalog shows that IF EXISTS or IF NOT EXISTS leaves no more
    than the locks. `if_not_exists`: the index that CREATE INDEX IF NOT EXISTS names. `not_immutable` are functions in
    an index that PostgreSQL does not accept there, `shortened` names of more than 63 bytes as written, which the
    server cuts. `database_settings` hold for later sessions (ALTER DATABASE … SET). A lock on a
    relation that the statement itself creates is not among `locks`. `actions` change no object of the catalog: `kind`
    is disable trigger, enable trigger (`name` of it, or all, or user), enable row security, disable row security,
    replica identity (`name` is nothing, full, default or index), revoke (`name` lists the privileges), set constraints
    (`name` is deferred or immediate), advisory lock, advisory unlock, enum label (`name` is a label added earlier in
    the plan which the statement uses, `of` the type). `defines` are what stands in the definition of an object and
    not in the catalog in memory (sql/defines/): only verification reads them. Their `value` None: as by default.
    """

    locks: tuple[Lock, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    builds: tuple[Build, ...] = ()
    creates: tuple[CatalogObject, ...] = ()
    perhaps: tuple[str, ...] = ()
    alters: tuple[Altered, ...] = ()
    drops: tuple[Object, ...] = ()
    renames: tuple[Rename, ...] = ()
    validates: tuple[Object, ...] = ()
    destroys: tuple[Object, ...] = ()
    needs: tuple[Need, ...] = ()
    writes: tuple[Write, ...] = ()
    settings: tuple[Setting, ...] = ()
    database_settings: tuple[Setting, ...] = ()
    waits_for: tuple[str, ...] = ()
    transient: tuple[str, ...] = ()
    truncates: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    actions: tuple[Object, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    defines: tuple[Attribute, ...] = ()
    not_immutable: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()
    command: str = ""
    concurrently: bool = False
    in_transaction: bool = True
    nothing_to_do: bool = False
    if_not_exists: str | None = None
    source: Literal["predicted", "observed"] = "predicted"
    unknown: str | None = None

    @property
    def changes_schema(self) -> bool:
        return bool(self.creates or self.alters or self.drops or self.renames or self.validates)
