-- Who holds what (locks.py, blockers.py, advisory.py). pg_locks is open to everybody; of pg_stat_activity a role without
-- pg_read_all_stats sees pid, user and application of others, and NULL for the rest (measured on 14 to 18).

-- name: can_see_others
-- needs: none
SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')

-- name: lock_holders
-- needs: pg_read_all_stats for state, age and query
-- A prepared transaction has no pid; its xid is that of the lock which every transaction has on itself.
-- One moment for all rows: those of one session stay together. A transaction may have begun after that moment.
SELECT coalesce(l.pid, 0) AS pid,
       n.nspname || '.' || c.relname AS relation,
       l.mode,
       l.granted,
       coalesce(nullif(a.backend_type, 'client backend'), a.application_name) AS application,
       coalesce(a.usename, x.owner)::text AS "user",
       CASE WHEN l.pid IS NULL THEN 'prepared' ELSE a.state END AS state,
       abs(extract(epoch FROM statement_timestamp() - coalesce(a.xact_start, x.prepared)))::float8 AS age,
       a.query,
       x.gid
FROM unnest(%(relations)s::text[], %(modes)s::text[]) AS w (relation, mode)
JOIN pg_catalog.pg_class c ON c.relname = substr(w.relation, strpos(w.relation, '.') + 1)
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = split_part(w.relation, '.', 1)
JOIN pg_catalog.pg_locks l ON l.relation = c.oid AND l.mode = w.mode AND l.locktype = 'relation'
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
LEFT JOIN pg_catalog.pg_locks t ON l.pid IS NULL AND t.pid IS NULL AND t.locktype = 'transactionid' AND t.granted
    AND t.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = t.transactionid
WHERE l.pid IS DISTINCT FROM pg_backend_pid()
ORDER BY age DESC NULLS LAST, 1, 2

-- name: blocking_chain
-- needs: pg_read_all_stats for state, age and query
-- Sessions %(pids)s and all that they wait for, directly or behind others; %(behind)s stands for us, and is left out.
-- pg_stat_replication tells everybody which pids are walsenders (measured on 14 to 18).
WITH RECURSIVE edges (pid, blocker) AS (
    SELECT p, unnest(pg_blocking_pids(p)) FROM unnest(%(pids)s::int[] || %(behind)s::int[]) AS p WHERE p <> 0
    UNION
    SELECT e.blocker, unnest(pg_blocking_pids(e.blocker)) FROM edges e WHERE e.blocker <> 0
), nodes AS (
    SELECT pid FROM (SELECT unnest(%(pids)s::int[]) AS pid UNION SELECT blocker FROM edges) AS every
    WHERE pid <> ALL (%(behind)s::int[])
), held AS (
    SELECT DISTINCT coalesce(h.pid, 0) AS pid, h.virtualtransaction, w.database, w.relation, h.mode
    FROM pg_catalog.pg_locks w
    JOIN pg_catalog.pg_locks h ON h.granted AND h.pid IS DISTINCT FROM w.pid AND h.locktype = w.locktype
        AND (h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid, h.objid, h.objsubid)
            IS NOT DISTINCT FROM
            (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)
    WHERE NOT w.granted AND w.pid IN (SELECT pid FROM edges)
)
SELECT s.pid,
       ARRAY(SELECT e.blocker FROM edges e WHERE e.pid = s.pid AND e.pid <> 0) AS waits_for,
       CASE WHEN c.oid IS NOT NULL THEN n.nspname || '.' || c.relname END AS relation,
       h.mode,
       h.pid IS NOT NULL OR s.pid = 0 AS granted,
       coalesce(nullif(a.backend_type, 'client backend'), a.application_name) AS application,
       coalesce(a.usename, x.owner)::text AS "user",
       host(a.client_addr) AS address,
       CASE WHEN s.pid = 0 THEN 'prepared' ELSE a.state END AS state,
       abs(extract(epoch FROM statement_timestamp() - coalesce(a.xact_start, x.prepared)))::float8 AS age,
       a.query,
       x.gid,
       CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_stat_replication z WHERE z.pid = s.pid) THEN 'walsender'
            ELSE a.backend_type END AS backend,
       coalesce(u.rolsuper, false) AS superuser
FROM nodes s
LEFT JOIN held h ON h.pid = s.pid
LEFT JOIN pg_catalog.pg_class c ON c.oid = h.relation
    AND h.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = s.pid
LEFT JOIN pg_catalog.pg_roles u ON u.oid = a.usesysid
LEFT JOIN pg_catalog.pg_locks t ON s.pid = 0 AND t.pid IS NULL AND t.locktype = 'transactionid' AND t.granted
    AND t.virtualtransaction = h.virtualtransaction
LEFT JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = t.transactionid
ORDER BY age DESC NULLS LAST, 1, 3

