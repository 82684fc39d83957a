"""How large and how busy a database is: what `migsafe stats` writes, so that lint knows it without the database."""

import msgspec

VERSION = 1


class RelationStatistics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One table, materialized view or partitioned table (then with all its partitions), `schema.name`, unquoted.

    `rows` is an estimate; `bytes` are those of the table with TOAST, `index_bytes` those of its indexes. `writes` and
    `reads` are rows a second since the statistics began: written, and fetched by scans. None: not known.
    """

    name: str
    rows: float | None = None
    bytes: int | None = None
    index_bytes: int | None = None
    writes: float | None = None
    reads: float | None = None


class DatabaseStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A database at one moment. No data and no name but those of relations.

    `written` and `since` (when the counters began) are UTC, ISO 8601. `longest_transaction` and `longest_query` are
    the oldest open ones of other sessions in seconds, `slowest_statement` the longest execution that pg_stat_statements
    remembers. What is None could not be seen; `notes` say which GRANT would show it.
    """

    version: int = VERSION
    server_version: str
    written: str
    since: str | None = None
    longest_transaction: float | None = None
    longest_query: float | None = None
    slowest_statement: float | None = None
    notes: tuple[str, ...] = ()
    relations: tuple[RelationStatistics, ...] = ()
