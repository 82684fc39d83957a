-- What is in the backup, what the migration made, and what is in the database now.
SET client_min_messages = warning;
SET row_security = off;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TEMPORARY TABLE migsafe_names (kind text, schema text, name text, origin text);
CREATE TEMPORARY TABLE migsafe_rows (schema text, name text, rows bigint);
@names@
@rows@

CREATE TEMPORARY TABLE migsafe_present AS
WITH of_extensions AS (
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), schemas AS (
    SELECT oid, nspname, nspowner FROM pg_catalog.pg_namespace
     WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
), found AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid AS classid, c.oid AS objid, 'relation' AS sort,
           CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
                          WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind,
           s.nspname AS schema, c.relname AS name, pg_catalog.pg_has_role(c.relowner, 'USAGE') AS mine
      FROM pg_catalog.pg_class c JOIN schemas s ON s.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       AND NOT (c.relkind = 'S' AND EXISTS (
           SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
              AND d.objid = c.oid AND d.refclassid = d.classid AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')))
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::oid, t.oid, 'type', 'type', s.nspname, t.typname,
           pg_catalog.pg_has_role(t.typowner, 'USAGE')
      FROM pg_catalog.pg_type t JOIN schemas s ON s.oid = t.typnamespace
      LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
     WHERE t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c'
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::oid, p.oid, 'function', 'routine', s.nspname, p.proname,
           pg_catalog.pg_has_role(p.proowner, 'USAGE')
      FROM pg_catalog.pg_proc p JOIN schemas s ON s.oid = p.pronamespace
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
                          AND d.deptype = 'i')
    UNION ALL
    SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::oid, s.oid, 'schema', 'schema', '', s.nspname,
           pg_catalog.pg_has_role(s.nspowner, 'USAGE')
      FROM schemas s WHERE s.nspname <> 'public'
    UNION ALL
    SELECT 'pg_catalog.pg_extension'::pg_catalog.regclass::oid, e.oid, 'extension', 'extension', '', e.extname,
           pg_catalog.pg_has_role(e.extowner, 'USAGE')
      FROM pg_catalog.pg_extension e WHERE e.extname <> 'plpgsql'
)
SELECT f.*, CASE WHEN f.schema = '' THEN pg_catalog.quote_ident(f.name)
                 ELSE pg_catalog.format('%I.%I', f.schema, f.name) END AS label,
       COALESCE((SELECT pg_catalog.min(n.origin) FROM pg_temp.migsafe_names n
                  WHERE n.kind = f.sort AND n.schema = f.schema AND n.name = f.name), 'neither') AS origin
  FROM found f
 WHERE NOT EXISTS (SELECT FROM of_extensions x WHERE x.classid = f.classid AND x.objid = f.objid);

-- Extensions and schemas of the backup are not replaced.
DELETE FROM pg_temp.migsafe_present WHERE sort IN ('extension', 'schema') AND origin = 'backup';
UPDATE pg_temp.migsafe_present SET origin = 'new'
 WHERE origin = 'neither' AND :'drop_new' = 'on';
