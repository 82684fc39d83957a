-- What is recorded with a dump, and compared after a restore (described.py, backup/restore.sh). These run in psql too:
-- they have no parameters, and quote every name.

-- name: backup_catalog
-- needs: none
-- One row an object: its kind, its name, and a text that is the same where the object is the same. Only what pg_dump
-- saves: no invalid index, no copy of a partitioned table's foreign key or trigger on a partition, no NOT NULL
-- constraint (the column says it, and before 18 they had no names).
WITH schemas AS (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
                          AND d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objid = n.oid)
), relations AS (
    SELECT c.*, pg_catalog.format('%I.%I', s.nspname, c.relname) AS label,
           CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
                WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
                WHEN 'c' THEN 'composite type' END AS kind
      FROM pg_catalog.pg_class c JOIN schemas s ON s.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't'
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
                          AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid)
), functions AS (
    SELECT p.*, pg_catalog.format('%I.%I(%s)', s.nspname, p.proname,
                                  pg_catalog.pg_get_function_identity_arguments(p.oid)) AS label
      FROM pg_catalog.pg_proc p JOIN schemas s ON s.oid = p.pronamespace
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype IN ('e', 'i')
                          AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid)
), types AS (
    SELECT t.*, pg_catalog.format('%I.%I', s.nspname, t.typname) AS label
      FROM pg_catalog.pg_type t JOIN schemas s ON s.oid = t.typnamespace
     WHERE t.typtype IN ('e', 'd', 'r')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
                          AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid)
), others AS (
    SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass AS classid, oid FROM pg_catalog.pg_collation
    UNION ALL SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, oid FROM pg_catalog.pg_operator
    UNION ALL SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, oid FROM pg_catalog.pg_opclass
    UNION ALL SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, oid FROM pg_catalog.pg_opfamily
    UNION ALL SELECT 'pg_catalog.pg_conversion'::pg_catalog.regclass, oid FROM pg_catalog.pg_conversion
    UNION ALL SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass, oid FROM pg_catalog.pg_ts_config
    UNION ALL SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, oid FROM pg_catalog.pg_ts_dict
    UNION ALL SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, oid FROM pg_catalog.pg_cast
    UNION ALL SELECT 'pg_catalog.pg_language'::pg_catalog.regclass, oid FROM pg_catalog.pg_language
    UNION ALL SELECT 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, oid
                FROM pg_catalog.pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, oid FROM pg_catalog.pg_foreign_server
), granted AS (
    SELECT 'schema ' || pg_catalog.quote_ident(nspname) AS what,
           coalesce(nspacl, pg_catalog.acldefault('n', nspowner)) AS acl FROM schemas
    UNION ALL
    SELECT kind || ' ' || label, coalesce(relacl, pg_catalog.acldefault(
               CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
      FROM relations WHERE relkind <> 'c'
    UNION ALL
    SELECT 'column ' || r.label || '.' || pg_catalog.quote_ident(a.attname), a.attacl
      FROM relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND NOT a.attisdropped
     WHERE a.attacl IS NOT NULL
    UNION ALL
    SELECT 'function ' || label, coalesce(proacl, pg_catalog.acldefault('f', proowner)) FROM functions
    UNION ALL
    SELECT 'type ' || label, coalesce(typacl, pg_catalog.acldefault('T', typowner)) FROM types
    UNION ALL
    SELECT pg_catalog.concat('default of ', pg_catalog.pg_get_userbyid(defaclrole), ' for ', defaclobjtype::text,
                             ' in ' || defaclnamespace::pg_catalog.regnamespace::text), defaclacl
      FROM pg_catalog.pg_default_acl WHERE defaclnamespace = 0 OR defaclnamespace IN (SELECT oid FROM schemas)
), found AS (
    SELECT 'schema'::text AS kind, pg_catalog.quote_ident(nspname) AS name, ''::text AS definition FROM schemas
    UNION ALL
    SELECT 'owner', 'schema ' || pg_catalog.quote_ident(nspname), pg_catalog.pg_get_userbyid(nspowner) FROM schemas
    UNION ALL
    SELECT 'owner', kind || ' ' || label, pg_catalog.pg_get_userbyid(relowner) FROM relations
    UNION ALL
    SELECT 'owner', 'function ' || label, pg_catalog.pg_get_userbyid(proowner) FROM functions
    UNION ALL
    SELECT 'owner', 'type ' || label, pg_catalog.pg_get_userbyid(typowner) FROM types
    UNION ALL
    SELECT 'access', g.what, pg_catalog.string_agg(
               CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee) END
               || ' ' || x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ', ' ORDER BY
               CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee) END COLLATE "C",
               x.privilege_type COLLATE "C")
      FROM granted g CROSS JOIN LATERAL pg_catalog.aclexplode(g.acl) x
     GROUP BY g.what
    UNION ALL
    SELECT r.kind, r.label, pg_catalog.concat_ws('; ',
               CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
               nullif((SELECT m.amname FROM pg_catalog.pg_am m WHERE m.oid = r.relam), 'heap'),
               'with ' || nullif(ARRAY(SELECT o FROM pg_catalog.unnest(r.reloptions) o ORDER BY o COLLATE "C")::text,
                                 '{}'),
               'partition by ' || pg_catalog.pg_get_partkeydef(r.oid),
               'partition ' || pg_catalog.pg_get_expr(r.relpartbound, r.oid),
               'of ' || nullif(ARRAY(SELECT i.inhparent::pg_catalog.regclass::text FROM pg_catalog.pg_inherits i
                                      WHERE i.inhrelid = r.oid ORDER BY i.inhseqno)::text, '{}'),
               'of type ' || nullif(r.reloftype, 0)::pg_catalog.regtype::text,
               CASE WHEN r.relrowsecurity THEN 'row security' END,
               CASE WHEN r.relforcerowsecurity THEN 'forced' END,
               'replica identity ' || CASE r.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN
                   CASE WHEN r.relkind IN ('r', 'p') THEN 'nothing' END WHEN 'i' THEN 'index' END,
               CASE WHEN r.relkind = 'm' AND NOT r.relispopulated THEN 'not populated' END,
               CASE WHEN r.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(r.oid) END,
               (SELECT pg_catalog.format('%s from %s by %s between %s and %s cache %s%s', q.seqtypid::regtype,
                       q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache,
                       CASE WHEN q.seqcycle THEN ' cycle' ELSE '' END)
                  FROM pg_catalog.pg_sequence q WHERE q.seqrelid = r.oid),
               'owned by ' || (SELECT pg_catalog.format('%s.%I', d.refobjid::pg_catalog.regclass, a.attname)
                  FROM pg_catalog.pg_depend d
                  JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                 WHERE r.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = r.oid
                   AND d.refclassid = d.classid AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') LIMIT 1))
      FROM relations r
    UNION ALL
    SELECT 'column', r.label || '.' || pg_catalog.quote_ident(a.attname), pg_catalog.concat_ws('; ',
               -- A child table's columns may change places in a restore: those that it inherits come first.
               CASE WHEN r.relispartition OR NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = r.oid)
                    THEN (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute b WHERE b.attrelid = r.oid
                             AND b.attnum > 0 AND b.attnum <= a.attnum AND NOT b.attisdropped) END,
               pg_catalog.format_type(a.atttypid, a.atttypmod),
               CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                    THEN 'collate ' || a.attcollation::pg_catalog.regcollation::text END,
               CASE WHEN a.attnotnull THEN 'not null' END,
               'identity ' || nullif(a.attidentity, '')::text,
               'generated ' || nullif(a.attgenerated, '')::text,
               'storage ' || CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END::text,
               'default ' || (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
                               WHERE d.adrelid = r.oid AND d.adnum = a.attnum))
      FROM relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
     WHERE r.relkind <> 'S'
    UNION ALL
    SELECT 'constraint', r.label || '.' || pg_catalog.quote_ident(o.conname), pg_catalog.pg_get_constraintdef(o.oid)
      FROM relations r JOIN pg_catalog.pg_constraint o ON o.conrelid = r.oid
     WHERE o.contype NOT IN ('n', 't') AND (o.contype <> 'f' OR o.conparentid = 0)
    UNION ALL
    SELECT 'index', i.indexrelid::pg_catalog.regclass::text, pg_catalog.concat_ws('; ',
               pg_catalog.pg_get_indexdef(i.indexrelid),
               CASE WHEN i.indisclustered THEN 'clustered' END, CASE WHEN i.indisreplident THEN 'replica identity' END,
               CASE WHEN NOT i.indisvalid THEN 'invalid' END)
      FROM relations r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid
     WHERE i.indisvalid OR r.relkind = 'p'
    UNION ALL
    SELECT 'trigger', r.label || '.' || pg_catalog.quote_ident(t.tgname),
           pg_catalog.concat(pg_catalog.pg_get_triggerdef(t.oid), '; ', t.tgenabled)
      FROM relations r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal AND t.tgparentid = 0
    UNION ALL
    SELECT 'rule', r.label || '.' || pg_catalog.quote_ident(w.rulename),
           pg_catalog.concat(pg_catalog.pg_get_ruledef(w.oid), '; ', w.ev_enabled)
      FROM relations r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid AND w.rulename <> '_RETURN'
    UNION ALL
    SELECT 'policy', r.label || '.' || pg_catalog.quote_ident(p.polname), pg_catalog.concat_ws('; ', p.polcmd::text,
               CASE WHEN NOT p.polpermissive THEN 'restrictive' END,
               ARRAY(SELECT CASE u WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(u) END
                       FROM pg_catalog.unnest(p.polroles) u ORDER BY 1)::text,
               pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
      FROM relations r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT 'type', t.label, pg_catalog.concat_ws('; ',
               'enum ' || CASE t.typtype WHEN 'e' THEN ARRAY(SELECT e.enumlabel FROM pg_catalog.pg_enum e
                   WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)::text END,
               'domain of ' || CASE t.typtype WHEN 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) END,
               CASE WHEN t.typnotnull THEN 'not null' END, 'default ' || t.typdefault,
               nullif(ARRAY(SELECT pg_catalog.concat(o.conname, ' ', pg_catalog.pg_get_constraintdef(o.oid))
                   FROM pg_catalog.pg_constraint o WHERE o.contypid = t.oid AND o.contype = 'c' ORDER BY 1)::text, '{}'),
               'range of ' || (SELECT g.rngsubtype::pg_catalog.regtype::text FROM pg_catalog.pg_range g
                   WHERE g.rngtypid = t.oid))
      FROM types t
    UNION ALL
    SELECT CASE f.prokind WHEN 'a' THEN 'aggregate' ELSE 'function' END, f.label,
           CASE f.prokind WHEN 'a' THEN (SELECT pg_catalog.concat_ws('; ', a.aggtransfn, a.aggfinalfn, a.agginitval,
                    pg_catalog.format_type(a.aggtranstype, NULL)) FROM pg_catalog.pg_aggregate a WHERE a.aggfnoid = f.oid)
                ELSE pg_catalog.pg_get_functiondef(f.oid) END
      FROM functions f
    UNION ALL
    SELECT 'extension', pg_catalog.quote_ident(e.extname),
           pg_catalog.format('%s in %I', e.extversion, e.extnamespace::pg_catalog.regnamespace)
      FROM pg_catalog.pg_extension e WHERE e.extname <> 'plpgsql'
    UNION ALL
    SELECT 'statistics', pg_catalog.format('%I.%I', s.nspname, x.stxname), pg_catalog.pg_get_statisticsobjdef(x.oid)
      FROM pg_catalog.pg_statistic_ext x JOIN schemas s ON s.oid = x.stxnamespace
    UNION ALL
    SELECT 'publication', pg_catalog.quote_ident(p.pubname), pg_catalog.concat_ws('; ',
               CASE WHEN p.puballtables THEN 'all tables' END, CASE WHEN p.pubinsert THEN 'insert' END,
               CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END,
               CASE WHEN p.pubtruncate THEN 'truncate' END,
               nullif(ARRAY(SELECT l.prrelid::pg_catalog.regclass::text FROM pg_catalog.pg_publication_rel l
                             WHERE l.prpubid = p.oid ORDER BY 1)::text, '{}'))
      FROM pg_catalog.pg_publication p
    UNION ALL
    SELECT 'event trigger', pg_catalog.quote_ident(v.evtname), pg_catalog.concat_ws('; ', v.evtevent,
               v.evtfoid::pg_catalog.regprocedure::text, v.evttags::text, v.evtenabled::text)
      FROM pg_catalog.pg_event_trigger v
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
                          AND d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND d.objid = v.oid)
    UNION ALL
    SELECT 'object', pg_catalog.pg_describe_object(o.classid, o.oid, 0), '' FROM others o
     WHERE o.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype IN ('e', 'i')
                                             AND d.classid = o.classid AND d.objid = o.oid)
    UNION ALL
    SELECT 'comment', pg_catalog.pg_describe_object(m.classoid, m.objoid, m.objsubid), m.description
      FROM pg_catalog.pg_description m
     WHERE (m.classoid, m.objoid) IN (
               SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, r.oid FROM relations r
               UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid
                 FROM relations r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid AND i.indisvalid
               UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, o.oid
                 FROM relations r JOIN pg_catalog.pg_constraint o ON o.conrelid = r.oid AND o.contype <> 'n'
               UNION ALL SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid
                 FROM relations r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid AND t.tgparentid = 0
               UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, f.oid FROM functions f
               UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid FROM types t
               UNION ALL SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, s.oid FROM schemas s
                WHERE s.nspname <> 'public')
    UNION ALL
    SELECT 'large objects', '', pg_catalog.count(*)::text FROM pg_catalog.pg_largeobject_metadata
)
SELECT kind, name, definition FROM found ORDER BY kind COLLATE "C", name COLLATE "C", definition COLLATE "C"

