-- Attributes of an object that stand in no structure of their own: SQL text over `oid` (and `attnum`) of the row `it`,
-- each the value as text, NULL where it is not set (verify/attributes.py).

-- name: verify_attribute_comment
-- needs: none
obj_description(oid, {catalog})

-- name: verify_attribute_column_comment
-- needs: none
col_description(oid, attnum)

-- name: verify_attribute_parameter
-- needs: none
(SELECT o.option_value FROM pg_catalog.pg_class c
             JOIN pg_catalog.pg_class s ON s.oid = CASE WHEN {toast} THEN c.reltoastrelid ELSE c.oid END
             CROSS JOIN LATERAL pg_options_to_table(s.reloptions) AS o
             WHERE c.oid = it.oid AND o.option_name = {option})

-- name: verify_attribute_option
-- needs: none
(SELECT o.option_value FROM pg_catalog.pg_attribute a CROSS JOIN LATERAL pg_options_to_table(a.attoptions) AS o
             WHERE a.attrelid = it.oid AND a.attnum = it.attnum AND o.option_name = {option})

-- name: verify_attribute_statistics_target
-- needs: none
(SELECT nullif(a.attstattarget, -1)::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = it.oid AND a.attnum = it.attnum)

-- name: verify_attribute_storage
-- needs: none
(SELECT CASE WHEN {wanted} = 'default' AND a.attstorage = y.typstorage THEN 'default'
                         ELSE CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main'
                              ELSE 'extended' END END
             FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
             WHERE a.attrelid = it.oid AND a.attnum = it.attnum)

-- name: verify_attribute_compression
-- needs: none
(SELECT CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE 'default' END
             FROM pg_catalog.pg_attribute a WHERE a.attrelid = it.oid AND a.attnum = it.attnum)

-- name: verify_attribute_owner
-- needs: none
(SELECT pg_get_userbyid(o.{owner})::text FROM pg_catalog.{catalog} o WHERE o.oid = it.oid)

-- name: verify_attribute_row_security
-- needs: none
(SELECT CASE WHEN c.{switch} THEN 'on' ELSE 'off' END FROM pg_catalog.pg_class c WHERE c.oid = it.oid)

-- name: verify_attribute_replica_identity
-- needs: none
(SELECT CASE c.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'd' THEN 'default'
             ELSE 'index ' || coalesce((SELECT x.relname FROM pg_catalog.pg_index i
               JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
               WHERE i.indrelid = c.oid AND i.indisreplident), '?') END
             FROM pg_catalog.pg_class c WHERE c.oid = it.oid)

-- name: verify_attribute_clustered_on
-- needs: none
(SELECT x.relname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
             WHERE i.indrelid = it.oid AND i.indisclustered)

-- name: verify_attribute_populated
-- needs: none
(SELECT CASE WHEN c.relispopulated THEN 'true' ELSE 'false' END FROM pg_catalog.pg_class c WHERE c.oid = it.oid)

-- name: verify_attribute_sequence
-- needs: none
(SELECT s.{parameter}::text FROM pg_catalog.pg_sequence s WHERE s.seqrelid = it.oid)

-- name: verify_attribute_privilege
-- needs: none
(SELECT 'granted' FROM pg_catalog.{catalog} o
             CROSS JOIN LATERAL aclexplode(coalesce(o.{acl}, acldefault({kind}, o.{owner}))) AS g
             WHERE o.oid = it.oid AND g.privilege_type = {privilege}
               AND g.grantee = CASE WHEN {role} = 'PUBLIC' THEN 0
                               ELSE (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = {role}) END LIMIT 1)
