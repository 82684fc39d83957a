-- What hangs on the tables of a plan, and what state they are in. Relations are `schema.name`, unquoted.

-- name: preflight_table_statistics
-- needs: none
SELECT n.nspname || '.' || c.relname AS relation,
       pg_relation_size(c.oid) AS bytes,
       c.reltuples >= 0 AS analysed,
       coalesce(s.n_live_tup, 0) AS live,
       coalesce(s.n_dead_tup, 0) AS dead,
       coalesce(s.n_mod_since_analyze, 0) AS changed
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid
WHERE n.nspname || '.' || c.relname = ANY (%(relations)s::text[]) AND c.relkind IN ('r', 'm')
ORDER BY 1

-- name: preflight_unvalidated
-- needs: none
-- A constraint that is NOT ENFORCED (18) is not valid by design.
SELECT n.nspname || '.' || c.relname AS relation, o.conname::text AS name, o.contype::text AS kind
FROM pg_catalog.pg_constraint o
JOIN pg_catalog.pg_class c ON c.oid = o.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT o.convalidated AND n.nspname || '.' || c.relname = ANY (%(relations)s::text[])
  AND coalesce(to_jsonb(o) ->> 'conenforced', 'true') = 'true'
ORDER BY 1, 2

-- name: preflight_collations
-- needs: none
-- The default collation of a database has its version in pg_database since 15; 14 does not know it.
SELECT DISTINCT n.nspname || '.' || c.relname AS relation, a.attname::text AS column,
       CASE WHEN l.collprovider = 'd' THEN 'the default of the database' ELSE ln.nspname || '.' || l.collname END
           AS collation,
       l.collprovider = 'd' AS is_default, v.recorded, pg_collation_actual_version(l.oid) AS actual
FROM unnest(%(relations)s::text[], %(columns)s::text[]) AS w (relation, name)
JOIN pg_catalog.pg_namespace n ON n.nspname = split_part(w.relation, '.', 1)
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = substr(w.relation, strpos(w.relation, '.') + 1)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = w.name AND NOT a.attisdropped
JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
CROSS JOIN LATERAL (
    SELECT CASE WHEN l.collprovider = 'd'
                THEN (SELECT to_jsonb(d) ->> 'datcollversion' FROM pg_catalog.pg_database d
                      WHERE d.datname = current_database())
                ELSE l.collversion END AS recorded) v
WHERE v.recorded IS NOT NULL AND v.recorded <> pg_collation_actual_version(l.oid)
ORDER BY 1, 2

-- name: preflight_event_triggers
-- needs: none
-- Those of an extension belong to it. R fires on a replica only.
SELECT t.evtname::text AS name, t.evtevent::text AS event, coalesce(t.evttags, '{}') AS tags,
       n.nspname || '.' || p.proname AS function
FROM pg_catalog.pg_event_trigger t
JOIN pg_catalog.pg_proc p ON p.oid = t.evtfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE t.evtenabled IN ('O', 'A')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = t.oid AND d.deptype = 'e')
ORDER BY 1

-- name: preflight_triggers
-- needs: none
-- Bits of tgtype: 1 for each row, 4 INSERT, 8 DELETE, 16 UPDATE (pg_trigger.h). `columns` are those of UPDATE OF.
SELECT tn.nspname || '.' || c.relname AS relation, t.tgname::text AS name, n.nspname || '.' || p.proname AS function,
       t.tgtype & 1 > 0 AS for_each_row,
       array_remove(ARRAY[CASE WHEN t.tgtype & 4 > 0 THEN 'INSERT' END, CASE WHEN t.tgtype & 16 > 0 THEN 'UPDATE' END,
                          CASE WHEN t.tgtype & 8 > 0 THEN 'DELETE' END], NULL) AS events,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum = ANY (t.tgattr)) AS columns
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = c.relnamespace
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
  AND tn.nspname || '.' || c.relname = ANY (%(relations)s::text[])
