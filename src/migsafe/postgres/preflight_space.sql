-- What preflight asks about disk, WAL and archiving.

-- name: preflight_sizes
-- needs: none
-- A row for each relation and tablespace it has files in: a partitioned table is the sum of its partitions, an index
-- is its own bytes. `rows` is NULL where a part was never analysed.
WITH parts AS (
    SELECT n.nspname || '.' || c.relname AS relation, p.oid, p.relkind, p.reltuples, p.reltablespace
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (SELECT c.oid UNION SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t
                        WHERE c.relkind IN ('p', 'I')) AS part (oid)
    JOIN pg_catalog.pg_class p ON p.oid = part.oid
    WHERE n.nspname || '.' || c.relname = ANY (%(relations)s::text[])
), counted AS (
    SELECT relation, CASE WHEN bool_and(reltuples >= 0 OR relkind IN ('p', 'I'))
                          THEN sum(greatest(reltuples, 0))::float8 END AS rows
    FROM parts GROUP BY relation
), files AS (
    SELECT relation, reltablespace AS place, pg_table_size(oid) AS bytes, 0::int8 AS index_bytes FROM parts
    UNION ALL
    SELECT p.relation, x.reltablespace, 0, pg_table_size(x.oid)
    FROM parts p
    JOIN pg_catalog.pg_index i ON i.indrelid = p.oid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
)
SELECT f.relation, c.rows,
       CASE WHEN f.place = 0 THEN d.dattablespace ELSE f.place END::int8 AS tablespace,
       sum(f.bytes)::int8 AS bytes, sum(f.index_bytes)::int8 AS index_bytes
FROM files f
JOIN counted c USING (relation)
JOIN pg_catalog.pg_database d ON d.datname = current_database()
GROUP BY 1, 2, 3 ORDER BY 1, 3

-- name: preflight_tablespaces
-- needs: none
-- `is_default` holds what is made without a tablespace, `is_temporary` the sort files of this role.
WITH chosen AS (
    SELECT (SELECT s.oid FROM pg_catalog.pg_tablespace s WHERE s.spcname = current_setting('default_tablespace')) AS own,
           (SELECT s.oid FROM unnest(string_to_array(current_setting('temp_tablespaces'), ',')) WITH ORDINALITY t (name, i)
            JOIN pg_catalog.pg_tablespace s ON s.spcname = trim(both ' "' FROM t.name) ORDER BY t.i LIMIT 1) AS temporary
)
SELECT s.oid::int8 AS oid, s.spcname::text AS name,
       s.oid = coalesce(c.own, d.dattablespace) AS is_default,
       s.oid = coalesce(c.temporary, d.dattablespace) AS is_temporary
FROM pg_catalog.pg_tablespace s
CROSS JOIN chosen c
JOIN pg_catalog.pg_database d ON d.datname = current_database()
ORDER BY 1

-- name: preflight_held_wal
-- needs: none
SELECT s.slot_name::text AS slot, s.active,
       greatest(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                                s.restart_lsn), 0)::int8 AS bytes
FROM pg_catalog.pg_replication_slots s
WHERE s.restart_lsn IS NOT NULL
ORDER BY 3 DESC, 1

-- name: preflight_archiving
-- needs: none
-- `current` is NULL on a standby. A managed service archives outside of this view.
SELECT current_setting('archive_mode') AS mode, pg_is_in_recovery() AS in_recovery,
       current_setting('wal_level') AS wal_level,
       a.archived_count, a.last_archived_wal AS last, a.failed_count, a.last_failed_wal AS last_failed,
       coalesce(a.last_failed_time > a.last_archived_time, a.last_failed_time IS NOT NULL) AS failing,
       extract(epoch FROM clock_timestamp() - a.last_archived_time)::float8 AS since_archived,
       extract(epoch FROM clock_timestamp() - a.last_failed_time)::float8 AS since_failed,
       CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_lsn()) END AS current,
       (SELECT s.setting::int8 FROM pg_catalog.pg_settings s WHERE s.name = 'wal_segment_size') AS segment_size
FROM pg_catalog.pg_stat_archiver a

-- name: preflight_receivers
-- needs: none
-- Who takes WAL away as it is written; the name is not masked, the state is.
SELECT r.application_name AS name, r.state
FROM pg_catalog.pg_stat_replication r
WHERE r.application_name ILIKE ANY (ARRAY['pg_receivewal%%', 'barman%%', '%%wal-g%%', '%%walg%%'])
ORDER BY 1

-- name: preflight_identifier
-- needs: EXECUTE on pg_control_system()
SELECT system_identifier::text AS identifier FROM pg_catalog.pg_control_system()

-- name: preflight_server_programs
-- needs: none
-- Whether this role may make the server run programs.
SELECT (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user)
       OR pg_has_role(current_user, 'pg_execute_server_program', 'USAGE') AS may

-- name: preflight_may_mark
-- needs: none
-- What a restore point in the WAL needs.
SELECT has_function_privilege('pg_catalog.pg_create_restore_point(text)', 'EXECUTE') AS may,
       pg_is_in_recovery() AS in_recovery, current_setting('wal_level') AS wal_level,
       current_setting('archive_mode') AS archive_mode
