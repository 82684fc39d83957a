-- What is looked at before a migration (verify/baseline.py), and what must then be as it was (verify/kept.py).

-- name: baseline_relations
-- needs: none
SELECT n.nspname || '.' || c.relname AS name, c.oid::int8 AS oid, pg_get_userbyid(c.relowner)::text AS owner,
       coalesce((SELECT jsonb_agg(DISTINCT jsonb_build_array(coalesce(r.rolname, 'PUBLIC'), g.privilege_type))
                 FROM aclexplode(c.relacl) AS g LEFT JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
                 WHERE g.grantee <> c.relowner AND (g.grantee = 0 OR r.oid IS NOT NULL)), '[]') AS grants,
       coalesce((SELECT sum(s.n_tup_ins) FROM pg_catalog.pg_stat_all_tables s
                 WHERE s.relid = c.oid OR s.relid IN (SELECT relid FROM pg_partition_tree(c.oid))), 0)::int8 AS inserted,
       coalesce((SELECT sum(s.n_tup_upd) FROM pg_catalog.pg_stat_all_tables s
                 WHERE s.relid = c.oid OR s.relid IN (SELECT relid FROM pg_partition_tree(c.oid))), 0)::int8 AS updated,
       coalesce((SELECT sum(s.n_tup_del) FROM pg_catalog.pg_stat_all_tables s
                 WHERE s.relid = c.oid OR s.relid IN (SELECT relid FROM pg_partition_tree(c.oid))), 0)::int8 AS deleted
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY (%(names)s::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
ORDER BY 1

-- name: baseline_rights
-- needs: none
-- What each role may do with each relation: on the whole, or on which columns only.
SELECT r.role, n.nspname || '.' || c.relname AS name, p.privilege,
       CASE WHEN has_table_privilege(r.role, c.oid, p.privilege) THEN NULL
            ELSE ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                         AND p.privilege IN ('SELECT', 'INSERT', 'UPDATE')
                         AND has_column_privilege(r.role, c.oid, a.attnum, p.privilege) ORDER BY a.attnum) END AS columns