-- name: backup_facts
-- needs: none
SELECT d.datname::text AS database,
       current_setting('server_version_num')::int / 10000 AS version,
       current_setting('server_version') AS version_text,
       pg_catalog.pg_encoding_to_char(d.encoding)::text AS encoding,
       d.datcollate::text AS collate,
       d.datctype::text AS ctype,
       coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') AS provider,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale,
       ARRAY(SELECT DISTINCT pg_catalog.pg_get_userbyid(s.refobjid)::text FROM pg_catalog.pg_shdepend s
              WHERE s.dbid = d.oid AND s.refclassid = 'pg_catalog.pg_authid'::regclass ORDER BY 1) AS roles,
       ARRAY(SELECT DISTINCT t.spcname::text FROM pg_catalog.pg_class c
               JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace
              WHERE t.spcname <> 'pg_global' ORDER BY 1) AS tablespaces
FROM pg_catalog.pg_database d WHERE d.datname = current_database()

-- name: backup_cluster
-- needs: EXECUTE ON FUNCTION pg_control_system()
SELECT system_identifier::text FROM pg_catalog.pg_control_system()

-- name: backup_target
-- needs: none
-- What a database to restore into is and has. `held` are objects that somebody made in it.
SELECT current_database()::text AS database,
       current_setting('server_version_num')::int / 10000 AS version,
       current_setting('server_version') AS version_text,
       pg_catalog.pg_is_in_recovery() AS standby,
       current_setting('is_superuser') = 'on' AS superuser,
       current_user::text AS role,
       pg_catalog.pg_encoding_to_char(d.encoding)::text AS encoding,
       pg_catalog.shobj_description(d.oid, 'pg_database') AS comment,
       pg_catalog.pg_has_role(d.datdba, 'USAGE') AS owned,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity a
         WHERE a.datid = d.oid AND a.pid <> pg_catalog.pg_backend_pid()) AS sessions,
       ARRAY(SELECT name::text FROM pg_catalog.pg_available_extensions) AS available,
       ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles) AS roles,
       ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles WHERE pg_catalog.pg_has_role(oid, 'MEMBER')) AS member_of,
       ARRAY(SELECT spcname::text FROM pg_catalog.pg_tablespace) AS tablespaces,
       ARRAY(SELECT name FROM (
           SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
              AND c.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e'
                  AND e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid)
           UNION ALL
           SELECT pg_catalog.format('%I.%I', n.nspname, t.typname)
             FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
            WHERE n.nspname !~ '^pg_' AND t.typtype IN ('e', 'd', 'r') AND t.oid >= 16384
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e'
                  AND e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)
           UNION ALL
           SELECT p.oid::pg_catalog.regprocedure::text
             FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND p.oid >= 16384
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e'
                  AND e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid)
           UNION ALL
           SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_namespace n
            WHERE n.oid >= 16384 AND n.nspname !~ '^pg_' AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_depend e WHERE e.deptype = 'e'
                   AND e.classid = 'pg_catalog.pg_namespace'::regclass AND e.objid = n.oid)
           ) held ORDER BY 1) AS held
FROM pg_catalog.pg_database d WHERE d.datname = current_database()

-- name: backup_may_create
-- needs: none
SELECT (r.rolcreatedb OR r.rolsuper) AND NOT pg_catalog.pg_is_in_recovery() AS may_create
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user

-- name: backup_scratches
-- needs: none
-- Databases of drills that nobody is connected to: those who made them are gone.
SELECT d.datname::text FROM pg_catalog.pg_database d
WHERE d.datname ~ '^migsafe_drill_[0-9a-f]{8}$' AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)
