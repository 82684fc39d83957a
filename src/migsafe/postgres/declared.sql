-- name: declared_vector_column
-- needs: none
SELECT t.typname, quote_ident(tn.nspname), a.atttypmod, c.oid::regclass::text
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
 WHERE a.attrelid = to_regclass({relation})
   AND a.attname = {column}
   AND NOT a.attisdropped

-- name: declared_index
-- needs: none
SELECT i.indisvalid AND i.indisready, t.oid::regclass::text, t.reltuples
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
 WHERE c.oid = to_regclass({written}) OR (to_regclass({written}) IS NULL AND c.relname = {bare})
 LIMIT 1
