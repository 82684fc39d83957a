-- What preflight asks about replicas, replication slots, publications and subscriptions.

-- name: preflight_replicas
-- needs: pg_read_all_stats
-- Without it only pid, user and application_name are shown: `state` is NULL. A base backup and pg_receivewal replay
-- nothing.
SELECT r.pid, r.application_name AS application, r.state, r.sync_state,
       pg_wal_lsn_diff(CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn()
                            ELSE pg_last_wal_receive_lsn() END, r.replay_lsn)::int8 AS bytes,
       extract(epoch FROM r.replay_lag)::float8 AS seconds
FROM pg_catalog.pg_stat_replication r
WHERE r.state IS DISTINCT FROM 'backup'
ORDER BY bytes DESC NULLS LAST, r.pid

-- name: preflight_synchronous
-- needs: pg_read_all_stats
SELECT current_setting('synchronous_standby_names') AS names, current_setting('synchronous_commit') AS commit,
       count(r.pid)::int AS connected,
       (count(*) FILTER (WHERE r.sync_state IN ('sync', 'quorum')))::int AS present,
       (count(*) FILTER (WHERE r.pid IS NOT NULL AND r.sync_state IS NULL))::int AS masked
FROM (SELECT) one LEFT JOIN pg_catalog.pg_stat_replication r ON true

-- name: preflight_slots
-- needs: none
SELECT s.slot_name::text AS name, s.slot_type AS type, s.plugin::text AS plugin, s.database::text AS database,
       s.active, s.wal_status AS status, s.safe_wal_size AS safe,
       pg_wal_lsn_diff(CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn()
                            ELSE pg_last_wal_receive_lsn() END, s.restart_lsn)::int8 AS retained
FROM pg_catalog.pg_replication_slots s WHERE NOT s.temporary
ORDER BY s.slot_name

-- name: preflight_published
-- needs: none
-- Publications of each relation, of a partitioned table above it or a partition below it. `limited` are the columns
-- that a column list names (15+), none where there is no such list.
SELECT DISTINCT n.nspname || '.' || c.relname AS relation, p.pubname::text AS publication,
       b.pubupdate AS updates, b.pubdelete AS deletes,
       CASE WHEN to_jsonb(p) ? 'attnames'
                 AND EXISTS (SELECT FROM pg_catalog.pg_publication_rel l
                             WHERE l.prpubid = b.oid AND l.prrelid = c.oid
                               AND to_jsonb(l) ->> 'prattrs' IS NOT NULL)
            THEN ARRAY(SELECT jsonb_array_elements_text(to_jsonb(p) -> 'attnames')) ELSE '{}' END AS limited
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT c.oid UNION SELECT relid FROM pg_catalog.pg_partition_ancestors(c.oid)
                    UNION SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)) o (oid)
JOIN pg_catalog.pg_class oc ON oc.oid = o.oid
JOIN pg_catalog.pg_namespace onn ON onn.oid = oc.relnamespace
JOIN pg_catalog.pg_publication_tables p ON p.schemaname = onn.nspname AND p.tablename = oc.relname
JOIN pg_catalog.pg_publication b ON b.pubname = p.pubname
WHERE n.nspname || '.' || c.relname = ANY (%(relations)s::text[])
ORDER BY 1, 2

-- name: preflight_replica_identity
-- needs: none
-- The tables that hold the rows and have nothing by which a subscriber would find one.
SELECT DISTINCT n.nspname || '.' || c.relname AS relation, ln.nspname || '.' || l.relname AS table,
       l.relreplident::text AS identity
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class l ON l.oid = c.oid OR (c.relkind = 'p' AND l.oid IN
    (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)))
JOIN pg_catalog.pg_namespace ln ON ln.oid = l.relnamespace
WHERE n.nspname || '.' || c.relname = ANY (%(relations)s::text[]) AND l.relkind = 'r'
  AND CASE l.relreplident WHEN 'f' THEN false WHEN 'n' THEN true
        ELSE NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = l.oid AND i.indisvalid
                         AND CASE l.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END) END
ORDER BY 1, 2

-- name: preflight_subscribed
-- needs: none
SELECT n.nspname || '.' || c.relname AS relation, s.subname::text AS subscription, s.pid IS NOT NULL AS running
FROM pg_catalog.pg_subscription_rel r
JOIN pg_catalog.pg_class c ON c.oid = r.srrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN (SELECT subid, subname, max(pid) AS pid FROM pg_catalog.pg_stat_subscription GROUP BY 1, 2) s ON s.subid = r.srsubid
WHERE n.nspname || '.' || c.relname = ANY (%(relations)s::text[])
ORDER BY 1, 2

-- name: preflight_standby
-- needs: pg_read_all_stats
-- Asked on the replica. Milliseconds; -1: replay waits for as long as the query runs.
SELECT pg_is_in_recovery() AS in_recovery,
       (SELECT setting::int8 FROM pg_catalog.pg_settings WHERE name = 'max_standby_streaming_delay') AS delay,
       current_setting('hot_standby_feedback') AS feedback,
       (SELECT confl_lock FROM pg_catalog.pg_stat_database_conflicts WHERE datname = current_database()) AS conflicts,
       (SELECT count(*) FROM pg_catalog.pg_stat_activity
        WHERE datname = current_database() AND query = '<insufficient privilege>')::int AS masked

-- name: preflight_standby_sessions
-- needs: pg_read_all_stats
SELECT a.pid, a.usename::text AS "user", a.application_name AS application, a.state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.usename IS NOT NULL
  AND a.xact_start < clock_timestamp() - %(seconds)s * interval '1 second'
ORDER BY a.xact_start
