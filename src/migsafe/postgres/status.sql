-- What a run has left in the database (left_behind.py).

-- name: status_table
-- needs: none
SELECT c.oid::int8 AS oid, has_table_privilege(c.oid, 'SELECT') AS readable
FROM pg_catalog.pg_class c
WHERE c.oid = to_regclass(%(name)s)

-- name: status_indexes
-- needs: none
-- An index of a partitioned table is invalid until every partition has one, and that may be wanted.
SELECT i.indexrelid::int8 AS oid, n.nspname || '.' || c.relname AS name, tn.nspname || '.' || t.relname AS relation,
       t.relkind = 't' AS is_toast
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND n.nspname NOT LIKE 'pg\_temp\_%%'
ORDER BY 2

-- name: status_detaching
-- needs: none
SELECT pn.nspname || '.' || p.relname AS parent, cn.nspname || '.' || c.relname AS child
FROM pg_catalog.pg_inherits h
JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid
JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
WHERE h.inhdetachpending
ORDER BY 2
