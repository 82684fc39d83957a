"""What a database holds, to compare with an undisturbed run: schema, rows, and what a run must not leave behind."""

import time

from fix_postgres import Connection

_SCHEMA = """
SELECT 'column', format('%s.%s', attrelid::regclass, attname),
    format('%s %s %s %s', attnum, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid))
    || format(' %s %s %s %s %s', attidentity, attgenerated, attstorage, attcollation::regcollation, attacl)
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v')
UNION ALL
SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'constraint', format('%s on %s', conname, conrelid::regclass),
    format('%s validated %s', pg_get_constraintdef(oid), convalidated)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'type', t.typname, string_agg(enumlabel, ',' ORDER BY enumsortorder)
FROM pg_type t JOIN pg_enum ON enumtypid = t.oid GROUP BY t.typname
UNION ALL
SELECT 'relation', c.oid::regclass::text,
    format('%s %s %s %s %s', relkind, relpersistence, reloptions, relowner::regrole, relacl)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
UNION ALL
SELECT 'view', c.oid::regclass::text, pg_get_viewdef(c.oid)
FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
UNION ALL
SELECT 'routine', p.oid::regprocedure::text, format('%s %s %s', md5(prosrc), proconfig, proacl)
FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname NOT IN ('pg_catalog', 'information_schema')
UNION ALL
SELECT 'trigger', format('%s on %s', tgname, tgrelid::regclass), format('%s %s', pg_get_triggerdef(oid), tgenabled)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'event trigger', evtname, evtenabled::text FROM pg_event_trigger
UNION ALL
SELECT 'comment', pg_describe_object(classoid, objoid, objsubid), description
FROM pg_description WHERE objoid >= 16384
UNION ALL
SELECT 'schema', nspname, format('%s %s', nspowner::regrole, nspacl)
FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_temp%' AND nspname NOT LIKE 'pg\\_toast%'
UNION ALL
SELECT 'extension', extname, extversion FROM pg_extension
UNION ALL
SELECT 'setting', setrole::regrole::text, setconfig::text
FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY 1, 2
"""
_ROWS = "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM {} AS t"
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
# Of any run, whatever became of it: sessions, and locks of sessions that are not in this list themselves, or of none.
_SESSIONS = """
SELECT application_name, state, query FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> 'test'
"""
_LOCKS = """
SELECT locktype, mode FROM pg_locks WHERE pid IS DISTINCT FROM pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = pg_locks.pid AND application_name = 'test')
"""
_PREPARED = "SELECT 'prepared', gid FROM pg_prepared_xacts WHERE database = current_database()"
# Of every schema, and of TOAST: what a CONCURRENTLY statement leaves behind when it ends in the middle.
_HALF_DONE = """
SELECT 'invalid index', indexrelid::regclass::text FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive)
UNION ALL SELECT 'half detached', inhrelid::regclass::text FROM pg_inherits WHERE inhdetachpending
"""

_LEFT = (_SESSIONS, _LOCKS, _PREPARED, _HALF_DONE)

State = tuple[tuple[object, ...], ...]


def state(connection: Connection) -> State:
    """Every object with its definition, every table with the number and the digest of its rows."""
    found = [tuple(row) for row in connection.execute(_SCHEMA)]
    for (table,) in connection.execute(_TABLES.encode()).fetchall():
        row = connection.execute(_ROWS.format(table).encode()).fetchone()
        assert row is not None
        found.append(("rows", table, *row))
    return tuple(found)


def left_behind(connection: Connection) -> list[tuple[object, ...]]:
    """Sessions, locks and the like that are there still after a moment; a session ends when its server process does."""
    ends = time.monotonic() + 20
    while True:
        found = [tuple(row) for query in _LEFT for row in connection.execute(query)]
        if not found or time.monotonic() > ends:
            return found
        time.sleep(0.02)
