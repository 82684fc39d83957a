-- What preflight asks (one query a check, or nearly). Relations are `schema.name`, unquoted.

-- name: preflight_server
-- needs: none
-- migsafe's own session may be read-only by its own wish; then reset_val is what role, database and server say.
SELECT pg_is_in_recovery() AS in_recovery,
       CASE WHEN s.source = 'session' THEN s.reset_val ELSE s.setting END = 'on' AS read_only,
       current_setting('server_version_num')::int AS number,
       current_setting('server_version') AS version
FROM pg_catalog.pg_settings s WHERE s.name = 'default_transaction_read_only'

-- name: preflight_extensions
-- needs: none
SELECT w.name, e.extversion AS installed, a.default_version AS offered,
       coalesce((SELECT array_agg(v.version::text) FROM pg_catalog.pg_available_extension_versions v
                 WHERE v.name = w.name), '{}') AS versions,
       coalesce(d.superuser AND NOT d.trusted, true) AS superuser_only,
       ARRAY(SELECT r::text FROM unnest(d.requires) r
             WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_extension x WHERE x.extname = r)) AS lacks
FROM unnest(%(names)s::text[]) AS w (name)
LEFT JOIN pg_catalog.pg_extension e ON e.extname = w.name
LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = w.name
LEFT JOIN pg_catalog.pg_available_extension_versions d ON d.name = w.name AND d.version = a.default_version
ORDER BY w.name

-- name: preflight_role
-- needs: none
-- Allow-lists, by parameter: those of RDS and Azure; then those whose extensions a superuser's function creates for
-- whoever asks (pgextwlist of Heroku and others, supautils of Supabase).
SELECT current_user::text AS role, current_database()::text AS database,
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) AS superuser,
       has_database_privilege(current_database(), 'CREATE') AS may_create,
       (SELECT array_agg(r.rolname::text) FROM pg_catalog.pg_roles r
        WHERE r.rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'alloydbsuperuser', 'azure_pg_admin',
                            'supabase_admin', 'neon_superuser')
          AND pg_has_role(current_user, r.oid, 'USAGE')) AS provider_roles,
       ARRAY(SELECT ARRAY[n, current_setting(n, true)]
             FROM unnest(ARRAY['rds.extensions', 'rds.allowed_extensions', 'azure.extensions']) n
             WHERE current_setting(n, true) IS NOT NULL) AS allow_lists,
       ARRAY(SELECT btrim(e) FROM unnest(ARRAY['extwlist.extensions', 'supautils.privileged_extensions']) n,
                                  unnest(string_to_array(current_setting(n, true), ',')) e) AS for_everybody

-- name: preflight_widths
-- needs: SELECT on the table
SELECT s.attname::text AS name, max(s.avg_width * (1 - s.null_frac))::float8 AS width, min(1 - s.null_frac)::float8 AS filled
FROM pg_catalog.pg_stats s
WHERE s.schemaname || '.' || s.tablename = %(relation)s AND s.attname = ANY (%(columns)s::text[])
GROUP BY 1

-- name: preflight_data_directory
-- needs: pg_read_all_settings
SELECT current_setting('data_directory') AS directory,
       extract(epoch FROM pg_postmaster_start_time())::float8 AS started,
       (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS identifier

-- name: preflight_tables
-- needs: none
-- The tables that hold the rows: a partitioned table's partitions in its place.
SELECT DISTINCT pn.nspname::text AS schema, p.relname::text AS name
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class p ON p.oid = c.oid
    OR (c.relkind = 'p' AND p.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)))
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
WHERE n.nspname || '.' || c.relname = ANY (%(relations)s::text[]) AND p.relkind = 'r'
ORDER BY 1, 2

-- name: preflight_unreadable
-- needs: none
-- What pg_dump would stop at: it locks every table in ACCESS SHARE, reads every sequence, and wants every row.
SELECT n.nspname || '.' || c.relname AS relation, c.relrowsecurity AND row_security_active(c.oid) AS filtered
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND NOT starts_with(n.nspname, 'pg_')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  AND (NOT (has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'))
       OR (c.relrowsecurity AND row_security_active(c.oid)))
ORDER BY 2 DESC, 1

-- name: preflight_version_tables
-- needs: none
-- `width` is what the column of the revision ids holds; NULL: any length.
SELECT n.nspname || '.' || c.relname AS relation, pg_table_is_visible(c.oid) AS visible,
       (SELECT a.atttypmod - 4 FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attname = 'version_num' AND NOT a.attisdropped
          AND a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4) AS width
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %(name)s AND c.relkind IN ('r', 'p')
ORDER BY 1

-- name: preflight_table_rights
-- needs: none
-- A privilege on some columns counts: which ones a statement writes is for the server to say.
SELECT w.kind, w.name, w.detail, r.role, pg_get_userbyid(c.relowner)::text AS owner,
       CASE WHEN current_setting('server_version_num')::int >= 160000 THEN pg_has_role(r.role, c.relowner, 'SET')
            ELSE pg_has_role(r.role, c.relowner, 'MEMBER') END AS may_set,
       n.nspname::text AS schema,
       has_schema_privilege(r.role, n.oid, 'USAGE') AS sees,
       CASE WHEN w.kind = 'owner' THEN pg_has_role(r.role, c.relowner, 'USAGE')
            WHEN w.kind = 'drop'
              THEN pg_has_role(r.role, c.relowner, 'USAGE') OR pg_has_role(r.role, n.nspowner, 'USAGE')
            WHEN c.relkind = 'S' THEN has_sequence_privilege(r.role, c.oid, 'USAGE, UPDATE')
            WHEN w.detail IN ('INSERT', 'UPDATE', 'REFERENCES')
              THEN has_table_privilege(r.role, c.oid, w.detail) OR has_any_column_privilege(r.role, c.oid, w.detail)
            ELSE has_table_privilege(r.role, c.oid, w.detail) END AS may
FROM unnest(%(kinds)s::text[], %(names)s::text[], %(details)s::text[], %(roles)s::text[]) AS w (kind, name, detail, role)
CROSS JOIN LATERAL (SELECT coalesce(w.role, current_user)::name AS role) r
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = split_part(w.name, '.', 1)
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = substr(w.name, strpos(w.name, '.') + 1)

-- name: preflight_schema_rights
-- needs: none
SELECT w.name, r.role, pg_get_userbyid(n.nspowner)::text AS owner, n.oid IS NOT NULL AS there,
       has_schema_privilege(r.role, n.oid, 'CREATE') AS may
FROM unnest(%(names)s::text[], %(roles)s::text[]) AS w (name, role)
CROSS JOIN LATERAL (SELECT coalesce(w.role, current_user)::name AS role) r
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.name

-- name: preflight_database_rights
-- needs: none
SELECT r.role, current_database()::text AS database,
       has_database_privilege(r.role, current_database(), 'CREATE') AS may_create,
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = r.role) AS superuser
FROM unnest(%(roles)s::text[]) AS w (role)
CROSS JOIN LATERAL (SELECT coalesce(w.role, current_user)::name AS role) r

