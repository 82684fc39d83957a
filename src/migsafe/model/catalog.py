"""A schema in memory: just what prediction needs to know.

Names are unquoted; relations, indexes and types are `schema.name`. None (or UNSET where None means something) is
"not known", never "no".
"""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, UnsetType


class Use(msgspec.Struct, frozen=True):
    """A relation that a query or an expression mentions, and the columns of it; `*` stands for every column."""

    relation: str
    columns: tuple[str, ...] = ()


class Relation(msgspec.Struct, frozen=True, tag_field="object", tag="relation"):
    """A table, partitioned table, view, materialized view, sequence, foreign table or composite type.

    `rows` and `bytes` are the server's estimates (bytes with TOAST, without indexes), those of small tables measured;
    rows are None when never analysed, both are 0 of a table without any.
    `persistence` is permanent, unlogged or temporary. `owned_by` is relation and column of a sequence's owner.
    `partition_by` is range, list or hash, `partition_key` a name per key (None: an expression), `bound` as
    `pg_get_expr(relpartbound)` prints it. `of_type` is the composite type of a typed table. `uses` is what the query
    of a view reads, `calls` the functions in it (`schema.name`, or bare for those of PostgreSQL). `access_method` of a
    table (None: heap, or not known). `start` is the first value of an identity's sequence where
    ALTER COLUMN writes one.
    """

    name: str
    kind: str = "table"
    owner: str | None = None
    rows: float | None = None
    bytes: int | None = None
    parents: tuple[str, ...] = ()
    is_default_partition: bool = False
    persistence: str = "permanent"
    owned_by: tuple[str, str] | None = None
    partition_by: str | None = None
    partition_key: tuple[str | None, ...] = ()
    bound: str | None = None
    of_type: str | None = None
    uses: tuple[Use, ...] = ()
    calls: tuple[str, ...] = ()
    definition: str | None = None
    access_method: str | None = None
    start: int | None = None


class Column(msgspec.Struct, frozen=True, tag_field="object", tag="column"):
    """A column. `type` is as `format_type()` prints it; `default` as written or as `pg_get_expr()` prints it."""

    relation: str
    name: str
    type: str | None = None
    not_null: bool | None = None
    default: str | UnsetType | None = UNSET
    identity: str | None = None
    generated: str | None = None
    collation: str | None = None


