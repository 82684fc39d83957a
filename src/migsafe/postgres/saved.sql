-- Questions of the stage `saved` (saved_facts.py).

-- name: saved_server
-- needs: pg_monitor, for the system identifier
SELECT pg_catalog.current_setting('block_size')::int, pg_catalog.pg_encoding_to_char(d.encoding)
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()

-- name: saved_horizon
-- needs: none
SELECT (pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text::numeric % 4294967296)::int8

-- name: saved_writes
-- needs: none
-- pg_partition_tree() would wait for whoever has a partition under ACCESS EXCLUSIVE, which may be us.
WITH RECURSIVE below AS (
    SELECT pg_catalog.to_regclass(%(relation)s)::oid AS relid
    UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below b ON b.relid = i.inhparent)
SELECT sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::int8
FROM pg_catalog.pg_stat_all_tables s WHERE s.relid IN (SELECT relid FROM below)

-- name: saved_pages
-- needs: none
SELECT pg_catalog.pg_relation_size(pg_catalog.to_regclass(%s)) / pg_catalog.current_setting('block_size')::int8

-- name: saved_sequences
-- needs: SELECT on the sequences
SELECT n.nspname || '.' || c.relname, n.nspname, c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND n.nspname || '.' || c.relname = ANY (%s)
  AND CASE WHEN c.relkind = 'S' THEN pg_catalog.has_sequence_privilege(c.oid, 'SELECT') END

-- name: saved_missing
-- needs: none
SELECT u.place::int8 FROM unnest(%(classes)s::oid[], %(oids)s::oid[]) WITH ORDINALITY AS u (class, oid, place)
WHERE u.oid <> 0
  AND (SELECT i.identity FROM pg_catalog.pg_identify_object(u.class, u.oid, 0) i) IS NULL

-- name: saved_may_create
-- needs: none
SELECT n.nspname::text FROM pg_catalog.pg_namespace n
WHERE n.nspname = ANY (%(schemas)s) AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')
ORDER BY pg_catalog.array_position(%(schemas)s::name[], n.nspname) LIMIT 1

-- name: saved_relation
-- needs: none
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attgenerated::text
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum

-- name: saved_in_constraint
-- needs: none
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_constraint o
    JOIN pg_catalog.pg_attribute a ON a.attname = %(column)s AND a.attrelid = pg_catalog.to_regclass(%(relation)s)
    WHERE (o.conrelid = a.attrelid AND a.attnum = ANY (o.conkey) AND o.contype IN ('p', 'f', 'u', 'x'))
       OR (o.confrelid = a.attrelid AND a.attnum = ANY (o.confkey)))

-- name: saved_default
-- needs: none
SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE d.adrelid = pg_catalog.to_regclass(%(relation)s) AND a.attname = %(column)s AND a.attgenerated = ''

-- name: saved_constraint_there
-- needs: none
SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint o
               WHERE o.conrelid = pg_catalog.to_regclass(%(relation)s) AND o.conname = %(name)s)

-- name: saved_foreign_keys
-- needs: none
SELECT n.nspname::text, f.relname::text,
       ARRAY(SELECT a.attname::text FROM unnest(o.conkey) WITH ORDINALITY AS u (attnum, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = u.attnum ORDER BY u.place),
       ARRAY(SELECT a.attname::text FROM unnest(o.confkey) WITH ORDINALITY AS u (attnum, place)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = u.attnum ORDER BY u.place),
       o.confrelid = o.conrelid
FROM pg_catalog.pg_constraint o
JOIN pg_catalog.pg_class f ON f.oid = o.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = f.relnamespace
WHERE o.contype = 'f' AND o.conrelid = pg_catalog.to_regclass(%(relation)s) AND o.conparentid = 0

-- name: saved_index_invalid
-- needs: none
SELECT NOT i.indisvalid FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass(%s)

-- name: saved_is_partition
-- needs: none
SELECT c.relispartition FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%s)

-- name: saved_not_null
-- needs: none
SELECT a.attnotnull FROM pg_catalog.pg_attribute a
WHERE a.attrelid = pg_catalog.to_regclass(%(relation)s) AND a.attname = %(column)s AND NOT a.attisdropped

-- name: saved_not_null_name
-- needs: none
SELECT o.conname::text FROM pg_catalog.pg_constraint o
JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attname = %(column)s
WHERE o.conrelid = pg_catalog.to_regclass(%(relation)s) AND o.contype = 'n' AND o.conkey = ARRAY[a.attnum]

-- name: saved_identity
-- needs: none
SELECT a.attidentity <> '' FROM pg_catalog.pg_attribute a
WHERE a.attrelid = pg_catalog.to_regclass(%(relation)s) AND a.attname = %(column)s AND NOT a.attisdropped
