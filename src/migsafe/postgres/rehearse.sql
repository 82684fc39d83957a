-- name: rehearse_types
-- needs: none
SELECT t.oid::bigint, t.typname, t.typtype::text,
       coalesce(nullif(CASE t.typtype WHEN 'd' THEN t.typbasetype WHEN 'r' THEN r.rngsubtype
                       WHEN 'm' THEN (SELECT m.rngtypid FROM pg_catalog.pg_range m WHERE m.rngmultitypid = t.oid)
                       ELSE t.typelem END, 0), 0)::bigint,
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder),
       t.typtypmod
  FROM pg_catalog.pg_type t
  LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid
 WHERE t.typtype IN ('b', 'e', 'd', 'r', 'm')

-- name: rehearse_columns
-- needs: none
-- Of every table that takes rows itself: partitions get theirs through their parents.
SELECT c.oid::bigint, n.nspname, c.relname, a.attname, a.atttypid::bigint, a.atttypmod,
       pg_catalog.format_type(a.atttypid, a.atttypmod),
       a.attnotnull OR (SELECT t.typnotnull FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid),
       a.attgenerated <> '',
       c.relkind = 'p'
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
                      AND d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid)
 ORDER BY n.nspname, c.relname, a.attnum

-- name: rehearse_keys
-- needs: none
SELECT o.oid::bigint, o.conrelid::bigint, a.attname, o.confrelid::bigint, b.attname
  FROM pg_catalog.pg_constraint o
 CROSS JOIN LATERAL unnest(o.conkey, o.confkey) AS k (here, there)
  JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.here
  JOIN pg_catalog.pg_attribute b ON b.attrelid = o.confrelid AND b.attnum = k.there
 WHERE o.contype = 'f' AND o.conparentid = 0
 ORDER BY o.oid, a.attnum

-- name: rehearse_checks
-- needs: none
SELECT o.conrelid::bigint, o.conname, pg_catalog.pg_get_constraintdef(o.oid),
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = o.conrelid AND a.attnum = ANY (o.conkey) ORDER BY a.attnum)
  FROM pg_catalog.pg_constraint o
 WHERE o.contype = 'c' AND o.conrelid <> 0

-- name: rehearse_bounds
-- needs: none
-- How a partition of the first level is bounded, and by which columns its parent is partitioned.
SELECT p.partrelid::bigint, pg_catalog.pg_get_expr(c.relpartbound, c.oid),
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
              WHERE a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::smallint[]))
  FROM pg_catalog.pg_partitioned_table p
  JOIN pg_catalog.pg_inherits i ON i.inhparent = p.partrelid
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid

-- name: rehearse_sequences
-- needs: none
SELECT pg_catalog.setval(s.seqrelid::regclass, least(s.seqmax, greatest(s.seqmin, 1000)))
  FROM pg_catalog.pg_sequence s
 WHERE s.seqincrement > 0
