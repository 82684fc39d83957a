-- What preflight asks about the server, its settings, and who we are there.

-- name: preflight_provider
-- needs: none
SELECT ARRAY(SELECT 'role ' || rolname FROM pg_catalog.pg_roles WHERE rolname = ANY (%(roles)s::text[])
             UNION ALL
             SELECT 'function ' || proname FROM pg_catalog.pg_proc WHERE proname = ANY (%(functions)s::text[])
             UNION ALL
             SELECT 'schema ' || nspname FROM pg_catalog.pg_namespace WHERE nspname = ANY (%(schemas)s::text[])
             UNION ALL
             SELECT 'parameter ' || n FROM unnest(%(parameters)s::text[]) n
             WHERE current_setting(n, true) IS NOT NULL) AS seen

-- name: preflight_identity
-- needs: none
-- A provider may have taken pg_control_system() away.
SELECT CASE WHEN has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
            THEN (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) END AS system,
       current_database()::text AS database, pg_postmaster_start_time()::text AS started,
       inet_server_addr()::text AS address, inet_server_port() AS port

-- name: preflight_clock
-- needs: none
SELECT extract(epoch FROM clock_timestamp())::float8 AS now

-- name: preflight_probe
-- needs: none
SELECT current_setting('migsafe.probe', true) AS token, current_setting('lock_timeout') AS lock_timeout,
       pg_backend_pid() AS pid

-- name: preflight_visibility
-- needs: none
-- Without pg_read_all_stats nothing but pid, user and application_name of other roles' sessions is shown.
SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS all,
       count(*) FILTER (WHERE a.query = '<insufficient privilege>')::int AS masked,
       count(*) FILTER (WHERE a.state = 'disabled')::int AS disabled,
       count(*)::int AS sessions
FROM pg_catalog.pg_stat_activity a
WHERE a.usename IS NOT NULL AND a.datname = current_database() AND a.pid <> pg_backend_pid()

-- name: preflight_search_path
-- needs: none
-- Whose ALTER … SET search_path holds in a new session, and which schemas of it are not there.
SELECT substr(o.item, strpos(o.item, '=') + 1) AS path, o.set_for, current_schema()::text AS first,
       current_database()::text AS database,
       ARRAY(SELECT p.name
             FROM unnest(string_to_array(replace(substr(o.item, strpos(o.item, '=') + 1), '"', ''), ','))
                  WITH ORDINALITY AS s (word, position),
                  LATERAL (SELECT btrim(s.word) AS name) p
             WHERE p.name NOT IN ('', '$user', 'pg_temp', 'pg_catalog')
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = p.name)
             ORDER BY s.position) AS missing
FROM (SELECT item, CASE WHEN d.setrole <> 0 AND d.setdatabase <> 0 THEN 'role in database'
                        WHEN d.setrole <> 0 THEN 'role' ELSE 'database' END AS set_for
      FROM pg_catalog.pg_db_role_setting d, unnest(d.setconfig) AS item
      WHERE starts_with(item, 'search_path=')
        AND d.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user))
        AND d.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
      ORDER BY d.setrole = 0, d.setdatabase = 0 LIMIT 1) o

-- name: preflight_connections
-- needs: pg_read_all_stats to tell connections from parallel workers
-- reserved_connections is a parameter since 16. `unseen` are sessions of other roles: each may be a parallel worker or
-- a background worker, which takes none.
SELECT current_setting('max_connections')::int AS maximum,
       CASE WHEN r.rolsuper THEN 0
            WHEN EXISTS (SELECT FROM pg_catalog.pg_roles p WHERE p.rolname = 'pg_use_reserved_connections'
                         AND pg_has_role(p.oid, 'USAGE'))
              THEN current_setting('superuser_reserved_connections')::int
            ELSE current_setting('superuser_reserved_connections')::int
                 + coalesce(current_setting('reserved_connections', true), '0')::int END AS reserved,
       a.used, a.unseen, r.rolname::text AS role, r.rolconnlimit AS role_limit, a.used_by_role,
       d.datname::text AS database, d.datconnlimit AS database_limit, a.used_in_database, r.rolsuper AS superuser