ORDER BY 1, 2

-- name: preflight_row_security
-- needs: none
-- Whom row security holds for: check_enable_rls() in rls.c. To change rows, a statement reads them too. `sees_all`:
-- policies whose condition is just true let every row through, and no restrictive one takes any away.
SELECT w.relation, w.command, r.role,
       CASE WHEN w.command IN ('INSERT', 'COPY') THEN false ELSE NOT EXISTS (
           SELECT FROM unnest(ARRAY['r', CASE w.command WHEN 'DELETE' THEN 'd' ELSE 'w' END]) AS needed (command)
           WHERE NOT EXISTS (
               SELECT FROM pg_catalog.pg_policy p
               WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('*', needed.command)
                 AND (0 = ANY (p.polroles)
                      OR EXISTS (SELECT FROM unnest(p.polroles) o WHERE pg_has_role(r.role, o, 'USAGE')))
                 AND pg_get_expr(p.polqual, p.polrelid) = 'true'))
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive)
       END AS sees_all
FROM unnest(%(relations)s::text[], %(commands)s::text[], %(roles)s::text[]) AS w (relation, command, role)
CROSS JOIN LATERAL (SELECT coalesce(w.role, current_user)::name AS role) r
JOIN pg_catalog.pg_roles u ON u.rolname = r.role
JOIN pg_catalog.pg_namespace n ON n.nspname = split_part(w.relation, '.', 1)
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = substr(w.relation, strpos(w.relation, '.') + 1)
WHERE c.relrowsecurity AND NOT u.rolsuper AND NOT u.rolbypassrls
  AND (c.relforcerowsecurity OR NOT pg_has_role(r.role, c.relowner, 'USAGE'))
ORDER BY 1, 2

