-- The schema of a live database (catalog.py). Columns are the fields of model/catalog.py; every name is unquoted.
-- A user's schema cannot start with pg_ (manual, section 5.10.6).

-- name: catalog_session
-- needs: none
SELECT current_schemas(false)::text[] AS search_path,
       current_setting('TimeZone') AS timezone,
       current_setting('server_version_num')::int / 10000 AS server_version,
       ARRAY(SELECT nspname::text FROM pg_catalog.pg_namespace
             WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1) AS schemas

-- name: catalog_relations
-- needs: none
-- Estimates say nothing of a table that was never analysed, or was filled since: the small ones are measured, and rows
-- reckoned from that as the planner does. Measuring takes ACCESS SHARE, so what somebody locks or wants to lock against
-- that is left as estimated.
WITH locked AS MATERIALIZED (
    SELECT l.relation FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
      AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database()))
SELECT c.oid::int8 AS oid,
       r.oid::int8 AS rule,
       n.nspname || '.' || c.relname AS name,
       CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
            WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
            WHEN 'c' THEN 'composite type' END AS kind,
       pg_get_userbyid(c.relowner)::text AS owner,
       CASE WHEN z.heap = 0 THEN 0
            WHEN z.heap > 0 AND c.reltuples >= 0
            THEN c.reltuples * (z.heap::float8 / nullif(c.relpages::int8 * z.block, 0))
            WHEN z.heap IS NULL AND c.reltuples >= 0 AND c.relkind IN ('r', 'p', 'm', 'f') THEN c.reltuples
            END::float8 AS rows,
       CASE WHEN z.heap IS NOT NULL THEN z.heap + coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0)
            WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'm')
            THEN (c.relpages + greatest(coalesce(t.relpages, 0), 0))::int8 * z.block
            END::int8 AS bytes,
       ARRAY(SELECT pn.nspname || '.' || p.relname
             FROM pg_catalog.pg_inherits i
             JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
             JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
             WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
       c.relispartition AND EXISTS (SELECT FROM pg_catalog.pg_partitioned_table d WHERE d.partdefid = c.oid)
           AS is_default_partition,
       CASE c.relpersistence WHEN 'p' THEN 'permanent' WHEN 'u' THEN 'unlogged' ELSE 'temporary' END AS persistence,
       CASE WHEN c.relkind = 'S' THEN
           (SELECT ARRAY[tn.nspname || '.' || tc.relname, ta.attname::text]
            FROM pg_catalog.pg_depend d
            JOIN pg_catalog.pg_class tc ON tc.oid = d.refobjid
            JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
            JOIN pg_catalog.pg_attribute ta ON ta.attrelid = tc.oid AND ta.attnum = d.refobjsubid
            WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
              AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0 LIMIT 1) END AS owned_by,
       CASE k.partstrat WHEN 'r' THEN 'range' WHEN 'l' THEN 'list' WHEN 'h' THEN 'hash' END AS partition_by,
       ARRAY(SELECT a.attname::text
             FROM unnest(k.partattrs::int2[]) WITH ORDINALITY AS u (attnum, place)
             LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.attnum AND u.attnum > 0
             ORDER BY u.place) AS partition_key,
       CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound,
       (SELECT yn.nspname || '.' || y.typname FROM pg_catalog.pg_type y
        JOIN pg_catalog.pg_namespace yn ON yn.oid = y.typnamespace WHERE y.oid = c.reloftype) AS of_type,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition,
       nullif(m.amname::text, 'heap') AS access_method
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN pg_catalog.pg_partitioned_table k ON k.partrelid = c.oid
LEFT JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
CROSS JOIN LATERAL (
    SELECT b.block,
           CASE WHEN c.relkind IN ('r', 'm') AND c.relpages * b.block < 64 * 1024 * 1024
                     AND c.oid NOT IN (SELECT relation FROM locked)
                THEN pg_relation_size(c.oid) END AS heap
    FROM (SELECT current_setting('block_size')::int8 AS block) b OFFSET 0) z
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 3

-- name: catalog_columns
-- needs: none
SELECT n.nspname || '.' || c.relname AS relation,
       a.attname::text AS name,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS not_null,
       CASE WHEN a.atthasdef THEN pg_get_expr(d.adbin, d.adrelid) END AS default,
       nullif(a.attidentity::text, '') AS identity,
       CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END AS generated,
       CASE WHEN a.attcollation <> y.typcollation THEN l.collname::text END AS collation
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY a.attrelid, a.attnum

-- name: catalog_indexes
-- needs: none
SELECT n.nspname || '.' || x.relname AS name,
       tn.nspname || '.' || t.relname AS relation,
       m.amname::text AS method,
       ARRAY(SELECT a.attname::text
             FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, place)
             LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum AND u.attnum <> 0
             WHERE u.place <= i.indnkeyatts ORDER BY u.place) AS columns,
       i.indisunique AS unique,
       i.indisprimary AS primary,
       i.indisvalid AS valid,
       pg_get_expr(i.indpred, i.indrelid) AS predicate,
       -- A key column has one dependency as a key, and another one when an expression or the predicate has it too.
       CASE WHEN i.indpred IS NOT NULL OR i.indexprs IS NOT NULL THEN
           ARRAY(SELECT a.attname::text
                 FROM pg_catalog.pg_depend d
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                 WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = x.oid
                   AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = t.oid
                 GROUP BY a.attname, a.attnum
                 HAVING count(*) > CASE WHEN a.attnum = ANY (i.indkey::int2[]) THEN 1 ELSE 0 END
                 ORDER BY a.attnum) ELSE '{}' END AS mentions,
       ARRAY(SELECT a.attname::text
             FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum
             WHERE u.place > i.indnkeyatts ORDER BY u.place) AS included,
       (SELECT pn.nspname || '.' || p.relname FROM pg_catalog.pg_inherits h
        JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
        JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
        WHERE h.inhrelid = x.oid) AS parent,
       pg_get_indexdef(x.oid) AS definition
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_am m ON m.oid = x.relam
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1

