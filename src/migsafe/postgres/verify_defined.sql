-- What stands in the definition of an object: SQL text over `oid` (and `attnum`) of the row `it`, each the value as
-- text, NULL where it is as by default (verify/defined.py).

-- name: verify_defined_trigger_update_of
-- needs: none
(SELECT string_agg(a.attname, ', ' ORDER BY a.attname COLLATE "C") FROM pg_catalog.pg_trigger t
             JOIN pg_catalog.pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr::int2[])
             WHERE t.oid = it.oid)

-- name: verify_defined_trigger_transition_tables
-- needs: none
(SELECT nullif(concat_ws(', ', 'new ' || t.tgnewtable, 'old ' || t.tgoldtable), '')
             FROM pg_catalog.pg_trigger t WHERE t.oid = it.oid)

-- name: verify_defined_trigger_deferral
-- needs: none
(SELECT CASE WHEN t.tginitdeferred THEN 'initially deferred' WHEN t.tgdeferrable THEN 'deferrable' END
             FROM pg_catalog.pg_trigger t WHERE t.oid = it.oid)

-- name: verify_defined_trigger_arguments
-- needs: none
(SELECT nullif(replace(encode(t.tgargs, 'escape'), '\000', ';'), '')
             FROM pg_catalog.pg_trigger t WHERE t.oid = it.oid)

-- name: verify_defined_trigger_calls
-- needs: none
function

-- name: verify_defined_constraint_operators
-- needs: none
(SELECT string_agg(o.oprname, ', ' ORDER BY u.place) FROM pg_catalog.pg_constraint k
             CROSS JOIN unnest(k.conexclop) WITH ORDINALITY AS u(operator, place)
             JOIN pg_catalog.pg_operator o ON o.oid = u.operator WHERE k.oid = it.oid)

-- name: verify_defined_constraint_set_on_delete
-- needs: none
(SELECT string_agg(a.attname, ', ' ORDER BY a.attname COLLATE "C") FROM pg_catalog.pg_constraint k
             CROSS JOIN jsonb_array_elements_text(nullif(to_jsonb(k)->'confdelsetcols', 'null')) AS u(number)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number::int2
             WHERE k.oid = it.oid)

-- name: verify_defined_constraint_period
-- needs: none
(SELECT nullif(to_jsonb(k)->>'conperiod', 'false') FROM pg_catalog.pg_constraint k WHERE k.oid = it.oid)

-- name: verify_defined_function_security
-- needs: none
(SELECT CASE WHEN p.prosecdef THEN 'definer' END FROM pg_catalog.pg_proc p WHERE p.oid = it.oid)

-- name: verify_defined_function_strict
-- needs: none
(SELECT CASE WHEN p.proisstrict THEN 'true' END FROM pg_catalog.pg_proc p WHERE p.oid = it.oid)

-- name: verify_defined_function_leakproof
-- needs: none
(SELECT CASE WHEN p.proleakproof THEN 'true' END FROM pg_catalog.pg_proc p WHERE p.oid = it.oid)

-- name: verify_defined_function_parallel
-- needs: none
(SELECT CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' END
             FROM pg_catalog.pg_proc p WHERE p.oid = it.oid)

-- name: verify_defined_function_volatility
-- needs: none
(SELECT p.provolatile::text FROM pg_catalog.pg_proc p WHERE p.oid = it.oid)

-- name: verify_defined_function_cost
-- needs: none
(SELECT trim_scale(p.procost::numeric)::text FROM pg_catalog.pg_proc p WHERE p.oid = it.oid)

-- name: verify_defined_function_rows
-- needs: none
(SELECT trim_scale(p.prorows::numeric)::text FROM pg_catalog.pg_proc p WHERE p.oid = it.oid)

-- name: verify_defined_function_argument_names
-- needs: none
(SELECT array_to_string(p.proargnames, ', ') FROM pg_catalog.pg_proc p WHERE p.oid = it.oid)

-- name: verify_defined_function_argument_modes
-- needs: none
(SELECT array_to_string(p.proargmodes, '') FROM pg_catalog.pg_proc p WHERE p.oid = it.oid)

