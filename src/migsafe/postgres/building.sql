-- A CONCURRENTLY statement while it runs: how far it is, whom it waits for (building.py). Needs no privilege but where
-- said: pg_stat_progress_create_index shows a session of one's own role (measured on 14 to 18).

-- name: build_progress
-- needs: none
-- One row, whatever session %(pid)s does. An awaited lock on a table is asked for before anything is done; what
-- is awaited later are other transactions (virtualxid, or transactionid for prepared ones), or the lock with which
-- REINDEX, DROP and DETACH end.
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = %(pid)s AND NOT l.granted) AS waiting,
       nullif(p.index_relid, 0)::int8 AS oid,
       (SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = p.index_relid) AS index,
       p.phase, p.blocks_done, p.blocks_total, p.tuples_done, p.tuples_total, p.lockers_done, p.lockers_total,
       nullif(p.current_locker_pid, 0)::int AS locker
FROM (SELECT) AS always
LEFT JOIN pg_catalog.pg_stat_progress_create_index p ON p.pid = %(pid)s

-- name: snapshot_holders
-- needs: pg_read_all_stats for state, age and query
-- Whose snapshots CREATE INDEX and REINDEX CONCURRENTLY wait for: sessions of this database that have one, and are no
-- VACUUM (WaitForOlderSnapshots in src/backend/commands/indexcmds.c). A prepared transaction has none; the snapshot
-- of a standby with hot_standby_feedback belongs to no database. Autovacuum has no user.
SELECT a.pid,
       NULL AS relation,
       NULL AS mode,
       true AS granted,
       coalesce(nullif(a.backend_type, 'client backend'), a.application_name) AS application,
       a.usename::text AS "user",
       a.state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age,
       a.query,
       NULL AS gid,
       a.backend_type AS backend,
       coalesce(r.rolsuper, false) AS superuser
FROM pg_catalog.pg_stat_activity a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
WHERE a.datid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND a.backend_xmin IS NOT NULL AND a.usesysid IS NOT NULL
  AND a.pid <> pg_backend_pid() AND a.pid IS DISTINCT FROM %(pid)s::int
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum v WHERE v.pid = a.pid)
ORDER BY age DESC NULLS LAST, 1