-- name: preflight_dependents
-- needs: none
-- What refuses to let a column (NULL: the whole relation) go or change its type. A function is one whose body the
-- server has parsed (BEGIN ATOMIC).
WITH wanted AS (
    SELECT w.relation, w.name, c.oid, a.attnum
    FROM unnest(%(relations)s::text[], %(columns)s::text[]) AS w (relation, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = split_part(w.relation, '.', 1)
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = substr(w.relation, strpos(w.relation, '.') + 1)
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = w.name AND NOT a.attisdropped
    WHERE w.name IS NULL OR a.attnum IS NOT NULL
), hanging AS MATERIALIZED (
    SELECT w.relation, w.name, w.oid, d.classid, d.objid
    FROM wanted w
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = w.oid
        AND (w.name IS NULL OR d.refobjsubid = w.attnum)
        AND d.deptype = 'n'
)
SELECT h.relation, h.name AS column,
       CASE WHEN r.rulename <> '_RETURN' THEN 'rule' WHEN v.relkind = 'm' THEN 'materialized view' ELSE 'view' END AS kind,
       n.nspname || '.' || v.relname || CASE WHEN r.rulename <> '_RETURN' THEN '.' || r.rulename ELSE '' END AS dependent
FROM hanging h
JOIN pg_catalog.pg_rewrite r ON h.classid = 'pg_rewrite'::regclass AND r.oid = h.objid
    AND (r.ev_class <> h.oid OR h.name IS NOT NULL)
JOIN pg_catalog.pg_class v ON v.oid = r.ev_class JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace
UNION
SELECT h.relation, h.name, 'policy', n.nspname || '.' || v.relname || '.' || p.polname
FROM hanging h
JOIN pg_catalog.pg_policy p ON h.classid = 'pg_policy'::regclass AND p.oid = h.objid
    AND (p.polrelid <> h.oid OR h.name IS NOT NULL)
JOIN pg_catalog.pg_class v ON v.oid = p.polrelid JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace
UNION
SELECT h.relation, h.name, 'trigger', n.nspname || '.' || v.relname || '.' || t.tgname
FROM hanging h
JOIN pg_catalog.pg_trigger t ON h.classid = 'pg_trigger'::regclass AND t.oid = h.objid AND NOT t.tgisinternal
    AND h.name IS NOT NULL
JOIN pg_catalog.pg_class v ON v.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace
UNION
SELECT h.relation, h.name, 'foreign key', n.nspname || '.' || v.relname || '.' || o.conname
FROM hanging h
JOIN pg_catalog.pg_constraint o ON h.classid = 'pg_constraint'::regclass AND o.oid = h.objid AND o.contype = 'f'
    AND o.conparentid = 0 AND o.conrelid <> h.oid
JOIN pg_catalog.pg_class v ON v.oid = o.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace
UNION
SELECT h.relation, h.name, 'function', n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
FROM hanging h
JOIN pg_catalog.pg_proc p ON h.classid = 'pg_proc'::regclass AND p.oid = h.objid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
ORDER BY 1, 2, 3, 4

-- name: preflight_sequences
-- needs: USAGE or SELECT on the sequence
-- Those that count upwards and end. `taken` is NULL where the sequence was not used yet, or may not be seen.
SELECT tn.nspname || '.' || t.relname AS relation, a.attname::text AS column, format_type(a.atttypid, NULL) AS type,
       n.nspname || '.' || q.relname AS sequence, v.visible,
       CASE WHEN v.visible THEN pg_sequence_last_value(q.oid::regclass)::float8 END
           / least(s.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647
                             ELSE 9223372036854775807 END) AS taken
FROM pg_catalog.pg_class t
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid > 0
    AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_catalog.pg_class q ON q.oid = d.objid AND q.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = q.relnamespace
JOIN pg_catalog.pg_sequence s ON s.seqrelid = q.oid AND s.seqincrement > 0 AND NOT s.seqcycle
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
CROSS JOIN LATERAL (SELECT has_sequence_privilege(q.oid, 'USAGE, SELECT')
                           AND has_schema_privilege(n.oid, 'USAGE') AS visible) v
WHERE tn.nspname || '.' || t.relname = ANY (%(relations)s::text[])
ORDER BY 1, 2

-- name: preflight_sharding
-- needs: none
SELECT to_regclass('timescaledb_information.hypertables') IS NOT NULL AS timescale,
       to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS citus

-- name: preflight_hypertables
-- needs: SELECT ON timescaledb_information.hypertables
SELECT h.hypertable_schema || '.' || h.hypertable_name AS relation, h.num_chunks::int AS chunks,
       coalesce(h.compression_enabled, false) AS compressed
FROM timescaledb_information.hypertables h
WHERE h.hypertable_schema || '.' || h.hypertable_name = ANY (%(relations)s::text[])
ORDER BY 1

-- name: preflight_distributed
-- needs: SELECT ON pg_catalog.pg_dist_partition
SELECT n.nspname || '.' || c.relname AS relation
FROM pg_catalog.pg_dist_partition p
JOIN pg_catalog.pg_class c ON c.oid = p.logicalrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY (%(relations)s::text[])
ORDER BY 1

-- name: preflight_preload
-- needs: pg_read_all_settings
-- No row: this role may not see it.
SELECT setting FROM pg_catalog.pg_settings WHERE name = 'shared_preload_libraries'

-- name: preflight_extension_state
-- needs: none
-- `reachable` are versions that the installed one can be updated to; the function fails where the package is gone.
SELECT w.name, e.extversion AS installed, a.default_version AS offered,
       CASE WHEN a.name IS NOT NULL
            THEN ARRAY(SELECT p.target FROM pg_catalog.pg_extension_update_paths(w.name) p
                       WHERE p.source = e.extversion AND p.path IS NOT NULL) ELSE '{}' END AS reachable,
       current_setting('max_parallel_maintenance_workers')::int AS workers
FROM unnest(%(names)s::text[]) AS w (name)
LEFT JOIN pg_catalog.pg_extension e ON e.extname = w.name
LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = w.name
