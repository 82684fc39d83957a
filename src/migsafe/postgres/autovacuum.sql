-- Autovacuum in the way of a lock (autovacuum.py).

-- name: autovacuum_workers
-- needs: pg_read_all_stats to tell one that prevents wraparound
-- Those of %(pids)s that are autovacuum: the server cancels one for whoever waits behind it for deadlock_timeout, unless
-- it prevents wraparound (manual, section 24.1.6). `stays` is NULL where that is not visible.
SELECT a.pid, a.query LIKE 'autovacuum:%%(to prevent wraparound)' AS stays
FROM pg_catalog.pg_stat_activity a
WHERE a.pid = ANY (%(pids)s::int[]) AND a.usesysid IS NULL
  AND a.datid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
ORDER BY a.pid

-- name: deadlock_timeout
-- needs: none
SELECT extract(epoch FROM current_setting('deadlock_timeout')::interval)::float8