-- name: verify_defined_function_setting
-- needs: none
(SELECT substr(u.setting, strpos(u.setting, '=') + 1) FROM pg_catalog.pg_proc p
             CROSS JOIN unnest(p.proconfig) AS u(setting)
             WHERE p.oid = it.oid AND lower(split_part(u.setting, '=', 1)) = {setting})

-- name: verify_defined_relation_columns
-- needs: none
(SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = it.oid AND a.attnum > 0 AND NOT a.attisdropped)

-- name: verify_defined_relation_partition_classes
-- needs: none
-- The default operator class of a type is named where it was written.
(SELECT string_agg(CASE WHEN o.opcdefault AND o.opcname <> ALL (string_to_array({wanted}, ', ')) THEN ''
                                     ELSE o.opcname END, ', ' ORDER BY u.place)
             FROM pg_catalog.pg_partitioned_table p
             CROSS JOIN unnest(p.partclass::oid[]) WITH ORDINALITY AS u(class, place)
             JOIN pg_catalog.pg_opclass o ON o.oid = u.class WHERE p.partrelid = it.oid
             HAVING {wanted} <> '' OR bool_or(NOT o.opcdefault))

-- name: verify_defined_relation_tablespace
-- needs: none
(SELECT s.spcname::text FROM pg_catalog.pg_class c CROSS JOIN pg_catalog.pg_tablespace s
             WHERE c.oid = it.oid AND s.oid = coalesce(nullif(c.reltablespace, 0), (SELECT d.dattablespace
               FROM pg_catalog.pg_database d WHERE d.datname = current_database())))

-- name: verify_defined_relation_data_type
-- needs: none
(SELECT format_type(s.seqtypid, NULL) FROM pg_catalog.pg_sequence s WHERE s.seqrelid = it.oid)

-- name: verify_defined_relation_owned_by
-- needs: none
(SELECT n.nspname || '.' || t.relname || '.' || a.attname FROM pg_catalog.pg_depend d
             JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
             JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
             JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
             WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = it.oid AND d.deptype IN ('a', 'i')
               AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0)

-- name: verify_defined_index_statistics_target
-- needs: none
(SELECT nullif(a.attstattarget, -1)::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = it.oid AND a.attnum = {number})

-- name: verify_defined_publication_operations
-- needs: none
(SELECT concat_ws(', ', CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubinsert THEN 'insert' END,
                              CASE WHEN p.pubtruncate THEN 'truncate' END, CASE WHEN p.pubupdate THEN 'update' END)
             FROM pg_catalog.pg_publication p WHERE p.oid = it.oid)

-- name: verify_defined_publication_via_root
-- needs: none
(SELECT p.pubviaroot::text FROM pg_catalog.pg_publication p WHERE p.oid = it.oid)

-- name: verify_defined_publication_everything
-- needs: none
(SELECT p.puballtables::text FROM pg_catalog.pg_publication p WHERE p.oid = it.oid)

-- name: verify_defined_publication_schemas
-- needs: none
(SELECT string_agg(n.nspname, ', ' ORDER BY n.nspname COLLATE "C") FROM pg_catalog.pg_publication_namespace s
             JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = it.oid)

-- name: verify_defined_publication_columns
-- needs: none
-- Tables of which only some columns are published: a list of columns is new in 15.
(SELECT string_agg(n.nspname || '.' || c.relname || ' (' || (
                 SELECT string_agg(a.attname, ', ' ORDER BY a.attname COLLATE "C") FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum IN (
                   SELECT u.number::int2 FROM jsonb_array_elements_text(to_jsonb(r)->'prattrs') AS u(number))) || ')', ', '
               ORDER BY (n.nspname || '.' || c.relname) COLLATE "C")
             FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE r.prpubid = it.oid AND to_jsonb(r)->>'prattrs' IS NOT NULL)

-- name: verify_defined_publication_filtered
-- needs: none
(SELECT string_agg(n.nspname || '.' || c.relname, ', ' ORDER BY (n.nspname || '.' || c.relname) COLLATE "C")
             FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE r.prpubid = it.oid AND to_jsonb(r)->>'prqual' IS NOT NULL)

