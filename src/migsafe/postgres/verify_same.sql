-- Whether two texts of an expression mean the same to the server (verify/sameness.py).

-- name: verify_same
-- needs: SELECT on what a view or policy reads
-- The server plans what was written and what it prints of it, and its plans are compared: nothing is executed, nothing
-- is written, and no table is read. The outcome is a setting of this transaction: yes, no, or why it cannot be told.
DECLARE
  printed text[];
  written json;
  found json;
BEGIN
  PERFORM set_config('migsafe.same', 'no', true), set_config('search_path', {path}, true);
  printed := ({lookup});
  IF printed IS NULL OR array_position(printed, NULL) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) ' || {written} INTO written;
  EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) ' || format({template}, VARIADIC printed) INTO found;
  IF (written->0->'Plan')::text = (found->0->'Plan')::text THEN
    PERFORM set_config('migsafe.same', 'yes', true);
  END IF;
EXCEPTION WHEN OTHERS THEN
  PERFORM set_config('migsafe.same', 'unknown: ' || SQLERRM, true);
END

-- name: verify_same_holds
-- needs: none
CASE current_setting('migsafe.same', true) WHEN 'yes' THEN true WHEN 'no' THEN false END

-- name: verify_same_perhaps
-- needs: none
-- Where a difference may be that of a column which was added since.
CASE current_setting('migsafe.same', true) WHEN 'yes' THEN true END

-- name: verify_same_doubt
-- needs: none
coalesce(' (cannot be compared: ' || substring(current_setting('migsafe.same', true) FROM '^unknown: (.*)') || ')', '')

-- name: verify_same_column
-- needs: none
SELECT ARRAY[pg_get_expr(d.adbin, d.adrelid)]
    FROM pg_catalog.pg_attrdef d
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema} AND c.relname = {relation} AND a.attname = {name} AND NOT a.attisdropped

-- name: verify_same_constraint
-- needs: none
SELECT ARRAY[pg_get_expr(k.conbin, k.conrelid)]
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema} AND c.relname = {relation} AND k.conname = {name}

-- name: verify_same_index
-- needs: none
-- The keys that are expressions, and the predicate when there is one.
SELECT ARRAY(SELECT pg_get_indexdef(i.indexrelid, k.place::int, false)
                 FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
                 WHERE k.number = 0 AND k.place <= i.indnkeyatts ORDER BY k.place)
           || CASE WHEN i.indpred IS NULL THEN '{{}}'::text[] ELSE ARRAY[pg_get_expr(i.indpred, i.indrelid)] END
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema} AND c.relname = {name}

-- name: verify_same_policy
-- needs: none
SELECT array_remove(ARRAY[pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)], NULL)
    FROM pg_catalog.pg_policy p
    JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema} AND c.relname = {relation} AND p.polname = {name}

-- name: verify_same_view
-- needs: none
SELECT ARRAY[rtrim(pg_get_viewdef(c.oid), ';')]
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema} AND c.relname = {name} AND c.relkind IN ('v', 'm')
