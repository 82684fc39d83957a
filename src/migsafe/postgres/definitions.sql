-- What DDL needs to make an object again and the catalog in memory does not hold (definitions.py).
-- Rows of object, aspect, value; an aspect that is as by default has no row. Names are printed with their schemas.

-- name: definitions_relations
-- needs: none
SELECT CASE WHEN c.relkind IN ('i', 'I') THEN 'index ' ELSE 'relation ' END || n.nspname || '.' || c.relname AS object,
       f.aspect, f.value
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid
LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
CROSS JOIN LATERAL (SELECT acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner) AS acl) y
CROSS JOIN LATERAL (VALUES
    ('owner', pg_get_userbyid(c.relowner)::text),
    ('comment', obj_description(c.oid, 'pg_class')),
    ('grants', CASE WHEN NOT (c.relacl @> y.acl AND c.relacl <@ y.acl) THEN
        (SELECT json_agg(json_build_array(g.role, g.privilege_type, g.is_grantable))::text
         FROM (SELECT CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee)::text END AS role,
                      a.privilege_type, a.is_grantable FROM aclexplode(c.relacl) a ORDER BY 1, 2, 3) g) END),
    ('options', CASE WHEN c.relkind NOT IN ('i', 'I') THEN
        (SELECT string_agg(o.text, ', ') FROM
            (SELECT option_name || '=' || quote_literal(option_value) AS text FROM pg_options_to_table(c.reloptions)
             UNION ALL
             SELECT 'toast.' || option_name || '=' || quote_literal(option_value)
             FROM pg_options_to_table(t.reloptions)) o) END),
    ('tablespace', s.spcname::text),
    ('row security', CASE WHEN c.relrowsecurity THEN 'ENABLE' END),
    ('force row security', CASE WHEN c.relforcerowsecurity THEN 'FORCE' END),
    ('replica identity', CASE WHEN c.relkind IN ('r', 'p', 'm') THEN
        CASE c.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' WHEN 'i' THEN
            (SELECT 'USING INDEX ' || quote_ident(x.relname) FROM pg_catalog.pg_index i
             JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
             WHERE i.indrelid = c.oid AND i.indisreplident) END END),
    ('cluster', (SELECT x.relname::text FROM pg_catalog.pg_index i
                 JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
                 WHERE i.indrelid = c.oid AND i.indisclustered)),
    ('partition key', CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END),
    ('definition', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid)
                        WHEN c.relkind IN ('i', 'I') THEN pg_get_indexdef(c.oid) END),
    ('unpopulated', CASE WHEN c.relkind = 'm' AND NOT c.relispopulated THEN 'yes' END),
    ('made', c.oid::text),
    ('sequence', (SELECT format('AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s %s',
                                format_type(q.seqtypid, NULL), q.seqincrement, q.seqmin, q.seqmax, q.seqstart,
                                q.seqcache, CASE WHEN q.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END)
                  FROM pg_catalog.pg_sequence q WHERE q.seqrelid = c.oid)),
    ('last value', CASE WHEN c.relkind = 'S' AND has_sequence_privilege(c.oid, 'USAGE, SELECT')
                        THEN pg_sequence_last_value(c.oid)::text END),
    ('server', (SELECT format('SERVER %I%s', v.srvname, coalesce(' OPTIONS (' ||
                    (SELECT string_agg(format('%I %L', option_name, option_value), ', ')
                     FROM pg_options_to_table(r.ftoptions)) || ')', ''))
                FROM pg_catalog.pg_foreign_table r JOIN pg_catalog.pg_foreign_server v ON v.oid = r.ftserver
                WHERE r.ftrelid = c.oid))
) AS f (aspect, value)
WHERE f.value IS NOT NULL AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c', 'i', 'I')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'