FROM unnest(%(roles)s::text[]) AS r(role)
JOIN pg_catalog.pg_roles known ON known.rolname = r.role
CROSS JOIN pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p(privilege)
WHERE n.nspname || '.' || c.relname = ANY (%(names)s::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND has_schema_privilege(r.role, n.oid, 'USAGE')
  AND (has_table_privilege(r.role, c.oid, p.privilege)
       OR (p.privilege IN ('SELECT', 'INSERT', 'UPDATE') AND has_any_column_privilege(r.role, c.oid, p.privilege)))
ORDER BY 1, 2, 3

-- name: baseline_siblings
-- needs: none
-- What each role may do with every table of a schema: a new one is for it too.
SELECT r.role, n.nspname::text AS schema, p.privilege
FROM unnest(%(roles)s::text[]) AS r(role)
JOIN pg_catalog.pg_roles known ON known.rolname = r.role
CROSS JOIN pg_catalog.pg_namespace n
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p(privilege)
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
WHERE n.nspname = ANY (%(schemas)s::text[]) AND c.relname <> %(version_table)s
GROUP BY 1, 2, 3
HAVING bool_and(has_schema_privilege(r.role, n.oid, 'USAGE') AND has_table_privilege(r.role, c.oid, p.privilege))
ORDER BY 1, 2, 3

-- name: baseline_roles
-- needs: none
SELECT rolname::text AS role FROM pg_catalog.pg_roles WHERE rolname = ANY (%(roles)s::text[])

-- name: verify_grants
-- needs: none
WITH it AS (
  SELECT c.oid, c.relowner, c.relacl FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = {schema} AND c.relname = {name}
), lost AS (
  SELECT e.privilege || ' of ' || e.grantee AS what FROM (VALUES {expected}) AS e(grantee, privilege) CROSS JOIN it
  WHERE NOT EXISTS (SELECT FROM aclexplode(coalesce(it.relacl, acldefault('r', it.relowner))) AS g
                    WHERE g.privilege_type = e.privilege
                      AND g.grantee = CASE WHEN e.grantee = 'PUBLIC' THEN 0
                                      ELSE (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = e.grantee) END)
)
SELECT (SELECT count(*) = 1 FROM it) AND count(*) = 0 AS ok,
       CASE WHEN (SELECT count(*) = 0 FROM it) THEN 'nothing of that name'
            ELSE coalesce('not any more: ' || string_agg(what, ', ' ORDER BY what), 'as before') END AS found
FROM lost

-- name: verify_rights
-- needs: none
WITH it AS (
  SELECT c.oid FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = {schema} AND c.relname = {name}
), lost AS (
  SELECT e.privilege || coalesce(' (' || e.columns || ')', '') AS what
  FROM (VALUES {expected}) AS e(privilege, columns) CROSS JOIN it
  WHERE NOT CASE WHEN e.columns IS NULL THEN has_table_privilege({role}, it.oid, e.privilege)
                 ELSE has_column_privilege({role}, it.oid, e.columns, e.privilege) END
  UNION ALL
  SELECT 'USAGE of the schema' WHERE NOT has_schema_privilege({role}, {namespace}, 'USAGE')
)
SELECT (SELECT count(*) = 1 FROM it) AND count(*) = 0 AS ok,
       CASE WHEN (SELECT count(*) = 0 FROM it) THEN 'nothing of that name'
            ELSE coalesce('not ' || string_agg(what, ', ' ORDER BY what), 'all of it') END AS found
FROM lost

-- name: verify_sequence_right
-- needs: none
SELECT has_sequence_privilege({role}, c.oid, 'USAGE') AS ok,
       CASE WHEN has_sequence_privilege({role}, c.oid, 'USAGE') THEN 'USAGE' ELSE 'no USAGE' END AS found
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = {schema} AND c.relname = {name}

-- name: verify_rows
-- needs: SELECT on the table
-- Sessions report what they wrote up to a minute later: rows that are missing without an explanation prove nothing,
-- unless there is none left.
WITH it AS (SELECT count(*) AS rows FROM {table}),
seen AS (
  SELECT coalesce(sum(s.n_tup_ins), 0) - {inserted} AS inserted, coalesce(sum(s.n_tup_del), 0) - {deleted} AS deleted
  FROM pg_catalog.pg_stat_all_tables s
  WHERE s.relid = to_regclass({regclass}) OR s.relid IN (SELECT relid FROM pg_partition_tree(to_regclass({regclass})))
)
SELECT CASE WHEN rows >= {rows} OR ({counted} AND deleted >= {rows} - rows) THEN true
            WHEN rows = 0 THEN false END AS ok,
       rows || ' rows' || CASE WHEN rows = {rows} THEN '' WHEN rows > {rows} THEN ': more were written meanwhile'
         WHEN {counted} AND deleted >= {rows} - rows THEN ': the application deleted ' || deleted || ' meanwhile'
         WHEN rows = 0 THEN '' ELSE ': some were deleted meanwhile, or lost' END AS found
FROM it, seen

-- name: verify_some_rows
-- needs: SELECT on the table
SELECT EXISTS (SELECT FROM {table}) AS ok,
       CASE WHEN EXISTS (SELECT FROM {table}) THEN 'rows' ELSE 'no row' END AS found

-- name: verify_nulls
-- needs: SELECT on the table
WITH it AS (SELECT count(*) AS rows, count(*) - count({column}) AS nulls FROM {table}),
seen AS (
  SELECT coalesce(sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del), 0) - {written} AS written
  FROM pg_catalog.pg_stat_all_tables s
  WHERE s.relid = to_regclass({regclass}) OR s.relid IN (SELECT relid FROM pg_partition_tree(to_regclass({regclass})))
)
SELECT CASE WHEN nulls = {nulls} OR ({counted} AND abs(nulls - {nulls}) <= written) THEN true
            WHEN nulls - {nulls} >= greatest(20, rows / 10, CASE WHEN {counted} THEN written ELSE 0 END)
              THEN false END AS ok,
       nulls || ' of ' || rows || ' rows' || CASE WHEN nulls <> {nulls} AND {counted} AND abs(nulls - {nulls}) <= written
         THEN ': the application wrote meanwhile' ELSE '' END AS found
FROM it, seen

-- name: verify_column_statistics
-- needs: SELECT on the table
-- In a table of a few pages every plan is good enough, and autovacuum may never look at it.
SELECT CASE WHEN pg_relation_size(to_regclass({regclass})) < 65536 THEN true
            WHEN EXISTS (SELECT FROM pg_catalog.pg_stats s
                         WHERE s.schemaname = {schema} AND s.tablename = {relation} AND s.attname = {column}) THEN true
            WHEN has_column_privilege(to_regclass({regclass}), {column}, 'SELECT') THEN false END AS ok,
       CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_stats s
                         WHERE s.schemaname = {schema} AND s.tablename = {relation} AND s.attname = {column})
            THEN 'statistics' WHEN pg_relation_size(to_regclass({regclass})) < 65536 THEN 'none, in a few pages'
            ELSE 'none' END AS found

-- name: verify_sequence_ahead
-- needs: SELECT on the table and its sequence
-- The sequence is read last: it only ever grows.
SELECT coalesce((SELECT max({column}) FROM {table}) < s.last_value + CASE WHEN s.is_called THEN 1 ELSE 0 END, true) AS ok,
       'next ' || s.last_value + CASE WHEN s.is_called THEN 1 ELSE 0 END || ', largest value '
       || coalesce((SELECT max({column}) FROM {table})::text, 'none') AS found
FROM {sequence} s

-- name: verify_no_leftovers
-- needs: none
SELECT count(*) = 0 AS ok, coalesce(string_agg(what, ', ' ORDER BY what), 'none') AS found
FROM (SELECT n.nspname || '.' || c.relname AS what FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = ANY ({schemas}::text[])
        AND (c.relname = {progress} OR c.relname LIKE '\_alembic\_tmp\_%') AND c.relkind IN ('r', 'p')
        AND n.nspname || '.' || c.relname <> ALL ({known}::text[])) AS it

-- name: verify_settled
-- needs: none
SELECT it.found = {found} AS ok, it.found FROM (
{sql}
) AS it
