-- What a CONCURRENTLY statement that was cut off leaves behind, by oid (leftovers.py).

-- name: leftover_indexes
-- needs: none
-- The indexes of tables %(tables)s and of their TOAST tables, and those of oid %(oids)s or name %(names)s.
SELECT x.oid::int8 AS oid,
       n.nspname || '.' || x.relname AS name,
       tn.nspname || '.' || t.relname AS relation,
       i.indisvalid AND i.indisready AND i.indislive AS valid,
       i.indisready AND i.indislive AS maintained,
       i.indisunique AS unique,
       m.amname::text AS method,
       ARRAY(SELECT a.attname::text
             FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, place)
             LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum AND u.attnum <> 0
             WHERE u.place <= i.indnkeyatts ORDER BY u.place) AS columns,
       pg_get_indexdef(x.oid) AS definition
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_am m ON m.oid = x.relam
WHERE x.oid = ANY (%(oids)s::oid[])
   OR n.nspname || '.' || x.relname = ANY (%(names)s::text[])
   OR i.indrelid IN (SELECT unnest(ARRAY[c.oid, nullif(c.reltoastrelid, 0)])
                     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
                     WHERE cn.nspname || '.' || c.relname = ANY (%(tables)s::text[]))
ORDER BY 2

-- name: leftover_worker
-- needs: none
-- Who has SHARE UPDATE EXCLUSIVE on the table of index %(oid)s and is no VACUUM or ANALYZE: whoever makes, rebuilds or
-- drops an index concurrently has it to its end, and a server notices only at the next message that its client is gone.
SELECT l.pid, EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.pid = l.pid) AS builds
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_index i ON i.indrelid = l.relation
JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid AND a.usesysid IS NOT NULL
WHERE i.indexrelid = %(oid)s AND l.locktype = 'relation' AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND l.pid <> pg_backend_pid()
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum v WHERE v.pid = l.pid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_analyze v WHERE v.pid = l.pid)
ORDER BY l.pid LIMIT 1

-- name: partition_of
-- needs: none
-- The partition of %(parent)s among %(children)s.
SELECT i.inhparent::int8 AS parent, i.inhrelid::int8 AS child
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
WHERE pn.nspname || '.' || p.relname = %(parent)s AND cn.nspname || '.' || c.relname = ANY (%(children)s::text[])

-- name: partition_state
-- needs: none
SELECT pn.nspname || '.' || p.relname AS parent, cn.nspname || '.' || c.relname AS child, i.inhdetachpending AS pending
FROM pg_catalog.pg_inherits i
JOIN pg_catalog.pg_class p ON p.oid = i.inhparent JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid JOIN pg_catalog.pg_namespace cn ON cn.oid = c.relnamespace
WHERE i.inhparent = %(parent)s AND i.inhrelid = %(child)s
