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
  IF printed IS NULL OR array_position(printed, NULL) IS NOT NULL OR cardinality(printed) <> {parts} THEN
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

-- name: verify_same_policy_using
-- needs: none
SELECT ARRAY[pg_get_expr(p.polqual, p.polrelid)]
    FROM pg_catalog.pg_policy p
    JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema} AND c.relname = {relation} AND p.polname = {name}

-- name: verify_same_policy_check
-- needs: none
SELECT ARRAY[pg_get_expr(p.polwithcheck, p.polrelid)]
    FROM pg_catalog.pg_policy p
    JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema} AND c.relname = {relation} AND p.polname = {name}

-- name: verify_same_trigger
-- needs: none
-- pg_get_expr() refuses an expression over two rows.
SELECT ARRAY[substring(pg_get_triggerdef(t.oid) FROM ' WHEN (\(.*\)) EXECUTE (?:FUNCTION|PROCEDURE) ')]
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema} AND c.relname = {relation} AND t.tgname = {name}
    AND (NOT t.tgisinternal OR t.tgparentid <> 0)

-- name: verify_same_statistics
-- needs: none
SELECT pg_get_statisticsobjdef_expressions(s.oid)
    FROM pg_catalog.pg_statistic_ext s
    JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    WHERE n.nspname = {schema} AND s.stxname = {name}

-- name: verify_same_partition
-- needs: none
SELECT ARRAY[pg_get_expr(p.partexprs, p.partrelid)]
    FROM pg_catalog.pg_partitioned_table p
    JOIN pg_catalog.pg_class c ON c.oid = p.partrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema} AND c.relname = {name}

-- name: verify_same_domain
-- needs: none
SELECT ARRAY(SELECT pg_get_expr(k.conbin, 0) FROM unnest({checks}) WITH ORDINALITY AS u(name, place)
                 LEFT JOIN pg_catalog.pg_constraint k ON k.contypid = t.oid AND k.conname = u.name ORDER BY u.place)
           || CASE WHEN {default} THEN ARRAY[pg_get_expr(t.typdefaultbin, 0)] ELSE '{{}}'::text[] END
    FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = {schema} AND t.typname = {name}

-- name: verify_same_publication
-- needs: none
SELECT ARRAY(SELECT pg_get_expr(r.prqual, r.prrelid) FROM unnest({tables}) WITH ORDINALITY AS u(name, place)
                 LEFT JOIN (pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
                   ON r.prpubid = p.oid AND n.nspname || '.' || c.relname = u.name ORDER BY u.place)
    FROM pg_catalog.pg_publication p WHERE p.pubname = {name}

-- name: verify_same_function
-- needs: USAGE on the schema of the function
SELECT CASE WHEN {defaults} THEN ARRAY(SELECT pg_get_function_arg_default(p.oid, a.place)
                 FROM generate_series(1, coalesce(cardinality(p.proallargtypes), p.pronargs)) AS a(place)
                 WHERE pg_get_function_arg_default(p.oid, a.place) IS NOT NULL ORDER BY a.place)
                ELSE '{{}}'::text[] END
           || CASE WHEN {body} THEN ARRAY[regexp_replace(regexp_replace(pg_get_function_sqlbody(p.oid),
                '^BEGIN ATOMIC\s(.*);\s*END$', '\1'), '^RETURN ', 'SELECT ')] ELSE '{{}}'::text[] END
    FROM pg_catalog.pg_proc p WHERE p.oid = to_regprocedure({signature})

-- name: verify_same_rule
-- needs: SELECT on what the rule reads
-- As verify_same, of each action. `new.a` and `old.a` are made columns of a row of NULLs, in both texts alike.
DECLARE
  definition text;
  printed text[];
  written text[] := {written};
  mine jsonb;
  theirs jsonb;
BEGIN
  PERFORM set_config('migsafe.same', 'no', true), set_config('search_path', {path}, true);
  SELECT pg_get_ruledef(r.oid) INTO definition FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_class c ON c.oid = r.ev_class JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema} AND c.relname = {relation} AND r.rulename = {name};
  definition := regexp_replace(definition, '^CREATE RULE .*?\s+AS\s+ON (SELECT|INSERT|UPDATE|DELETE)\s+TO .*?\s+(?=WHERE |DO )', '');
  IF (definition ~ '^WHERE ') <> {conditional} THEN
    RETURN;
  END IF;
  IF {conditional} THEN
    printed := ARRAY['SELECT ' || substring(definition FROM '^WHERE (.*?)\s+DO (?:INSTEAD )?\s*(?:\(|SELECT|INSERT|UPDATE|DELETE|NOTHING)')];
  END IF;
  definition := rtrim(regexp_replace(definition, '^.*?DO (?:INSTEAD )?\s*(?=\(|SELECT|INSERT|UPDATE|DELETE|NOTHING)', ''), E';\n ');
  IF definition ~ '^\(' THEN
    definition := regexp_replace(definition, '^\(\s*(.*?);\s*\)$', '\1');
    printed := printed || regexp_split_to_array(definition, E';\\n');
  ELSIF definition <> 'NOTHING' THEN
    printed := printed || definition;
  END IF;
  printed := coalesce(printed, '{{}}');
  IF cardinality(printed) <> cardinality(written) THEN
    RETURN;
  END IF;
  FOR number IN 1 .. cardinality(printed) LOOP
    EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) ' || regexp_replace(regexp_replace(written[number],
      '\m(new|old)\.\*', {whole}, 'g'), '\m(new|old)\.("(?:[^"]|"")+"|\w+)', {row}, 'g') INTO mine;
    EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) ' || regexp_replace(regexp_replace(printed[number],
      '\m(new|old)\.\*', {whole}, 'g'), '\m(new|old)\.("(?:[^"]|"")+"|\w+)', {row}, 'g') INTO theirs;
    -- A relation that is named twice is printed with a number behind its name.
    IF jsonb_path_query_array(mine, '$[*].Plan') <> jsonb_path_query_array(theirs, '$[*].Plan')
       AND (printed[number] !~ '\m(\w+) \1_[0-9]+\M'
            OR regexp_replace(jsonb_path_query_array(mine, '$[*].Plan')::text, '_[0-9]+\M', '', 'g')
               <> regexp_replace(jsonb_path_query_array(theirs, '$[*].Plan')::text, '_[0-9]+\M', '', 'g')) THEN
      RETURN;
    END IF;
  END LOOP;
  PERFORM set_config('migsafe.same', 'yes', true);
EXCEPTION WHEN OTHERS THEN
  PERFORM set_config('migsafe.same', 'unknown: ' || SQLERRM, true);
END

-- name: verify_same_view
-- needs: none
SELECT ARRAY[rtrim(pg_get_viewdef(c.oid), ';')]
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = {schema} AND c.relname = {name} AND c.relkind IN ('v', 'm')
