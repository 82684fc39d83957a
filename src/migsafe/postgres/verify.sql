-- name: verify_column
-- needs: none
WITH it AS (
  SELECT c.oid, a.attnum, format_type(a.atttypid, a.atttypmod) AS type, a.atttypid, a.attnotnull,
         a.attidentity::text, a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid) AS expression,
         CASE WHEN a.attcollation <> y.typcollation THEN l.collname::text END AS collated
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE n.nspname = {schema} AND c.relname = {relation}
    AND a.attname = {name} AND a.attnum > 0 AND NOT a.attisdropped
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min(type || coalesce(' collate ' || collated, '') || CASE WHEN attnotnull THEN ', not null'
         ELSE ', nullable' END || CASE
         WHEN attidentity = 'a' THEN ', identity always'
         WHEN attidentity = 'd' THEN ', identity by default'
         WHEN attgenerated <> '' THEN ', generated always as ' || expression
           || CASE attgenerated WHEN 's' THEN ' stored' ELSE ' virtual' END
         ELSE coalesce(', default ' || expression, ', no default') END || {also}), 'no such column') AS found
FROM it

-- name: verify_column_type
-- needs: USAGE on the schema of the type
CASE WHEN type = {type} THEN true
       WHEN to_regtype({type}) IS NULL THEN right(type, length({type}) + 1) = '.' || {type}
       ELSE atttypid = to_regtype({type}) END

-- name: verify_column_modifier
-- needs: none
substring(type FROM '[(](.*)[)]') IS NOT DISTINCT FROM {modifier}

-- name: verify_column_value
-- needs: USAGE on the schema of the type
CASE WHEN expression IS NULL THEN false
       WHEN expression ~ '^(-?[0-9.]+|true|false)$'
         THEN CAST(expression AS {type})::text = CAST({value} AS {type})::text
       WHEN expression ~ '^''([^'']|'''')*''(::[^'']*)?$'
         THEN CAST(replace(substring(expression FROM '^''(.*)''(?:::[^'']*)?$'), '''''', '''') AS {type})::text
              = CAST({value} AS {type})::text
       ELSE regexp_replace(expression, '''[^'']*''', '', 'g') !~* {computed} END

-- name: verify_column_null_default
-- needs: none
coalesce(expression ~ '^NULL', true)

-- name: verify_column_calls
-- needs: none
coalesce(strpos(lower(expression), {called}) > 0, false)