-- name: definitions_columns
-- needs: none
SELECT CASE WHEN c.relkind IN ('i', 'I') THEN 'index column ' ELSE 'column ' END
           || n.nspname || '.' || c.relname || '.' || a.attname AS object,
       f.aspect, f.value
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation AND a.attcollation <> y.typcollation
LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
CROSS JOIN LATERAL (VALUES
    ('comment', col_description(c.oid, a.attnum)),
    ('grants', (SELECT json_agg(json_build_array(g.role, g.privilege_type, g.is_grantable))::text
                FROM (SELECT CASE e.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(e.grantee)::text END AS role,
                             e.privilege_type, e.is_grantable FROM aclexplode(a.attacl) e ORDER BY 1, 2, 3) g)),
    ('storage', CASE WHEN a.attstorage <> y.typstorage AND c.relkind IN ('r', 'p', 'm', 'f') THEN
        CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' ELSE 'MAIN' END END),
    ('compression', CASE to_jsonb(a) ->> 'attcompression' WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END),
    ('statistics', CASE WHEN (to_jsonb(a) ->> 'attstattarget')::int >= 0 THEN to_jsonb(a) ->> 'attstattarget' END),
    ('options', (SELECT string_agg(option_name || '=' || quote_literal(option_value), ', ')
                 FROM pg_options_to_table(CASE WHEN c.relkind NOT IN ('i', 'I') THEN a.attoptions END))),
    ('foreign options', (SELECT string_agg(format('%I %L', option_name, option_value), ', ')
                         FROM pg_options_to_table(a.attfdwoptions))),
    ('collation', CASE WHEN l.oid IS NOT NULL THEN quote_ident(ln.nspname) || '.' || quote_ident(l.collname) END),
    ('inherited', CASE WHEN a.attinhcount > 0 AND NOT a.attislocal THEN 'yes' END),
    ('place', CASE WHEN c.relkind IN ('i', 'I') THEN a.attnum::text END)
) AS f (aspect, value)
WHERE f.value IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c', 'i', 'I')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (f.aspect <> 'place' OR (to_jsonb(a) ->> 'attstattarget')::int >= 0)

-- name: definitions_attached
-- needs: none
SELECT d.object, f.aspect, f.value
FROM (
    SELECT 'constraint ' || n.nspname || '.' || c.relname || '.' || o.conname AS object,
           pg_get_constraintdef(o.oid) AS definition, obj_description(o.oid, 'pg_constraint') AS comment,
           NULL::text AS enabled, o.oid
    FROM pg_catalog.pg_constraint o
    JOIN pg_catalog.pg_class c ON c.oid = o.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE o.contype IN ('c', 'f', 'p', 'u', 'x', 'n')
    UNION ALL
    SELECT 'constraint ' || n.nspname || '.' || y.typname || '.' || o.conname,
           pg_get_constraintdef(o.oid), obj_description(o.oid, 'pg_constraint'), NULL, o.oid
    FROM pg_catalog.pg_constraint o
    JOIN pg_catalog.pg_type y ON y.oid = o.contypid
    JOIN pg_catalog.pg_namespace n ON n.oid = y.typnamespace
    UNION ALL
    SELECT 'trigger ' || n.nspname || '.' || c.relname || '.' || t.tgname,
           pg_get_triggerdef(t.oid), obj_description(t.oid, 'pg_trigger'),
           CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END,
           t.oid
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'rule ' || n.nspname || '.' || c.relname || '.' || r.rulename,
           pg_get_ruledef(r.oid), obj_description(r.oid, 'pg_rewrite'),
           CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END,
           r.oid
    FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE r.rulename <> '_RETURN'
    UNION ALL
    SELECT 'policy ' || n.nspname || '.' || c.relname || '.' || p.polname,
           format('CREATE POLICY %I ON %I.%I%s FOR %s TO %s%s%s', p.polname, n.nspname, c.relname,
                  CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END,
                  CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                  (SELECT string_agg(CASE u.role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(u.role)) END, ', ')
                   FROM unnest(p.polroles) AS u (role)),
                  ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                  ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
           obj_description(p.oid, 'pg_policy'), NULL, p.oid
    FROM pg_catalog.pg_policy p
    JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
) AS d
CROSS JOIN LATERAL (VALUES
    ('definition', d.definition), ('comment', d.comment), ('enabled', d.enabled), ('made', d.oid::text)
) AS f (aspect, value)
WHERE f.value IS NOT NULL
  AND d.object !~ '^\w+ (pg_|information_schema\.)'

-- name: definitions_others
-- needs: none
SELECT d.object, f.aspect, f.value
FROM (
    SELECT 'function ' || n.nspname || '.' || p.proname || '(' ||
               array_to_string(ARRAY(SELECT format_type(u.type, NULL)
                                     FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS u (type, place)
                                     ORDER BY u.place), ', ') || ')' AS object,
           CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END AS definition,
           obj_description(p.oid, 'pg_proc') AS comment, p.proowner AS owner, p.proacl AS acl,
           NULL::text AS enabled, NULL::text AS target, p.oid
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e'
                      AND e.classid = 'pg_catalog.pg_proc'::regclass)
    UNION ALL
    SELECT 'type ' || n.nspname || '.' || t.typname,
           CASE t.typtype
           WHEN 'd' THEN format('CREATE DOMAIN %I.%I AS %s%s%s%s%s', n.nspname, t.typname,
               format_type(t.typbasetype, t.typtypmod),
               CASE WHEN t.typcollation <> b.typcollation THEN
                   (SELECT format(' COLLATE %I.%I', ln.nspname, l.collname) FROM pg_catalog.pg_collation l
                    JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace WHERE l.oid = t.typcollation) END,
               CASE WHEN t.typnotnull AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint o
                        WHERE o.contypid = t.oid AND o.contype = 'n') THEN ' NOT NULL' END,
               ' DEFAULT ' || t.typdefault,
               (SELECT string_agg(format(' CONSTRAINT %I %s', o.conname, pg_get_constraintdef(o.oid)), '' ORDER BY o.conname)
                FROM pg_catalog.pg_constraint o WHERE o.contypid = t.oid AND o.convalidated))
           WHEN 'r' THEN
               (SELECT format('CREATE TYPE %I.%I AS RANGE (SUBTYPE = %s%s%s%s%s%s)', n.nspname, t.typname,
                       format_type(r.rngsubtype, NULL),
                       CASE WHEN NOT oc.opcdefault THEN format(', SUBTYPE_OPCLASS = %I.%I', ocn.nspname, oc.opcname) END,
                       CASE WHEN r.rngcollation <> st.typcollation THEN
                           (SELECT format(', COLLATION = %I.%I', ln.nspname, l.collname) FROM pg_catalog.pg_collation l
                            JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace WHERE l.oid = r.rngcollation) END,
                       CASE WHEN r.rngcanonical <> 0 THEN ', CANONICAL = ' || r.rngcanonical::regproc END,
                       CASE WHEN r.rngsubdiff <> 0 THEN ', SUBTYPE_DIFF = ' || r.rngsubdiff::regproc END,
                       ', MULTIRANGE_TYPE_NAME = ' || r.rngmultitypid::regtype)
                FROM pg_catalog.pg_range r
                JOIN pg_catalog.pg_opclass oc ON oc.oid = r.rngsubopc
                JOIN pg_catalog.pg_namespace ocn ON ocn.oid = oc.opcnamespace
                JOIN pg_catalog.pg_type st ON st.oid = r.rngsubtype
                WHERE r.rngtypid = t.oid)
           END,
           obj_description(t.oid, 'pg_type'), t.typowner, t.typacl, NULL, NULL, t.oid
    FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    WHERE t.typtype IN ('e', 'd', 'c', 'r') AND (c.oid IS NULL OR c.relkind = 'c')
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT 'schema ' || n.nspname, NULL, obj_description(n.oid, 'pg_namespace'), n.nspowner, n.nspacl, NULL, NULL, n.oid
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    UNION ALL
    SELECT 'statistics ' || n.nspname || '.' || s.stxname, pg_get_statisticsobjdef(s.oid),
           obj_description(s.oid, 'pg_statistic_ext'), s.stxowner, NULL, NULL,
           CASE WHEN (to_jsonb(s) ->> 'stxstattarget')::int >= 0 THEN to_jsonb(s) ->> 'stxstattarget' END, s.oid
    FROM pg_catalog.pg_statistic_ext s
    JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    UNION ALL
    SELECT 'event trigger ' || v.evtname,
           format('CREATE EVENT TRIGGER %I ON %s%s EXECUTE FUNCTION %s()', v.evtname, v.evtevent,
                  ' WHEN TAG IN (' || (SELECT string_agg(quote_literal(u.tag), ', ') FROM unnest(v.evttags) AS u (tag)) || ')',
                  v.evtfoid::regproc),
           obj_description(v.oid, 'pg_event_trigger'), v.evtowner, NULL,
           CASE v.evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END,
           NULL, v.oid
    FROM pg_catalog.pg_event_trigger v
) AS d
CROSS JOIN LATERAL (
    SELECT acldefault(CASE split_part(d.object, ' ', 1) WHEN 'function' THEN 'f' WHEN 'type' THEN 'T' ELSE 'n' END::"char",
                      d.owner) AS acl) y
CROSS JOIN LATERAL (VALUES
    ('definition', d.definition), ('comment', d.comment), ('owner', pg_get_userbyid(d.owner)::text),
    ('enabled', d.enabled), ('statistics', d.target), ('made', d.oid::text),
    ('grants', CASE WHEN NOT (d.acl @> y.acl AND d.acl <@ y.acl) THEN
        (SELECT json_agg(json_build_array(g.role, g.privilege_type, g.is_grantable))::text
         FROM (SELECT CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee)::text END AS role,
                      a.privilege_type, a.is_grantable FROM aclexplode(d.acl) a ORDER BY 1, 2, 3) g) END)
) AS f (aspect, value)
WHERE f.value IS NOT NULL
