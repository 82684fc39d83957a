-- name: verify_column
-- needs: none
WITH it AS (
  SELECT format_type(a.atttypid, a.atttypmod) AS type, a.atttypid, a.attnotnull, a.attidentity::text, a.attgenerated::text,
         pg_get_expr(d.adbin, d.adrelid) AS expression
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE n.nspname = {schema} AND c.relname = {relation}
    AND a.attname = {column} AND a.attnum > 0 AND NOT a.attisdropped
)
SELECT count(*) = 1 AND coalesce(bool_and({conditions}), false) AS ok,
       coalesce(min(type || CASE WHEN attnotnull THEN ', not null' ELSE ', nullable' END || CASE
         WHEN attidentity = 'a' THEN ', identity always'
         WHEN attidentity = 'd' THEN ', identity by default'
         WHEN attgenerated <> '' THEN ', generated always as ' || expression
           || CASE attgenerated WHEN 's' THEN ' stored' ELSE ' virtual' END
         ELSE coalesce(', default ' || expression, ', no default') END), 'no such column') AS found
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
  SELECT i.indisvalid, i.indisready, i.indislive, i.indisunique, i.indisprimary, i.indpred IS NOT NULL AS partial,
         m.amname::text AS method, tn.nspname || '.' || t.relname AS relation,
         pg_get_indexdef(i.indexrelid) AS definition,
         ARRAY(SELECT (SELECT a.attname::text FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid = i.indrelid AND a.attnum = k.number AND k.number <> 0)
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
               WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_am m ON m.oid = c.relam
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
  WHERE n.nspname = {schema} AND c.relname = {index}
)
SELECT count(*) = 1 AND coalesce(bool_and({conditions}), false) AS ok,
       coalesce(min(CASE WHEN indisvalid AND indisready AND indislive THEN 'valid' ELSE 'INVALID' END
                    || ': ' || definition), 'no such index') AS found
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
  SELECT k.contype::text AS kind, k.convalidated, to_jsonb(k)->>'conenforced' AS enforced,
         (SELECT i.indisvalid AND i.indisready FROM pg_catalog.pg_index i WHERE i.indexrelid = k.conindid) AS built,
         pg_get_constraintdef(k.oid) AS definition,
         (SELECT rn.nspname || '.' || r.relname FROM pg_catalog.pg_class r
          JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace WHERE r.oid = k.confrelid) AS "references",
         ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c(number, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.number
               ORDER BY c.place) AS columns
  FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = {schema} AND c.relname = {relation} AND k.conname = {constraint}
)
SELECT count(*) = 1 AND coalesce(bool_and({conditions}), false) AS ok,
       coalesce(min(definition || CASE WHEN convalidated THEN ' (validated)' ELSE ' (not validated)' END),
                'no such constraint') AS found
FROM it

-- name: verify_constraint_index
-- needs: none
coalesce(built, false)

-- name: verify_relation
-- needs: none
WITH it AS (
  SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
           WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
           WHEN 'c' THEN 'composite type' ELSE 'index' END AS kind,
         c.relpersistence::text AS persistence,
         ARRAY(SELECT pn.nspname || '.' || p.relname FROM pg_catalog.pg_inherits h
               JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
               JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
               WHERE h.inhrelid = c.oid ORDER BY h.inhseqno) AS parents
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = {schema} AND c.relname = {relation}
)
SELECT count(*) = 1 AND coalesce(bool_and({conditions}), false) AS ok,
       coalesce(min(CASE persistence WHEN 'u' THEN 'unlogged ' ELSE '' END || kind
                    || CASE WHEN parents <> '{{}}' THEN ' below ' || array_to_string(parents, ', ') ELSE '' END),
                'nothing of that name') AS found
FROM it

-- name: verify_type
-- needs: none
WITH it AS (
  SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite' WHEN 'r' THEN 'range'
           WHEN 'b' THEN 'base' ELSE 'other' END AS kind,
         format_type(t.typbasetype, t.typtypmod) AS type, t.typbasetype AS atttypid,
         ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
               WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder) AS labels,
         ARRAY(SELECT k.conname::text FROM pg_catalog.pg_constraint k WHERE k.contypid = t.oid ORDER BY 1) AS constraints,
         ARRAY(SELECT k.conname::text FROM pg_catalog.pg_constraint k
               WHERE k.contypid = t.oid AND NOT k.convalidated ORDER BY 1) AS unvalidated
  FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
  WHERE n.nspname = {schema} AND t.typname = {type_name}
)
SELECT count(*) = 1 AND coalesce(bool_and({conditions}), false) AS ok,
       coalesce(min(kind || CASE kind WHEN 'enum' THEN ' (' || array_to_string(labels, ', ') || ')'
         WHEN 'domain' THEN ' over ' || type
           || CASE WHEN constraints = '{{}}' THEN '' ELSE ', constraints ' || array_to_string(constraints, ', ') END
           || CASE WHEN unvalidated = '{{}}' THEN '' ELSE ', not validated: ' || array_to_string(unvalidated, ', ') END
         ELSE '' END), 'no such type') AS found
FROM it

-- name: verify_extension
-- needs: none
WITH it AS (
  SELECT e.extversion AS version, n.nspname AS schema,
         ARRAY(SELECT m[1]::bigint FROM regexp_matches(e.extversion, '[0-9]+', 'g') AS m) AS numbers
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = {extension}
)
SELECT count(*) = 1 AND coalesce(bool_and({conditions}), false) AS ok,
       coalesce(min('version ' || version || ' in schema ' || schema), 'not installed') AS found
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
      WHERE n.nspname = {of_schema} AND c.relname = {of} AND t.tgname = {name} AND NOT t.tgisinternal

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

-- name: verify_version_table
-- needs: SELECT on the version table
SELECT coalesce(array_agg(version_num::text ORDER BY version_num::text COLLATE "C"), ARRAY[]::text[]) = {heads}::text[] AS ok,
       coalesce(string_agg(version_num::text, ', ' ORDER BY version_num::text COLLATE "C"), 'no row: base') AS found
FROM {table}