-- name: verify_defined_statistics_kinds
-- needs: none
(SELECT string_agg(k::text, '' ORDER BY k::text COLLATE "C") FROM pg_catalog.pg_statistic_ext s
             CROSS JOIN unnest(s.stxkind) AS k WHERE s.oid = it.oid)

-- name: verify_defined_statistics_target
-- needs: none
(SELECT nullif(s.stxstattarget, -1)::text FROM pg_catalog.pg_statistic_ext s WHERE s.oid = it.oid)

-- name: verify_defined_type_not_null
-- needs: none
(SELECT t.typnotnull::text FROM pg_catalog.pg_type t WHERE t.oid = it.oid)

-- name: verify_defined_type_subtype
-- needs: USAGE on the schema of the type
(SELECT CASE WHEN r.rngsubtype = to_regtype({wanted}) THEN {wanted} ELSE format_type(r.rngsubtype, NULL) END
             FROM pg_catalog.pg_range r WHERE r.rngtypid = it.oid)

-- name: verify_defined_type_comment
-- needs: none
(SELECT obj_description(k.oid, 'pg_constraint') FROM pg_catalog.pg_constraint k
             WHERE k.contypid = it.oid AND k.conname = {constraint})

-- name: verify_defined_grant_option
-- needs: none
(SELECT 'granted' FROM pg_catalog.{catalog} o
             CROSS JOIN LATERAL aclexplode(coalesce(o.{acl}, acldefault({kind}, o.{owner}))) AS g
             WHERE o.oid = it.oid AND g.privilege_type = {privilege} AND g.is_grantable
               AND g.grantee = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = {role}) LIMIT 1)

-- name: verify_attribute_column_privilege
-- needs: none
(SELECT 'granted' FROM pg_catalog.pg_attribute o CROSS JOIN LATERAL aclexplode(o.attacl) AS g
             WHERE o.attrelid = it.oid AND o.attnum = it.attnum AND g.privilege_type = {privilege}
               AND g.is_grantable >= {grantable}
               AND g.grantee = CASE WHEN {role} = 'PUBLIC' THEN 0
                               ELSE (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = {role}) END LIMIT 1)

-- name: verify_default_privileges
-- needs: none
WITH it AS (SELECT 0 AS oid)
SELECT bool_and({conditions}) AS ok, min('default privileges' || {also}) AS found
FROM it

-- name: verify_default_privilege
-- needs: none
-- Without a row of their own they are those that are built in, and none for a single schema.
(SELECT 'granted' FROM pg_catalog.pg_roles o
             LEFT JOIN pg_catalog.pg_default_acl d ON d.defaclrole = o.oid AND d.defaclobjtype = {type}
               AND d.defaclnamespace = {namespace}
             CROSS JOIN LATERAL aclexplode(coalesce(d.defaclacl, {built_in})) AS g
             WHERE {maker} AND g.privilege_type = {privilege} AND g.is_grantable >= {grantable}
               AND g.grantee = CASE WHEN {role} = 'PUBLIC' THEN 0
                               ELSE (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = {role}) END LIMIT 1)

-- name: verify_role
-- needs: none
WITH it AS (SELECT (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = {name}) AS oid)
SELECT bool_and({conditions}) AS ok, min('role' || {also}) AS found
FROM it

-- name: verify_defined_role_is
-- needs: none
CASE WHEN oid IS NULL THEN 'gone' ELSE 'there' END

-- name: verify_defined_role_switch
-- needs: none
(SELECT (to_jsonb(r)->>{switch}) FROM pg_catalog.pg_roles r WHERE r.oid = it.oid)

-- name: verify_defined_role_member
-- needs: none
(SELECT 'true' FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
             WHERE m.member = it.oid AND r.rolname = {role} LIMIT 1)

-- name: verify_presence_role
-- needs: none
SELECT 'role ' || r.rolname AS what FROM pg_catalog.pg_roles r WHERE r.rolname = {name}