class Index(msgspec.Struct, frozen=True, tag_field="object", tag="index"):
    """An index. `columns` has a name per key, None where the key is an expression.

    `mentions` are the columns in expressions and predicate, `included` those after INCLUDE. `parent` is the
    partitioned index that it is a part of. `definition` is the text of `CREATE INDEX` where one was written, and then
    `types` are those of the keys (None: not known), `opclasses` what was written behind them, `options` what WITH says.
    `nulls_not_distinct`: written so, and two NULLs are the same then.
    """

    name: str
    relation: str
    method: str = "btree"
    columns: tuple[str | None, ...] = ()
    unique: bool = False
    primary: bool = False
    valid: bool = True
    predicate: str | None = None
    mentions: tuple[str, ...] = ()
    included: tuple[str, ...] = ()
    parent: str | None = None
    definition: str | None = None
    types: tuple[str | None, ...] = ()
    opclasses: tuple[str | None, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    nulls_not_distinct: bool = False


class Constraint(msgspec.Struct, frozen=True, tag_field="object", tag="constraint"):
    """A constraint. `kind` is check, foreign key, primary key, unique, exclude or not null.

    `on_delete` and `on_update` are a, r, c, n or d as in `pg_constraint`, `match` is s(imple), f(ull) or p(artial).
    `calls` are functions in a CHECK.
    """

    relation: str
    name: str
    kind: str
    columns: tuple[str, ...] = ()
    expression: str | None = None
    references: str | None = None
    referenced_columns: tuple[str, ...] = ()
    validated: bool = True
    enforced: bool = True
    index: str | None = None
    deferrable: bool = False
    deferred: bool = False
    match: str = "s"
    on_delete: str = "a"
    on_update: str = "a"
    no_inherit: bool = False
    inherited: bool = False
    calls: tuple[str, ...] = ()


class Schema(msgspec.Struct, frozen=True, tag_field="object", tag="schema"):
    """A schema, which holds relations, types and functions."""

    name: str


class Extension(msgspec.Struct, frozen=True, tag_field="object", tag="extension"):
    """An extension; `version` None: the default one of the server."""

    name: str
    version: str | None = None
    schema: str | None = None


class Type(msgspec.Struct, frozen=True, tag_field="object", tag="type"):
    """A type of the user's own. `kind` is enum, domain, composite, range or base; `base` of a domain; `constrained`:
    a domain with CHECK or NOT NULL of its own. `attributes` are name and type of a composite. `constraints` are the
    names of a domain's, `unvalidated` those still NOT VALID. `extension` is the one that it belongs to. `added` are
    labels that statements have added to an enum since the catalog was read.
    """

    name: str
    kind: str
    labels: tuple[str, ...] = ()
    base: str | None = None
    constrained: bool = False
    attributes: tuple[tuple[str, str], ...] = ()
    constraints: tuple[str, ...] = ()
    unvalidated: tuple[str, ...] = ()
    default: str | None = None
    extension: str | None = None
    added: tuple[str, ...] = ()


class Trigger(msgspec.Struct, frozen=True, tag_field="object", tag="trigger"):
    """A trigger. `events` of insert, update, delete, truncate; `columns` are UPDATE OF and those of WHEN.

    `references` is the table after FROM of a constraint trigger.
    """

    relation: str
    name: str
    function: str | None = None
    timing: str = "after"
    events: tuple[str, ...] = ()
    for_each_row: bool = False
    columns: tuple[str, ...] = ()
    constraint: bool = False
    references: str | None = None


class EventTrigger(msgspec.Struct, frozen=True, tag_field="object", tag="event trigger"):
    """An event trigger. `event` is ddl_command_start and such; no `tags`: it fires for every command."""

    name: str
    event: str
    function: str
    tags: tuple[str, ...] = ()
    enabled: bool = True


class RewriteRule(msgspec.Struct, frozen=True, tag_field="object", tag="rule"):
    """A rule of CREATE RULE. `uses` are relations that its actions and condition read or write."""

    relation: str
    name: str
    event: str = "select"
    uses: tuple[Use, ...] = ()
    writes: tuple[str, ...] = ()
    instead: bool = False


class Policy(msgspec.Struct, frozen=True, tag_field="object", tag="policy"):
    """A row security policy. `uses` are relations and columns that its expressions mention, its own table too;
    `calls` the functions in them."""

    relation: str
    name: str
    uses: tuple[Use, ...] = ()
    calls: tuple[str, ...] = ()


class Statistics(msgspec.Struct, frozen=True, tag_field="object", tag="statistics"):
    """Extended statistics; `name` is `schema.name`."""

    name: str
    relation: str
    columns: tuple[str, ...] = ()


class Publication(msgspec.Struct, frozen=True, tag_field="object", tag="publication"):
    """A publication of tables named one by one; None: of all tables, or those of schemas."""

    name: str
    tables: tuple[str, ...] | None = ()


class Function(msgspec.Struct, frozen=True, tag_field="object", tag="function"):
    """A function, procedure or aggregate of the user's own; `name` is `schema.name`, `arguments` types as text.

    `volatility` is i, s or v; `body` of AS '…', `uses` what a SQL body depends on (BEGIN ATOMIC only).
    """

    name: str
    arguments: tuple[str, ...] = ()
    kind: str = "function"
    language: str = "sql"
    volatility: str = "v"
    returns: str | None = None
    returns_set: bool = False
    body: str | None = None
    uses: tuple[Use, ...] = ()
    extension: str | None = None

    @property
    def signature(self) -> str:
        return f"{self.name}({', '.join(self.arguments)})"


class Catalog(msgspec.Struct, frozen=True):
    """Relations by name; columns and constraints by (relation, name); indexes, types and extensions by name.

    `complete` tells that a name which is not here does not exist, rather than is not known.
    `volatility` of functions by `schema.name` or bare name: i(mmutable), s(table), v(olatile).
    Triggers, rules and policies are by (relation, name), statistics and event triggers by name, functions by
    signature, publications by name with their tables (None: all tables, or those of a schema). `timezone` is what
    sessions that migrate use.
    """

    relations: Mapping[str, Relation] = {}
    columns: Mapping[str, Mapping[str, Column]] = {}
    constraints: Mapping[str, Mapping[str, Constraint]] = {}
    indexes: Mapping[str, Index] = {}
    types: Mapping[str, Type] = {}
    extensions: Mapping[str, Extension] = {}
    volatility: Mapping[str, str] = {}
    triggers: Mapping[str, Mapping[str, Trigger]] = {}
    rules: Mapping[str, Mapping[str, RewriteRule]] = {}
    policies: Mapping[str, Mapping[str, Policy]] = {}
    statistics: Mapping[str, Statistics] = {}
    functions: Mapping[str, Function] = {}
    publications: Mapping[str, tuple[str, ...] | None] = {}
    event_triggers: Mapping[str, EventTrigger] = {}
    schemas: tuple[str, ...] = ()
    timezone: str | None = None
    search_path: tuple[str, ...] = ("public",)
    server_version: int = 18
    complete: bool = False
