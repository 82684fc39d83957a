-- Who and what is at work on the server while preflight looks. Relations are `schema.name`, unquoted.

-- name: preflight_tools
-- needs: pg_read_all_stats for state and age
-- application_name is never masked (measured on 14 to 18).
SELECT a.pid, a.application_name AS application, a.usename::text AS "user", a.state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age,
       a.backend_xmin IS NOT NULL AS has_snapshot,
       a.application_name ILIKE ANY (%(standing)s::text[]) AS standing,
       ARRAY(SELECT DISTINCT w.relation
             FROM unnest(%(relations)s::text[], %(modes)s::text[]) AS w (relation, mode)
             JOIN pg_catalog.pg_namespace n ON n.nspname = split_part(w.relation, '.', 1)
             JOIN pg_catalog.pg_class c
                 ON c.relnamespace = n.oid AND c.relname = substr(w.relation, strpos(w.relation, '.') + 1)
             JOIN pg_catalog.pg_locks l
                 ON l.relation = c.oid AND l.mode = w.mode AND l.locktype = 'relation' AND l.granted
             WHERE l.pid = a.pid ORDER BY 1) AS holds
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
  AND a.application_name ILIKE ANY (%(names)s::text[])
ORDER BY a.pid

-- name: preflight_maintenance
-- needs: pg_read_all_stats
-- Without it the views show pid and database, and no relation. The TOAST relation counts as its table.
SELECT p.pid, p.work, p.phase,
       CASE WHEN c.oid IS NOT NULL THEN n.nspname || '.' || c.relname END AS relation,
       p.work <> 'base backup' AND p.relid IS NULL AS masked,
       coalesce(a.backend_type = 'autovacuum worker', false) AS automatic,
       coalesce(strpos(a.query, '(to prevent wraparound)') > 0, false) AS wraparound
FROM (SELECT pid, datname, relid, coalesce(command, 'index build') AS work, phase
      FROM pg_catalog.pg_stat_progress_create_index
      UNION ALL SELECT pid, datname, relid, coalesce(command, 'VACUUM FULL or CLUSTER'), phase
      FROM pg_catalog.pg_stat_progress_cluster
      UNION ALL SELECT pid, datname, relid, 'VACUUM', phase FROM pg_catalog.pg_stat_progress_vacuum
      UNION ALL SELECT pid, datname, relid, 'ANALYZE', phase FROM pg_catalog.pg_stat_progress_analyze
      UNION ALL SELECT pid, current_database(), NULL, 'base backup', phase
      FROM pg_catalog.pg_stat_progress_basebackup) p
LEFT JOIN pg_catalog.pg_class t ON t.oid = p.relid
LEFT JOIN pg_catalog.pg_class o ON t.relkind = 't' AND o.reltoastrelid = t.oid
LEFT JOIN pg_catalog.pg_class c ON c.oid = coalesce(o.oid, t.oid)
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid
WHERE p.datname = current_database() AND p.pid <> pg_backend_pid()
ORDER BY p.pid

-- name: preflight_deadlock_timeout
-- needs: none
SELECT setting::float8 / 1000 AS seconds FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'

-- name: preflight_freeze
-- needs: none
-- `part` is the age in parts of that at which autovacuum freezes, the larger of transactions' and multixacts'. A table
-- may have a lower limit than the server, not a higher one.
SELECT n.nspname || '.' || c.relname AS relation,
       c.relpages::int8 * current_setting('block_size')::int8 AS bytes,
       age(c.relfrozenxid)::int8 AS xids,
       greatest(age(c.relfrozenxid)::float8 / least(current_setting('autovacuum_freeze_max_age')::int8,
                                                    (SELECT o.option_value::int8 FROM pg_options_to_table(c.reloptions) o
                                                     WHERE o.option_name = 'autovacuum_freeze_max_age')),
                mxid_age(c.relminmxid)::float8 / least(current_setting('autovacuum_multixact_freeze_max_age')::int8,
                                                       (SELECT o.option_value::int8
                                                        FROM pg_options_to_table(c.reloptions) o
                                                        WHERE o.option_name = 'autovacuum_multixact_freeze_max_age')))
           AS part
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY (%(relations)s::text[]) AND c.relkind IN ('r', 'm')
ORDER BY part DESC, 1

-- name: preflight_wraparound
-- needs: none
-- template0 may not be connected to, and is frozen all the same.
SELECT d.datname::text AS database, age(d.datfrozenxid)::int8 AS xids, mxid_age(d.datminmxid)::int8 AS multixacts
FROM pg_catalog.pg_database d
ORDER BY greatest(age(d.datfrozenxid), mxid_age(d.datminmxid)) DESC LIMIT 1

-- name: preflight_cron_there
-- needs: none
SELECT to_regclass('cron.job') IS NOT NULL AS there

-- name: preflight_cron
-- needs: SELECT ON cron.job
-- A policy of cron.job shows everybody his own jobs. Times are those of the server, where pg_cron looks at them.
SELECT j.jobid::int8 AS id, to_jsonb(j) ->> 'jobname' AS name, j.schedule, j.command,
       row_security_active('cron.job'::regclass) AS filtered,
       clock_timestamp() AT TIME ZONE coalesce(nullif(current_setting('cron.timezone', true), ''), 'GMT') AS now
FROM (SELECT) AS always
LEFT JOIN cron.job j ON j.active AND j.database = current_database()
ORDER BY j.jobid

-- name: preflight_load
-- needs: pg_read_all_stats
SELECT count(*)::int AS sessions,
       (count(*) FILTER (WHERE a.state = 'active'))::int AS active,
       (count(*) FILTER (WHERE starts_with(a.state, 'idle in transaction')))::int AS idle_in_transaction,
       (count(*) FILTER (WHERE a.query = '<insufficient privilege>' OR a.state = 'disabled'))::int AS masked,
       current_setting('max_connections')::int AS max_connections
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = current_database() AND a.usename IS NOT NULL AND a.pid <> pg_backend_pid()

-- name: preflight_waiting
-- needs: none
-- Those that wait, and those who wait for nobody and are waited for; 0 is a prepared transaction.
WITH waiting AS MATERIALIZED (
    SELECT l.pid, max(extract(epoch FROM clock_timestamp() - l.waitstart))::float8 AS seconds
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    WHERE NOT l.granted AND a.datname = current_database() AND l.pid <> pg_backend_pid()
    GROUP BY l.pid)
SELECT count(*)::int AS waiting, max(w.seconds) AS longest,
       ARRAY(SELECT DISTINCT b FROM waiting x, unnest(pg_blocking_pids(x.pid)) b
             WHERE b NOT IN (SELECT pid FROM waiting) ORDER BY 1) AS roots
FROM waiting w
