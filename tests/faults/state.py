"""What a database holds, to compare with an undisturbed run: schema, rows, and what a run must not leave behind."""

import time

from fix_postgres import Connection

_SCHEMA = """
SELECT 'column', format('%s.%s', attrelid::regclass, attname),
    format('%s %s %s %s', attnum, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid))
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v')
UNION ALL
SELECT 'index', indexrelid::regclass::text,
    format('%s valid %s ready %s', pg_get_indexdef(indexrelid), indisvalid, indisready)
FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'constraint', format('%s on %s', conname, conrelid::regclass),
    format('%s validated %s', pg_get_constraintdef(oid), convalidated)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'type', t.typname, string_agg(enumlabel, ',' ORDER BY enumsortorder)
FROM pg_type t JOIN pg_enum ON enumtypid = t.oid GROUP BY t.typname
UNION ALL
SELECT 'relation', relname, format('%s %s %s', relkind, relpersistence, reloptions)
FROM pg_class WHERE relnamespace = 'public'::regnamespace
ORDER BY 1, 2
"""
_ROWS = "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM {} AS t"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
# Of any run, whatever became of it: sessions, and locks of sessions that are not in this list themselves.
_SESSIONS = """
SELECT application_name, state, query FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> 'test'
"""
_LOCKS = """
SELECT locktype, mode FROM pg_locks WHERE pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid NOT IN (SELECT pid FROM pg_stat_activity WHERE application_name = 'test')
"""

State = tuple[tuple[object, ...], ...]


def state(connection: Connection) -> State:
    """Every object of schema public with its definition, every table with the number and the digest of its rows."""
    found = [tuple(row) for row in connection.execute(_SCHEMA)]
    for (table,) in connection.execute(_TABLES.encode()).fetchall():
        row = connection.execute(_ROWS.format(table).encode()).fetchone()
        assert row is not None
        found.append(("rows", table, *row))
    return tuple(found)


def left_behind(connection: Connection) -> list[tuple[object, ...]]:
    """Sessions and locks that are there still after a moment; a session ends when its server process does."""
    ends = time.monotonic() + 20
    while True:
        found = [tuple(row) for query in (_SESSIONS, _LOCKS) for row in connection.execute(query)]
        if not found or time.monotonic() > ends:
            return found
        time.sleep(0.02)