-- name: catalog_constraints
-- needs: none
SELECT o.oid::int8 AS oid,
       n.nspname || '.' || c.relname AS relation,
       o.conname::text AS name,
       CASE o.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign key' WHEN 'p' THEN 'primary key'
            WHEN 'u' THEN 'unique' WHEN 'x' THEN 'exclude' WHEN 'n' THEN 'not null' END AS kind,
       ARRAY(SELECT a.attname::text FROM unnest(o.conkey) WITH ORDINALITY AS u (attnum, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = u.attnum
             ORDER BY u.place) AS columns,
       pg_get_expr(o.conbin, o.conrelid) AS expression,
       fn.nspname || '.' || f.relname AS references,
       ARRAY(SELECT a.attname::text FROM unnest(o.confkey) WITH ORDINALITY AS u (attnum, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = u.attnum
             ORDER BY u.place) AS referenced_columns,
       o.convalidated AS validated,
       o.conenforced AS enforced,
       CASE WHEN o.contype IN ('p', 'u', 'x') THEN xn.nspname || '.' || x.relname END AS index,
       o.condeferrable AS deferrable,
       o.condeferred AS deferred,
       coalesce(nullif(o.confmatchtype::text, ' '), 's') AS match,
       coalesce(nullif(o.confdeltype::text, ' '), 'a') AS on_delete,
       coalesce(nullif(o.confupdtype::text, ' '), 'a') AS on_update,
       o.connoinherit AND o.contype IN ('c', 'n') AS no_inherit,
       o.coninhcount > 0 OR o.conparentid <> 0 AS inherited
FROM pg_catalog.pg_constraint o
JOIN pg_catalog.pg_class c ON c.oid = o.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class f ON f.oid = o.confrelid AND o.contype = 'f'
LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
LEFT JOIN pg_catalog.pg_class x ON x.oid = o.conindid
LEFT JOIN pg_catalog.pg_namespace xn ON xn.oid = x.relnamespace
WHERE o.contype IN ('c', 'f', 'p', 'u', 'x', 'n')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  -- A foreign key to a partitioned table has a row for every partition as well: no DDL can name those.
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p WHERE p.oid = o.conparentid AND p.conrelid = o.conrelid)
ORDER BY o.conrelid, o.conname

-- name: catalog_types
-- needs: none
SELECT n.nspname || '.' || t.typname AS name,
       CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite'
            WHEN 'r' THEN 'range' WHEN 'm' THEN 'range' ELSE 'base' END AS kind,
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
             WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS labels,
       CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base,
       t.typtype = 'd' AND (t.typnotnull OR EXISTS
           (SELECT FROM pg_catalog.pg_constraint o WHERE o.contypid = t.oid)) AS constrained,
       coalesce((SELECT jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
                 FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS attributes,
       ARRAY(SELECT o.conname::text FROM pg_catalog.pg_constraint o
             WHERE o.contypid = t.oid ORDER BY 1) AS constraints,
       ARRAY(SELECT o.conname::text FROM pg_catalog.pg_constraint o
             WHERE o.contypid = t.oid AND NOT o.convalidated ORDER BY 1) AS unvalidated,
       t.typdefault AS default,
       (SELECT x.extname::text FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
        WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e') AS extension
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
WHERE t.typtype IN ('e', 'd', 'c', 'r', 'm', 'b')
  AND (c.oid IS NULL OR c.relkind = 'c')
  AND NOT (t.typtype = 'b' AND t.typelem <> 0 AND t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc)
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1

-- name: catalog_extensions
-- needs: none
SELECT x.extname::text AS name, x.extversion AS version, n.nspname::text AS schema
FROM pg_catalog.pg_extension x
JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
ORDER BY 1

-- name: catalog_functions
-- needs: none
SELECT p.oid::int8 AS oid,
       n.nspname || '.' || p.proname AS name,
       ARRAY(SELECT format_type(u.type, NULL) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS u (type, place)
             ORDER BY u.place) AS arguments,
       CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,
       l.lanname::text AS language,
       p.provolatile::text AS volatility,
       CASE WHEN p.prokind <> 'p' THEN format_type(p.prorettype, NULL) END AS returns,
       p.proretset AS returns_set,
       CASE WHEN l.lanname NOT IN ('c', 'internal') THEN nullif(p.prosrc, '') END AS body,
       (SELECT x.extname::text FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
        WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') AS extension
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 2, 3

-- name: catalog_triggers
-- needs: none
SELECT n.nspname || '.' || c.relname AS relation,
       t.tgname::text AS name,
       fn.nspname || '.' || f.proname AS function,
       CASE WHEN t.tgtype & 2 > 0 THEN 'before' WHEN t.tgtype & 64 > 0 THEN 'instead of' ELSE 'after' END AS timing,
       array_remove(ARRAY[CASE WHEN t.tgtype & 4 > 0 THEN 'insert' END, CASE WHEN t.tgtype & 16 > 0 THEN 'update' END,
                          CASE WHEN t.tgtype & 8 > 0 THEN 'delete' END, CASE WHEN t.tgtype & 32 > 0 THEN 'truncate' END],
                    NULL) AS events,
       t.tgtype & 1 > 0 AS for_each_row,
       ARRAY(SELECT DISTINCT a.attname::text FROM pg_catalog.pg_depend d
             JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE d.classid = 'pg_catalog.pg_trigger'::regclass AND d.objid = t.oid
               AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid > 0
             ORDER BY 1) AS columns,
       t.tgconstraint <> 0 AS constraint,
       (SELECT rn.nspname || '.' || r.relname FROM pg_catalog.pg_class r
        JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace WHERE r.oid = t.tgconstrrelid) AS references
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
WHERE NOT t.tgisinternal AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1, 2

-- name: catalog_event_triggers
-- needs: none
SELECT t.evtname::text AS name,
       t.evtevent::text AS event,
       t.evtenabled <> 'D' AS enabled,
       n.nspname || '.' || p.proname AS function,
       coalesce(t.evttags, '{}') AS tags
FROM pg_catalog.pg_event_trigger t
JOIN pg_catalog.pg_proc p ON p.oid = t.evtfoid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
ORDER BY 1

-- name: catalog_rules
-- needs: none
SELECT r.oid::int8 AS oid,
       n.nspname || '.' || c.relname AS relation,
       r.rulename::text AS name,
       CASE r.ev_type WHEN '1' THEN 'select' WHEN '2' THEN 'update' WHEN '3' THEN 'insert' ELSE 'delete' END AS event,
       r.is_instead AS instead,
       pg_get_ruledef(r.oid) AS definition
FROM pg_catalog.pg_rewrite r
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 2, 3

-- name: catalog_policies
-- needs: none
SELECT p.oid::int8 AS oid, n.nspname || '.' || c.relname AS relation, p.polname::text AS name
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 2, 3

-- name: catalog_statistics
-- needs: none
SELECT n.nspname || '.' || s.stxname AS name,
       cn.nspname || '.' || c.relname AS relation,
       ARRAY(SELECT DISTINCT a.attname::text FROM pg_catalog.pg_depend d
             JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE d.classid = 'pg_catalog.pg_statistic_ext'::regclass AND d.objid = s.oid
               AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid > 0
             ORDER BY 1) AS columns
FROM pg_catalog.pg_statistic_ext s
JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
JOIN pg_catalog.pg_class c ON c.oid = s.stxrelid
JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1

-- name: catalog_publications
-- needs: none
SELECT p.pubname::text AS name,
       p.puballtables AS everything,
       ARRAY(SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_publication_rel r
             JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE r.prpubid = p.oid ORDER BY 1) AS tables
FROM pg_catalog.pg_publication p
ORDER BY 1

-- name: catalog_published_schemas
-- needs: none
-- From 15 on.
SELECT DISTINCT p.pubname::text AS name
FROM pg_catalog.pg_publication p
JOIN pg_catalog.pg_publication_namespace s ON s.pnpubid = p.oid

-- name: catalog_uses
-- needs: none
-- Relations and columns that views, rules, policies and SQL functions depend on.
SELECT u.class, u.oid,
       jsonb_agg(jsonb_build_object('relation', u.relation, 'columns', u.columns) ORDER BY u.relation) AS uses
FROM (SELECT d.classid::regclass::text AS class, d.objid::int8 AS oid, n.nspname || '.' || c.relname AS relation,
             coalesce(jsonb_agg(DISTINCT a.attname) FILTER (WHERE a.attname IS NOT NULL), '[]') AS columns
      FROM pg_catalog.pg_depend d
      JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
      WHERE d.classid IN ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_policy'::regclass,
                          'pg_catalog.pg_proc'::regclass)
        AND d.refclassid = 'pg_catalog.pg_class'::regclass AND (d.deptype = 'n' OR d.refobjsubid > 0)
        AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      GROUP BY 1, 2, 3) u
GROUP BY 1, 2

-- name: catalog_calls
-- needs: none
-- Functions that views, constraints and policies call; those of PostgreSQL itself are pinned, and have no dependency.
SELECT d.classid::regclass::text AS class, d.objid::int8 AS oid,
       array_agg(DISTINCT n.nspname || '.' || p.proname) AS calls
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE d.classid IN ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_constraint'::regclass,
                    'pg_catalog.pg_policy'::regclass)
  AND d.refclassid = 'pg_catalog.pg_proc'::regclass
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
GROUP BY 1, 2
