-- The locks first, so that waiting for them is bounded and nothing is done yet.
SELECT pg_catalog.set_config('lock_timeout', :'lock_timeout', true);
DO $migsafe$
DECLARE one record;
BEGIN
    FOR one IN SELECT label FROM pg_temp.migsafe_present
                WHERE kind IN ('table', 'view') AND origin <> 'neither' ORDER BY kind, objid LOOP
        EXECUTE pg_catalog.format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', one.label);
    END LOOP;
END
$migsafe$;

-- What stays, with all that hangs on it: DROP … CASCADE below must not reach it.
CREATE TEMPORARY TABLE migsafe_kept AS
WITH kept AS (SELECT classid, objid FROM pg_temp.migsafe_present WHERE origin = 'neither'),
tables AS (SELECT objid FROM kept WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass),
parts AS (
    SELECT classid, objid, 0 AS objsubid FROM kept
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, attrelid, attnum::int FROM pg_catalog.pg_attribute
     WHERE attrelid IN (SELECT objid FROM tables) AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid, 0 FROM pg_catalog.pg_constraint
     WHERE conrelid IN (SELECT objid FROM tables)
    UNION ALL
    SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, oid, 0 FROM pg_catalog.pg_attrdef
     WHERE adrelid IN (SELECT objid FROM tables)
    UNION ALL
    SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, oid, 0 FROM pg_catalog.pg_trigger
     WHERE tgrelid IN (SELECT objid FROM tables) AND NOT tgisinternal
    UNION ALL
    SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, oid, 0 FROM pg_catalog.pg_policy
     WHERE polrelid IN (SELECT objid FROM tables)
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, indexrelid, 0 FROM pg_catalog.pg_index
     WHERE indrelid IN (SELECT objid FROM tables)
)
SELECT *, pg_catalog.pg_describe_object(classid, objid, objsubid) AS what FROM parts;

DO $migsafe$
DECLARE one record; lost text;
BEGIN
    FOR one IN
        SELECT * FROM pg_temp.migsafe_present WHERE origin <> 'neither'
         ORDER BY pg_catalog.array_position(ARRAY['relation', 'function', 'type', 'extension', 'schema'], sort),
                  pg_catalog.array_position(ARRAY['materialized view', 'view', 'table'], kind), objid DESC
    LOOP
        -- Dropped with another one already.
        CONTINUE WHEN pg_catalog.pg_describe_object(one.classid, one.objid, 0) IS NULL;
        EXECUTE CASE one.sort
            WHEN 'function' THEN pg_catalog.format('DROP ROUTINE %s CASCADE', one.objid::pg_catalog.regprocedure)
            ELSE pg_catalog.format('DROP %s %s CASCADE', one.kind, one.label) END;
    END LOOP;
    SELECT pg_catalog.string_agg(what, ', ' ORDER BY what) INTO lost FROM pg_temp.migsafe_kept
     WHERE pg_catalog.pg_describe_object(classid, objid, objsubid) IS DISTINCT FROM what
       AND (objsubid = 0 OR pg_catalog.pg_describe_object(classid, objid, 0) IS NOT NULL);
    IF lost IS NOT NULL THEN
        RAISE EXCEPTION 'not in the backup, and would be lost: %', lost
            USING HINT = 'Save or drop it first, or add --drop-new.';
    END IF;
END
$migsafe$;

-- What ALTER DEFAULT PRIVILEGES has made would be granted on every table that comes back; those of the backup come last.
DO $migsafe$
DECLARE one record; prefix text; kinds text;
BEGIN
    FOR one IN
        SELECT d.*, pg_catalog.pg_get_userbyid(d.defaclrole) AS role FROM pg_catalog.pg_default_acl d
         WHERE pg_catalog.pg_has_role(d.defaclrole, 'USAGE')
    LOOP
        kinds := CASE one.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                                        WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END;
        prefix := pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I', one.role);
        IF one.defaclnamespace <> 0 THEN
            prefix := prefix || ' IN SCHEMA ' || one.defaclnamespace::pg_catalog.regnamespace::text;
        END IF;
        EXECUTE COALESCE((
            SELECT pg_catalog.string_agg(pg_catalog.format('%s REVOKE ALL ON %s FROM %s;', prefix, kinds,
                       CASE x.grantee WHEN 0 THEN 'PUBLIC'
                                      ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END), ' ')
              FROM (SELECT DISTINCT grantee FROM pg_catalog.aclexplode(one.defaclacl)) x), '');
        -- Those of all schemas take the place of PostgreSQL's own (manual, table 5.2), those of one schema add to them.
        IF one.defaclnamespace = 0 THEN
            EXECUTE pg_catalog.format('%s GRANT ALL ON %s TO %I', prefix, kinds, one.role);
            IF one.defaclobjtype IN ('f', 'T') THEN
                EXECUTE pg_catalog.format('%s GRANT ALL ON %s TO PUBLIC', prefix, kinds);
            END IF;
        END IF;
    END LOOP;
END
$migsafe$;

@schemas@
@extensions@

-- Rows of an extension's own tables that pg_dump saves (pg_extension_config_dump) come back with the backup.
DO $migsafe$
DECLARE one record;
BEGIN
    FOR one IN
        SELECT c.oid::pg_catalog.regclass AS relation, e.extcondition[i] AS condition
          FROM pg_catalog.pg_extension e JOIN pg_temp.migsafe_names n ON n.kind = 'extension' AND n.name = e.extname
               CROSS JOIN LATERAL pg_catalog.generate_subscripts(e.extconfig, 1) i
               JOIN pg_catalog.pg_class c ON c.oid = e.extconfig[i] AND c.relkind IN ('r', 'p')
         WHERE EXISTS (SELECT FROM pg_temp.migsafe_rows r JOIN pg_catalog.pg_namespace s ON s.nspname = r.schema
                        WHERE s.oid = c.relnamespace AND r.name = c.relname)
    LOOP
        EXECUTE pg_catalog.format('DELETE FROM ONLY %s %s', one.relation, one.condition);
    END LOOP;
END
$migsafe$;