-- name: preflight_transactions
-- needs: pg_read_all_stats
-- Sessions of this database: only their snapshots hold up CREATE INDEX CONCURRENTLY. The server's own have no user.
SELECT a.pid, a.usename::text AS "user", a.application_name AS application, a.state,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age,
       a.query = '<insufficient privilege>' OR a.state = 'disabled' AS masked,
       a.backend_xmin IS NOT NULL AS has_snapshot
FROM pg_catalog.pg_stat_activity a
WHERE a.datname = current_database() AND a.usename IS NOT NULL AND a.pid <> pg_backend_pid()
ORDER BY a.xact_start NULLS LAST, a.pid

-- name: preflight_prepared
-- needs: none
SELECT x.gid, x.owner::text AS "user", extract(epoch FROM clock_timestamp() - x.prepared)::float8 AS age
FROM pg_catalog.pg_prepared_xacts x WHERE x.database = current_database()
ORDER BY x.prepared

-- name: preflight_invalid_indexes
-- needs: pg_read_all_stats to tell a build that is running from one that died
SELECT n.nspname || '.' || c.relname AS index, tn.nspname || '.' || t.relname AS relation,
       c.relkind = 'I' AS partitioned,
       (SELECT min(p.pid) FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = c.oid) AS builder,
       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid IS NULL) AS unseen_builds
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
WHERE NOT (i.indisvalid AND i.indisready AND i.indislive)
  AND (n.nspname || '.' || c.relname = ANY (%(indexes)s::text[])
       OR tn.nspname || '.' || t.relname = ANY (%(relations)s::text[]))
ORDER BY 1

-- name: preflight_taken
-- needs: none
-- Relations and types share their names: a table makes a type of its own.
SELECT 'relation' AS sort, w.name, NULL AS of,
       CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
         WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
         WHEN 'c' THEN 'composite type' ELSE 'index' END AS found
FROM unnest(%(relations)s::text[]) AS w (name)
JOIN pg_catalog.pg_namespace n ON n.nspname = split_part(w.name, '.', 1)
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = substr(w.name, strpos(w.name, '.') + 1)
UNION ALL
SELECT 'type', w.name, NULL, 'type'
FROM unnest(%(types)s::text[]) AS w (name)
JOIN pg_catalog.pg_namespace n ON n.nspname = split_part(w.name, '.', 1)
JOIN pg_catalog.pg_type t ON t.typnamespace = n.oid AND t.typname = substr(w.name, strpos(w.name, '.') + 1)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid)
UNION ALL
SELECT 'column', w.name, w.of, 'column'
FROM unnest(%(columns)s::text[], %(columns_of)s::text[]) AS w (name, of)
JOIN pg_catalog.pg_namespace n ON n.nspname = split_part(w.of, '.', 1)
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = substr(w.of, strpos(w.of, '.') + 1)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = w.name AND NOT a.attisdropped
UNION ALL
SELECT 'constraint', w.name, w.of, 'constraint'
FROM unnest(%(constraints)s::text[], %(constraints_of)s::text[]) AS w (name, of)
JOIN pg_catalog.pg_namespace n ON n.nspname = split_part(w.of, '.', 1)
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = substr(w.of, strpos(w.of, '.') + 1)
JOIN pg_catalog.pg_constraint o ON o.conrelid = c.oid AND o.conname = w.name
ORDER BY 1, 3, 2

-- name: preflight_timeouts
-- needs: none
-- Milliseconds that a new session of this role gets, and whose ALTER … SET it is; NULL: the server's configuration.
SELECT s.name, CASE WHEN s.source = 'session' THEN s.reset_val ELSE s.setting END::int8 AS milliseconds,
       current_database()::text AS database,
       (SELECT CASE WHEN d.setrole <> 0 AND d.setdatabase <> 0 THEN 'role in database'
                    WHEN d.setrole <> 0 THEN 'role' ELSE 'database' END
        FROM pg_catalog.pg_db_role_setting d, unnest(d.setconfig) AS item
        WHERE starts_with(item, s.name || '=')
          AND d.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user))
          AND d.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
        ORDER BY d.setrole = 0, d.setdatabase = 0 LIMIT 1) AS set_for
FROM pg_catalog.pg_settings s
WHERE s.name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')
ORDER BY s.name