-- name: verify_index
-- needs: none
WITH it AS (
  SELECT c.oid, i.indisvalid, i.indisready, i.indislive, i.indisunique, i.indpred IS NOT NULL AS partial,
         m.amname::text AS method, tn.nspname || '.' || t.relname AS relation,
         pg_get_indexdef(i.indexrelid) AS definition,
         coalesce((to_jsonb(i)->>'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
         coalesce(c.reloptions, '{{}}') AS options,
         ARRAY(SELECT (SELECT a.attname::text FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid = i.indrelid AND a.attnum = k.number AND k.number <> 0)
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
               WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns,
         ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
               WHERE k.place > i.indnkeyatts ORDER BY k.place) AS included,
         -- Each key's operator class ('' for the default one of its type), direction, and place of NULLs.
         ARRAY(SELECT CASE WHEN o.opcdefault THEN '' ELSE o.opcname::text END
               FROM unnest(i.indclass::oid[]) WITH ORDINALITY AS k(class, place)
               JOIN pg_catalog.pg_opclass o ON o.oid = k.class
               WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS opclasses,
         ARRAY(SELECT o.opcname::text
               FROM unnest(i.indclass::oid[]) WITH ORDINALITY AS k(class, place)
               JOIN pg_catalog.pg_opclass o ON o.oid = k.class
               WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS named_opclasses,
         ARRAY(SELECT CASE WHEN k.bits & 1 = 1 THEN 'desc' ELSE 'asc' END
                      || CASE WHEN k.bits & 2 = 2 THEN ' nulls first' ELSE ' nulls last' END
               FROM unnest(i.indoption::int2[]) WITH ORDINALITY AS k(bits, place)
               WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS directions,
         ARRAY(SELECT l.collname::text
               FROM unnest(i.indcollation::oid[]) WITH ORDINALITY AS k(chosen, place)
               LEFT JOIN pg_catalog.pg_collation l ON l.oid = k.chosen
               WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS collations
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_am m ON m.oid = c.relam
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
  WHERE n.nspname = {schema} AND c.relname = {name}
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min(CASE WHEN indisvalid AND indisready AND indislive THEN 'valid' ELSE 'INVALID' END
                    || ': ' || definition || {also}), 'no such index') AS found
FROM it

-- name: verify_index_valid
-- needs: none
indisvalid AND indisready AND indislive

-- name: verify_no_invalid_index
-- needs: pg_read_all_stats
WITH suspects AS (
  SELECT i.indexrelid, n.nspname || '.' || c.relname AS index
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class t ON i.indrelid IN (t.oid, t.reltoastrelid)
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
  WHERE tn.nspname = {schema} AND t.relname = {relation}
    AND NOT (i.indisvalid AND i.indisready AND i.indislive)
    AND n.nspname || '.' || c.relname <> ALL ({others}::text[])
)
SELECT CASE WHEN count(s.index) = 0 THEN true
            WHEN bool_or(p.pid IS NULL) THEN false END AS ok,
       coalesce(string_agg(s.index || CASE WHEN p.pid IS NULL THEN ' is invalid'
         ELSE ' is invalid or being built by a session whose progress may be hidden' END, ', ' ORDER BY s.index),
         'none') AS found
FROM suspects s
LEFT JOIN LATERAL (
  SELECT pid FROM pg_catalog.pg_stat_progress_create_index
  WHERE datname = current_database() AND coalesce(index_relid, s.indexrelid) = s.indexrelid LIMIT 1
) p ON true

-- name: verify_constraint
-- needs: none
WITH it AS (
  SELECT k.oid, k.contype::text AS kind, k.convalidated, k.condeferrable, k.condeferred, k.connoinherit,
         coalesce(to_jsonb(k)->>'conenforced', 'true') AS enforced,
         coalesce(nullif(k.confdeltype::text, ' '), 'a') AS on_delete,
         coalesce(nullif(k.confupdtype::text, ' '), 'a') AS on_update,
         coalesce(nullif(k.confmatchtype::text, ' '), 's') AS match,
         coalesce(i.indisvalid AND i.indisready AND i.indislive, false) AS built,
         i.indpred IS NOT NULL AS partial,
         (SELECT m.amname::text FROM pg_catalog.pg_class x JOIN pg_catalog.pg_am m ON m.oid = x.relam
          WHERE x.oid = i.indexrelid) AS method,
         ARRAY(SELECT (SELECT a.attname::text FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid = i.indrelid AND a.attnum = c.number AND c.number <> 0)
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS c(number, place)
               WHERE c.place <= i.indnkeyatts ORDER BY c.place) AS keys,
         coalesce((to_jsonb(i)->>'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
         ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS c(number, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = c.number
               WHERE c.place > i.indnkeyatts ORDER BY c.place) AS included,
         pg_get_constraintdef(k.oid) AS definition,
         (SELECT rn.nspname || '.' || r.relname FROM pg_catalog.pg_class r
          JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace WHERE r.oid = k.confrelid) AS "references",
         ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c(number, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.number
               ORDER BY c.place) AS columns,
         ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS c(number, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.number
               ORDER BY c.place) AS referenced_columns
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
  WHERE n.nspname = {schema} AND c.relname = {relation} AND k.conname = {name}
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min(definition || CASE WHEN convalidated THEN ' (validated)' ELSE ' (not validated)' END || {also}),
                'no such constraint') AS found
FROM it

-- name: verify_constraint_index
-- needs: none
built

-- name: verify_relation
-- needs: none
WITH it AS (
  SELECT c.oid, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
           WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
           WHEN 'c' THEN 'composite type' ELSE 'index' END AS kind,
         c.relpersistence::text AS persistence,
         CASE WHEN m.amname <> 'heap' THEN m.amname::text END AS access_method,
         pg_get_expr(c.relpartbound, c.oid) AS bound,
         pg_get_userbyid(c.relowner)::text AS owner,
         (SELECT CASE p.partstrat WHEN 'r' THEN 'range' WHEN 'l' THEN 'list' WHEN 'h' THEN 'hash' END
          FROM pg_catalog.pg_partitioned_table p WHERE p.partrelid = c.oid) AS partition_by,
         (SELECT ARRAY(SELECT a.attname::text FROM unnest(p.partattrs::int2[]) WITH ORDINALITY AS k(number, place)
                       LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number AND k.number > 0
                       ORDER BY k.place)
          FROM pg_catalog.pg_partitioned_table p WHERE p.partrelid = c.oid) AS partition_key,
         (SELECT pg_get_expr(p.partexprs, p.partrelid)
          FROM pg_catalog.pg_partitioned_table p WHERE p.partrelid = c.oid) AS partition_expressions,
         EXISTS (SELECT FROM pg_catalog.pg_inherits h
                 WHERE h.inhrelid = c.oid AND h.inhdetachpending) AS half_detached,
         ARRAY(SELECT pn.nspname || '.' || p.relname FROM pg_catalog.pg_inherits h
               JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
               JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
               WHERE h.inhrelid = c.oid ORDER BY h.inhseqno) AS parents
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
  WHERE n.nspname = {schema} AND c.relname = {name}
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min(CASE persistence WHEN 'u' THEN 'unlogged ' ELSE '' END || kind
                    || coalesce(' stored as ' || access_method, '')
                    || coalesce(' partitioned by ' || partition_by || ' (' || array_to_string(partition_key, ', ', '?')
                                || ')' || coalesce(' by ' || partition_expressions, ''), '')
                    || CASE WHEN parents <> '{{}}' THEN ' below ' || array_to_string(parents, ', ') ELSE '' END
                    || coalesce(' ' || bound, '')
                    || CASE WHEN kind ~ 'view' THEN ', its query as printed has the md5 ' || md5(pg_get_viewdef(oid))
                       ELSE '' END
                    || CASE WHEN half_detached THEN ', half detached' ELSE '' END || {also}),
                'nothing of that name') AS found
FROM it

-- name: verify_type
-- needs: none
WITH it AS (
  SELECT t.oid, CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite'
           WHEN 'r' THEN 'range' WHEN 'b' THEN 'base' ELSE 'other' END AS kind,
         format_type(t.typbasetype, t.typtypmod) AS type, t.typbasetype AS atttypid,
         ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
               WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS labels,
         ARRAY(SELECT k.conname::text FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid ORDER BY 1) AS constraints,
         t.typdefault IS NULL AS no_default, t.typdefault AS default_value,
         ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
               WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS attributes,
         ARRAY(SELECT k.conname::text FROM pg_catalog.pg_constraint k
               WHERE k.contypid = t.oid AND NOT k.convalidated ORDER BY 1) AS unvalidated,
         (SELECT string_agg(pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname)
          FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid) AS checks
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  WHERE n.nspname = {schema} AND t.typname = {name}
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min(kind || CASE kind WHEN 'enum' THEN ' (' || array_to_string(labels, ', ') || ')'
         WHEN 'domain' THEN ' over ' || type
           || CASE WHEN constraints = '{{}}' THEN '' ELSE ', constraints ' || array_to_string(constraints, ', ') END
           || CASE WHEN unvalidated = '{{}}' THEN '' ELSE ', not validated: ' || array_to_string(unvalidated, ', ') END
           || coalesce(': ' || checks, '') || coalesce(', default ' || default_value, '')
         WHEN 'composite' THEN ' (' || array_to_string(attributes, ', ') || ')'
         ELSE '' END || {also}), 'no such type') AS found
FROM it

-- name: verify_extension
-- needs: none
WITH it AS (
  SELECT e.oid, e.extversion AS version, n.nspname::text AS schema,
         ARRAY(SELECT m[1]::bigint FROM regexp_matches(e.extversion, '[0-9]+', 'g') AS m) AS numbers
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = {name}
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min('version ' || version || ' in schema ' || schema || {also}), 'not installed') AS found
FROM it

-- name: verify_trigger
-- needs: none
WITH it AS (
  SELECT t.oid, fn.nspname || '.' || f.proname AS function, t.tgconstraint <> 0 AS is_constraint,
         t.tgenabled::text AS enabled, t.tgtype & 1 > 0 AS for_each_row, pg_get_triggerdef(t.oid) AS definition,
         t.tgqual IS NOT NULL AS conditional,
         (SELECT rn.nspname || '.' || r.relname FROM pg_catalog.pg_class r
          JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace WHERE r.oid = t.tgconstrrelid) AS referenced,
         CASE WHEN t.tgtype & 2 > 0 THEN 'before' WHEN t.tgtype & 64 > 0 THEN 'instead of' ELSE 'after' END AS timing,
         array_remove(ARRAY[CASE WHEN t.tgtype & 4 > 0 THEN 'insert' END, CASE WHEN t.tgtype & 16 > 0 THEN 'update' END,
                            CASE WHEN t.tgtype & 8 > 0 THEN 'delete' END,
                            CASE WHEN t.tgtype & 32 > 0 THEN 'truncate' END], NULL) AS events,
         ARRAY(SELECT DISTINCT a.attname::text FROM pg_catalog.pg_depend d
               JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
               WHERE d.classid = 'pg_catalog.pg_trigger'::regclass AND d.objid = t.oid
                 AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid > 0
               ORDER BY 1) AS columns
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
  JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
  WHERE n.nspname = {schema} AND c.relname = {relation} AND t.tgname = {name}
    -- Before 15 the copy that a partition has is an internal one.
    AND (NOT t.tgisinternal OR t.tgparentid <> 0)
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min(definition || CASE enabled WHEN 'D' THEN ', disabled' WHEN 'R' THEN ', on replicas only'
                                  WHEN 'A' THEN ', always' ELSE '' END || {also}), 'nothing of that name') AS found
FROM it

-- name: verify_rule
-- needs: none
WITH it AS (
  SELECT r.oid, r.is_instead, r.ev_enabled::text AS enabled, pg_get_ruledef(r.oid) AS definition,
         CASE r.ev_type WHEN '1' THEN 'select' WHEN '2' THEN 'update' WHEN '3' THEN 'insert' ELSE 'delete' END AS event
  FROM pg_catalog.pg_rewrite r
  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = {schema} AND c.relname = {relation} AND r.rulename = {name}
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min(definition || CASE enabled WHEN 'D' THEN ', disabled' ELSE '' END || {also}),
                'nothing of that name') AS found
FROM it

-- name: verify_policy
-- needs: none
WITH it AS (
  SELECT p.oid, CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
                     WHEN 'd' THEN 'delete' ELSE 'all' END AS command,
         p.polpermissive::text AS permissive,
         (SELECT string_agg(CASE WHEN u.role = 0 THEN 'public' ELSE pg_get_userbyid(u.role)::text END, ',' ORDER BY
                            CASE WHEN u.role = 0 THEN 'public' ELSE pg_get_userbyid(u.role)::text END COLLATE "C")
          FROM unnest(p.polroles) AS u(role)) AS roles,
         pg_get_expr(p.polqual, p.polrelid) AS "using", pg_get_expr(p.polwithcheck, p.polrelid) AS "check"
  FROM pg_catalog.pg_policy p
  JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = {schema} AND c.relname = {relation} AND p.polname = {name}
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min(CASE permissive WHEN 'true' THEN 'permissive' ELSE 'restrictive' END || ' policy for ' || command
                    || ' to ' || roles || coalesce(' using (' || "using" || ')', '')
                    || coalesce(' with check (' || "check" || ')', '') || {also}), 'nothing of that name') AS found
FROM it

-- name: verify_statistics
-- needs: none
WITH it AS (
  SELECT s.oid, pg_get_statisticsobjdef(s.oid) AS definition, cn.nspname || '.' || c.relname AS relation,
         ARRAY(SELECT DISTINCT a.attname::text FROM pg_catalog.pg_depend d
               JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
               WHERE d.classid = 'pg_catalog.pg_statistic_ext'::regclass AND d.objid = s.oid
                 AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid > 0
               ORDER BY 1) AS columns
  FROM pg_catalog.pg_statistic_ext s
  JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
  JOIN pg_catalog.pg_class c ON c.oid = s.stxrelid
  JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
  WHERE n.nspname = {schema} AND s.stxname = {name}
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min(definition || {also}), 'nothing of that name') AS found
FROM it

-- name: verify_function
-- needs: USAGE on the schema of the function
WITH it AS (
  SELECT p.oid, l.lanname::text AS language, p.provolatile::text AS volatility, p.prosrc AS body,
         CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,
         CASE WHEN p.prokind <> 'p' THEN format_type(p.prorettype, NULL) END AS type, p.prorettype AS atttypid,
         p.proretset AS returns_set, p.pronargdefaults AS defaults,
         ARRAY(SELECT lower(split_part(u.setting, '=', 1)) FROM unnest(p.proconfig) AS u(setting)) AS settings,
         ARRAY(SELECT u.type FROM unnest(p.proallargtypes, p.proargmodes) AS u(type, mode)
               WHERE u.mode IN ('o', 'b', 't')) AS outputs,
         coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) AS printed
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_language l ON l.oid = p.prolang
  WHERE p.oid = to_regprocedure({signature})
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min(CASE volatility WHEN 'i' THEN 'immutable ' WHEN 's' THEN 'stable ' ELSE 'volatile ' END || language
                    || ' ' || kind || coalesce(' returning ' || CASE WHEN returns_set THEN 'setof ' ELSE '' END || type, '')
                    || CASE WHEN settings <> '{{}}' THEN ', settings ' || array_to_string(settings, ', ') ELSE '' END
                    || CASE WHEN defaults > 0 THEN ', arguments ' || pg_get_function_arguments(oid) ELSE '' END
                    || ', its body ' || length(printed) || ' characters, md5 ' || md5(printed) || {also}),
                'nothing of that name') AS found
FROM it

-- name: verify_function_output
-- needs: USAGE on the schema of the types
(SELECT coalesce(array_agg(to_regtype(u.name)::oid ORDER BY u.place) = outputs, true)
       OR bool_or(to_regtype(u.name) IS NULL) FROM unnest({types}) WITH ORDINALITY AS u(name, place))

-- name: verify_publication
-- needs: none
WITH it AS (
  SELECT p.oid, p.puballtables AS everything, pg_get_userbyid(p.pubowner)::text AS owner,
         (SELECT string_agg(s.schemaname || '.' || s.tablename || ' where ' || (to_jsonb(s)->>'rowfilter'), ', ')
          FROM pg_catalog.pg_publication_tables s
          WHERE s.pubname = p.pubname AND to_jsonb(s)->>'rowfilter' IS NOT NULL) AS filters,
         ARRAY(SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_publication_rel r
               JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE r.prpubid = p.oid ORDER BY (n.nspname || '.' || c.relname) COLLATE "C") AS tables
  FROM pg_catalog.pg_publication p WHERE p.pubname = {name}
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min('publication of ' || CASE WHEN everything THEN 'all tables' WHEN tables = '{{}}' THEN 'no single table'
                    ELSE array_to_string(tables, ', ') END || coalesce(', of columns ' || {columns}, '')
                    || coalesce(', rows of ' || filters, '') || {also}), 'nothing of that name') AS found
FROM it

-- name: verify_schema
-- needs: none
WITH it AS (SELECT n.oid, pg_get_userbyid(n.nspowner)::text AS owner
            FROM pg_catalog.pg_namespace n WHERE n.nspname = {name})
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min('schema' || {also}), 'nothing of that name') AS found
FROM it

-- name: verify_event_trigger
-- needs: none
WITH it AS (
  SELECT t.oid, t.evtevent::text AS event, t.evtenabled <> 'D' AS enabled, n.nspname || '.' || f.proname AS function,
         ARRAY(SELECT g FROM unnest(t.evttags) AS g ORDER BY g COLLATE "C") AS tags
  FROM pg_catalog.pg_event_trigger t
  JOIN pg_catalog.pg_proc f ON f.oid = t.evtfoid
  JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
  WHERE t.evtname = {name}
)
SELECT CASE WHEN count(*) = 1 THEN bool_and({conditions}) ELSE false END AS ok,
       coalesce(min('event trigger on ' || event || ' calling ' || function
                    || CASE WHEN enabled THEN '' ELSE ', disabled' END || {also}), 'nothing of that name') AS found
FROM it

-- name: verify_extension_version
-- needs: none
numbers >= ARRAY(SELECT m[1]::bigint FROM regexp_matches({version}, '[0-9]+', 'g') AS m)

-- name: verify_presence
-- needs: none
SELECT count(*) {wanted} AS ok, coalesce(string_agg(what, ', ' ORDER BY what), 'nothing of that name') AS found
FROM ({lookup}) AS it

-- name: verify_presence_relation
-- needs: none
SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
              WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
              ELSE 'composite type' END || ' ' || n.nspname || '.' || c.relname AS what
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = {schema} AND c.relname = {name} AND c.relkind NOT IN ('i', 'I', 't')

-- name: verify_presence_index
-- needs: none
SELECT CASE WHEN i.indisvalid THEN '' ELSE 'INVALID: ' END || pg_get_indexdef(c.oid) AS what
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
      WHERE n.nspname = {schema} AND c.relname = {name}

-- name: verify_presence_column
-- needs: none
SELECT 'column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) AS what
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = {of_schema} AND c.relname = {of} AND a.attname = {name} AND NOT a.attisdropped

-- name: verify_presence_constraint
-- needs: none
SELECT pg_get_constraintdef(k.oid) AS what
      FROM pg_catalog.pg_constraint k
      LEFT JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
      LEFT JOIN pg_catalog.pg_type t ON t.oid = k.contypid
      JOIN pg_catalog.pg_namespace n ON n.oid = coalesce(c.relnamespace, t.typnamespace)
      WHERE n.nspname = {of_schema} AND coalesce(c.relname, t.typname) = {of} AND k.conname = {name}

-- name: verify_presence_trigger
-- needs: none
SELECT pg_get_triggerdef(t.oid) AS what
      FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = {of_schema} AND c.relname = {of} AND t.tgname = {name}
        AND (NOT t.tgisinternal OR t.tgparentid <> 0)

-- name: verify_presence_rule
-- needs: none
SELECT pg_get_ruledef(r.oid) AS what
      FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = {of_schema} AND c.relname = {of} AND r.rulename = {name}

-- name: verify_presence_policy
-- needs: none
SELECT 'policy ' || p.polname AS what
      FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = {of_schema} AND c.relname = {of} AND p.polname = {name}

-- name: verify_presence_type
-- needs: none
SELECT 'type ' || n.nspname || '.' || t.typname AS what
      FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
      WHERE n.nspname = {schema} AND t.typname = {name}

-- name: verify_presence_extension
-- needs: none
SELECT 'version ' || e.extversion AS what
      FROM pg_catalog.pg_extension e WHERE e.extname = {name}

-- name: verify_presence_statistics
-- needs: none
SELECT pg_get_statisticsobjdef(s.oid) AS what
      FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
      WHERE n.nspname = {schema} AND s.stxname = {name}

-- name: verify_presence_function
-- needs: none
SELECT p.oid::regprocedure::text AS what
      FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname = {schema} AND p.proname = {name}

-- name: verify_presence_function_of_arguments
-- needs: USAGE on the schema of the function
SELECT to_regprocedure({signature})::text AS what WHERE to_regprocedure({signature}) IS NOT NULL

-- name: verify_presence_publication
-- needs: none
SELECT 'publication ' || p.pubname AS what FROM pg_catalog.pg_publication p WHERE p.pubname = {name}

-- name: verify_presence_schema
-- needs: none
SELECT 'schema ' || n.nspname AS what FROM pg_catalog.pg_namespace n WHERE n.nspname = {name}

-- name: verify_presence_event_trigger
-- needs: none
SELECT 'event trigger ' || t.evtname AS what FROM pg_catalog.pg_event_trigger t WHERE t.evtname = {name}

-- name: verify_version_table
-- needs: SELECT on the version table
SELECT coalesce(array_agg(version_num::text ORDER BY version_num::text COLLATE "C"), ARRAY[]::text[]) = {heads}::text[] AS ok,
       coalesce(string_agg(version_num::text, ', ' ORDER BY version_num::text COLLATE "C"), 'no row: base') AS found
FROM {table}
