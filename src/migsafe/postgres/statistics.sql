-- How large and how busy a database is (statistics.py): sizes, counters, ages. No data, no query text.

-- name: statistics_server
-- needs: none
-- A database whose counters were never reset has no time of its own (15 and later): they then began with those of the
-- server, or with the database.
SELECT current_setting('server_version') AS server_version,
       pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS written,
       pg_catalog.to_char(s.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since,
       extract(epoch FROM pg_catalog.now() - s.since)::float8 AS seconds,
       pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_all,
       current_user::text AS role,
       (SELECT n.nspname::text FROM pg_catalog.pg_extension e
        JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements') AS statements_in
FROM (SELECT coalesce(d.stats_reset, least(a.stats_reset, b.stats_reset)) AS since
      FROM pg_catalog.pg_stat_database d, pg_catalog.pg_stat_archiver a, pg_catalog.pg_stat_bgwriter b
      WHERE d.datname = current_database()) s

-- name: statistics_activity
-- needs: pg_read_all_stats
-- Sessions of other roles show no times to a role that may not see them: then the answer is not known.
SELECT extract(epoch FROM max(pg_catalog.clock_timestamp() - a.xact_start))::float8 AS longest_transaction,
       extract(epoch FROM max(pg_catalog.clock_timestamp() - a.query_start) FILTER (WHERE a.state = 'active'))::float8
           AS longest_query,
       coalesce(bool_or(a.query = '<insufficient privilege>'), false) AS masked
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = current_database() AND a.usesysid IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()

-- name: statistics_statements
-- needs: none
SELECT max(max_exec_time)::float8 / 1000 AS slowest FROM {schema}.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())

-- name: statistics_relations
-- needs: none
-- A partitioned table stands for its partitions. Measuring takes ACCESS SHARE: what somebody locks against that is
-- taken from the estimates.
WITH locked AS MATERIALIZED (
    SELECT l.relation FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())),
measured AS MATERIALIZED (
    SELECT c.oid, c.relkind, c.reltuples, c.relpages, c.reltoastrelid, c.relispartition,
           n.nspname || '.' || c.relname AS name,
           CASE WHEN c.relkind IN ('r', 'm', 'i', 't')
                THEN CASE WHEN c.oid IN (SELECT relation FROM locked)
                          THEN c.relpages * current_setting('block_size')::int8
                          ELSE pg_catalog.pg_relation_size(c.oid) END END AS bytes
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'p', 'i', 't') AND c.relpersistence <> 't'
      AND (n.nspname = 'pg_toast' OR n.nspname !~ '^pg_') AND n.nspname <> 'information_schema'),
one AS (
    SELECT m.oid, m.name, m.relkind, m.relispartition,
           CASE WHEN m.bytes = 0 THEN 0
                WHEN m.reltuples >= 0 AND m.relpages > 0
                THEN m.reltuples * (m.bytes::float8 / (m.relpages * current_setting('block_size')::int8))
                END::float8 AS rows,
           m.bytes + coalesce((SELECT t.bytes FROM measured t WHERE t.oid = m.reltoastrelid), 0) AS bytes,
           coalesce((SELECT sum(i.bytes) FROM pg_catalog.pg_index x JOIN measured i ON i.oid = x.indexrelid
                     WHERE x.indrelid = m.oid), 0)::int8 AS index_bytes,
           (s.n_tup_ins + s.n_tup_upd + s.n_tup_del) AS writes,
           (s.seq_tup_read + coalesce(s.idx_tup_fetch, 0)) AS reads
    FROM measured m LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = m.oid
    WHERE m.relkind IN ('r', 'm', 'p'))
SELECT o.name, o.rows, o.bytes::int8 AS bytes, o.index_bytes, o.writes::float8 AS writes, o.reads::float8 AS reads
FROM one o WHERE o.relkind <> 'p' AND NOT o.relispartition
UNION ALL
SELECT o.name, w.rows, w.bytes::int8, w.index_bytes::int8, w.writes::float8, w.reads::float8
FROM one o
CROSS JOIN LATERAL (
    SELECT CASE WHEN count(*) = count(p.rows) THEN coalesce(sum(p.rows), 0) END AS rows,
           coalesce(sum(p.bytes), 0) AS bytes, coalesce(sum(p.index_bytes), 0) AS index_bytes,
           coalesce(sum(p.writes), 0) AS writes, coalesce(sum(p.reads), 0) AS reads
    FROM pg_catalog.pg_partition_tree(o.oid) t JOIN one p ON p.oid = t.relid WHERE t.isleaf AND p.relkind <> 'p') w
WHERE o.relkind = 'p' AND NOT o.relispartition
ORDER BY 1