-- name: advisory_holder
-- needs: pg_read_all_stats for state, age and query
-- A bigint key is classid (high half) and objid (low half) with objsubid 1 (manual, section 53.13).
SELECT l.pid, NULL AS relation, NULL AS mode, true AS granted, a.application_name AS application,
       a.usename::text AS "user", host(a.client_addr) AS address, a.state,
       extract(epoch FROM clock_timestamp() - a.backend_start)::float8 AS age, NULL AS query, NULL AS gid
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.classid = (%(key)s::int8 >> 32)::oid AND l.objid = (%(key)s::int8 & 4294967295)::oid
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())

-- name: advisory_try
-- needs: none
SELECT pg_try_advisory_lock(%(key)s)

-- name: advisory_unlock
-- needs: none
SELECT pg_advisory_unlock(%(key)s)

-- name: lock_mode_is_held
-- needs: none
-- A row when any transaction but ours has a lock of these modes on whatever relation: a first look, quicker than the next.
SELECT 1
FROM pg_catalog.pg_locks l
WHERE l.locktype = 'relation' AND l.granted AND l.mode = ANY (%(modes)s::text[])
  AND l.pid IS DISTINCT FROM pg_backend_pid() AND l.pid IS DISTINCT FROM coalesce(%(pid)s::int, 0)
LIMIT 1

-- name: lock_holder_ages
-- needs: pg_read_all_stats for age
-- One row a transaction that holds what conflicts; %(pid)s is ours and does not count.
SELECT DISTINCT coalesce(l.pid, 0) AS pid,
       l.virtualtransaction AS transaction,
       extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, x.prepared))::float8 AS age
FROM unnest(%(relations)s::text[], %(modes)s::text[]) AS w (relation, mode)
JOIN pg_catalog.pg_class c ON c.relname = substr(w.relation, strpos(w.relation, '.') + 1)
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = split_part(w.relation, '.', 1)
JOIN pg_catalog.pg_locks l ON l.relation = c.oid AND l.mode = w.mode AND l.locktype = 'relation' AND l.granted
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
LEFT JOIN pg_catalog.pg_locks t ON l.pid IS NULL AND t.pid IS NULL AND t.locktype = 'transactionid' AND t.granted
    AND t.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = t.transactionid
WHERE l.pid IS DISTINCT FROM pg_backend_pid() AND l.pid IS DISTINCT FROM coalesce(%(pid)s::int, 0)

-- name: lock_waiters
-- needs: none
-- Readers and writers that wait for %(pid)s, directly: a stronger lock is other DDL or autovacuum, and nobody's request;
-- so is the end of a transaction (virtualxid), for which CONCURRENTLY waits.
-- A wait that is older than our transaction was not begun for us.
SELECT w.pid,
       extract(epoch FROM clock_timestamp() - greatest(
           coalesce(w.waitstart, clock_timestamp()),
           (SELECT m.xact_start FROM pg_catalog.pg_stat_activity m WHERE m.pid = %(pid)s)))::float8 AS seconds,
       CASE WHEN w.locktype = 'relation' THEN n.nspname || '.' || c.relname END AS relation
FROM pg_catalog.pg_locks w
LEFT JOIN pg_catalog.pg_class c ON c.oid = w.relation
    AND w.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT w.granted AND w.pid <> %(pid)s AND w.pid <> pg_backend_pid()
  AND (w.locktype NOT IN ('relation', 'virtualxid')
       OR w.mode IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock'))
  AND %(pid)s = ANY (pg_blocking_pids(w.pid))

-- name: lock_is_awaited
-- needs: none
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE pid = %(pid)s AND NOT granted)

-- name: has_plpgsql
-- needs: none
SELECT EXISTS (SELECT FROM pg_catalog.pg_language WHERE lanname = 'plpgsql'
               AND has_language_privilege(oid, 'USAGE'))

-- name: idle_in_transaction
-- needs: pg_read_all_stats for sessions of other users
-- Never a walsender or autovacuum (they are no client backends), never a superuser's.
SELECT a.pid, a.backend_start::text AS backend_start, a.state_change::text AS state_change,
       a.application_name AS application, a.usename::text AS "user",
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS seconds
FROM pg_catalog.pg_stat_activity a
JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid AND NOT r.rolsuper
WHERE a.pid = ANY (%(pids)s::int[]) AND a.backend_type = 'client backend'
  AND a.state IN ('idle in transaction', 'idle in transaction (aborted)')
  AND a.state_change < clock_timestamp() - make_interval(secs => %(seconds)s)
ORDER BY a.pid

-- name: end_idle_session
-- needs: pg_signal_backend for sessions of other users
-- Looked at once more in the statement that ends it: the same session, and idle ever since.
SELECT pg_terminate_backend(a.pid)
FROM pg_catalog.pg_stat_activity a
WHERE a.pid = %(pid)s AND a.backend_start = %(backend_start)s::timestamptz
  AND a.state_change = %(state_change)s::timestamptz AND a.state LIKE 'idle in transaction%%'