FROM pg_catalog.pg_roles r, pg_catalog.pg_database d,
     (SELECT count(*)::int AS used, (count(*) FILTER (WHERE s.backend_type IS NULL))::int AS unseen,
             (count(*) FILTER (WHERE s.usename = session_user))::int AS used_by_role,
             (count(*) FILTER (WHERE s.datname = current_database()))::int AS used_in_database
      FROM pg_catalog.pg_stat_activity s
      WHERE s.backend_type = 'client backend'
         OR (s.backend_type IS NULL AND s.usename IS NOT NULL
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_replication w WHERE w.pid = s.pid))) a
WHERE r.rolname = session_user AND d.datname = current_database()

-- name: preflight_lock_table
-- needs: none
-- Manual, section 19.12: room for max_locks_per_transaction objects for each server process and prepared transaction.
-- autovacuum_worker_slots is a parameter since 18.
SELECT current_setting('max_locks_per_transaction')::bigint
       * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int
          + current_setting('max_worker_processes')::int + current_setting('max_wal_senders')::int
          + coalesce(current_setting('autovacuum_worker_slots', true),
                     current_setting('autovacuum_max_workers'))::int) AS slots,
       (SELECT count(*) FROM pg_catalog.pg_locks WHERE NOT fastpath) AS used,
       current_setting('max_locks_per_transaction')::int AS setting

-- name: preflight_parts
-- needs: none
-- How many relations there are below each partitioned table, and their indexes and TOAST tables.
SELECT n.nspname || '.' || c.relname AS relation, 1 + (c.reltoastrelid <> 0)::int * 2
       + (SELECT count(*) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid)::int AS objects
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY (%(relations)s::text[]) AND c.relkind IN ('r', 'p', 'm')

-- name: preflight_readers
-- needs: none
-- Roles that may SELECT from at least half of a schema's tables, the owners' own rights left out; and that one of the
-- settings. `known` says whether there is such a role at all.
WITH tables AS MATERIALIZED (
    SELECT n.nspname::text AS schema, c.oid, c.relacl, c.relowner, count(*) OVER (PARTITION BY n.oid) AS all_tables
    FROM pg_catalog.pg_namespace n
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    WHERE n.nspname = ANY (%(schemas)s::text[]) AND c.relname <> %(version_table)s AND %(app_roles)s::text[] = '{}'
)
SELECT g.schema, g.role, true AS known
FROM (SELECT t.schema, coalesce(r.rolname::text, 'PUBLIC') AS role, t.all_tables, count(DISTINCT t.oid) AS tables
      FROM tables t
      CROSS JOIN LATERAL aclexplode(t.relacl) a
      LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
      WHERE a.privilege_type = 'SELECT' AND a.grantee <> t.relowner
      GROUP BY t.schema, r.rolname, t.all_tables) g
WHERE g.tables * 2 >= g.all_tables
UNION ALL
SELECT s, r, EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = r)
FROM unnest(%(schemas)s::text[]) s CROSS JOIN unnest(%(app_roles)s::text[]) r
ORDER BY 1, 2

-- name: preflight_default_rights
-- needs: none
-- What role w.reader will be allowed on a new object of w.creator: as a member of it, or by default privileges.
SELECT w.name, w.reader, w.sort, coalesce(m.rolname, current_user)::text AS creator,
       w.reader <> 'PUBLIC' AND (g.rolsuper OR pg_has_role(g.oid, coalesce(m.oid, u.oid), 'USAGE')) AS inherits,
       w.reader = 'PUBLIC' OR has_schema_privilege(g.oid, n.oid, 'USAGE') AS sees,
       ARRAY(SELECT DISTINCT a.privilege_type
             FROM pg_catalog.pg_default_acl d, LATERAL aclexplode(d.defaclacl) a
             WHERE d.defaclrole = coalesce(m.oid, u.oid) AND d.defaclnamespace IN (0, n.oid)
               AND d.defaclobjtype = w.sort::"char"
               AND (a.grantee = 0 OR (w.reader <> 'PUBLIC' AND pg_has_role(g.oid, a.grantee, 'USAGE')))) AS rights
FROM unnest(%(names)s::text[], %(sorts)s::text[], %(readers)s::text[], %(creators)s::text[])
     AS w (name, sort, reader, creator)
JOIN pg_catalog.pg_roles u ON u.rolname = current_user
JOIN pg_catalog.pg_namespace n ON n.nspname = split_part(w.name, '.', 1)
LEFT JOIN pg_catalog.pg_roles m ON m.rolname = w.creator
LEFT JOIN pg_catalog.pg_roles g ON g.rolname = w.reader
WHERE g.oid IS NOT NULL OR w.reader = 'PUBLIC'
