-- What a statement did to a scratch server (observe.py, bystanders.py).

-- name: observe_relations
-- needs: none
-- Counters of this session's own statements are pending for up to a second before they are flushed: the sum of both
-- only grows.
SELECT c.oid::int8 AS oid,
       n.nspname || '.' || c.relname AS name,
       CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'i' THEN 'index'
            WHEN 'I' THEN 'partitioned index' WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view'
            WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' END AS kind,
       c.relfilenode::int8 AS filenode,
       i.indrelid::int8 AS table_oid,
       m.amname::text AS method,
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_stat_get_numscans(c.oid) + pg_stat_get_xact_numscans(c.oid)
            + pg_stat_get_vacuum_count(c.oid) ELSE 0 END AS scans
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam AND c.relkind IN ('i', 'I')
WHERE c.relkind IN ('r', 'p', 'i', 'I', 'S', 'v', 'm', 'f')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- name: observe_locks
-- needs: none
SELECT relation::int8 AS oid, mode FROM pg_catalog.pg_locks
WHERE pid = %(pid)s AND locktype = 'relation'
  AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())

-- name: observe_foreign_keys
-- needs: none
-- What a partitioned table has in it are its partitions; of another parent a foreign key references itself alone.
SELECT k.oid::int8 AS oid, k.conname::text AS name,
       k.conrelid::int8 || ARRAY(WITH RECURSIVE below (oid) AS (
                                     SELECT k.confrelid
                                     UNION ALL
                                     SELECT i.inhrelid FROM pg_catalog.pg_inherits i
                                     JOIN below b ON b.oid = i.inhparent
                                     JOIN pg_catalog.pg_class c ON c.oid = i.inhparent AND c.relkind = 'p')
                                 SELECT oid::int8 FROM below) AS relations
FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.convalidated

-- name: observe_settings
-- needs: none
-- Messages are read in English; only a superuser may choose their language. Workers would hold locks and scan under
-- another pid.
SELECT set_config('client_min_messages', 'debug1', %(local)s),
       set_config('max_parallel_workers_per_gather', '0', %(local)s),
       set_config('max_parallel_maintenance_workers', '0', %(local)s),
       CASE WHEN (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
            THEN set_config('lc_messages', 'C', %(local)s) END

-- name: observe_settings_now
-- needs: none
SELECT name, current_setting(name) AS setting FROM pg_catalog.pg_settings
WHERE name IN ('client_min_messages', 'max_parallel_workers_per_gather', 'max_parallel_maintenance_workers')
   OR name = 'lc_messages' AND (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)

-- name: bystander_tables
-- needs: none
SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind IN ('r', 'p') AS writable
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relispopulated AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY c.oid

-- name: bystander_is_waiting
-- needs: none
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE pid = %(pid)s AND NOT granted)

-- name: bystander_waits
-- needs: none
SELECT b.pid, EXISTS (SELECT FROM pg_catalog.pg_locks w
                      WHERE w.pid = %(pid)s AND NOT w.granted AND w.locktype = 'virtualxid') AS for_transaction
FROM unnest(pg_blocking_pids(%(pid)s)) AS b (pid)
