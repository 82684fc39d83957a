-- What is not as it was recorded when the backup was made; texts of expressions without casts, brackets and layout.
SET client_min_messages = warning;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false), pg_catalog.set_config('TimeZone', 'UTC', false),
       pg_catalog.set_config('DateStyle', 'ISO', false), pg_catalog.set_config('IntervalStyle', 'postgres', false)
 \g /dev/null
CREATE TEMPORARY TABLE migsafe_recorded (kind text, name text, definition text);
COPY pg_temp.migsafe_recorded FROM STDIN;
@recorded@
\.
CREATE TEMPORARY TABLE migsafe_found AS
@catalog@;
CREATE FUNCTION pg_temp.meaning(kind text, definition text) RETURNS text LANGUAGE sql AS $migsafe$
    SELECT CASE WHEN kind IN ('constraint', 'column', 'index', 'policy', 'view', 'materialized view', 'trigger', 'rule',
                              'type', 'table')
        THEN pg_catalog.regexp_replace(pg_catalog.regexp_replace(definition,
                '::(("[^"]+"|\w+)\.)?("[^"]+"|[a-z_]\w*( (varying|precision|with(out)? time zone))?)', '', 'g'),
                '\(\d+(,\d+)?\)(?=[\[:)\s,]|$)|\[\]|[()\s]', '', 'g')
        ELSE definition END
$migsafe$;
SELECT CASE WHEN f.kind IS NULL THEN pg_catalog.concat_ws(' ', r.kind, nullif(r.name, ''), 'is missing')
            WHEN r.kind IS NULL THEN pg_catalog.concat_ws(' ', f.kind, nullif(f.name, ''), 'is not in the backup')
            ELSE pg_catalog.concat_ws(' ', r.kind, nullif(r.name, ''), 'is', pg_catalog.left(
                     pg_catalog.regexp_replace(f.definition, '\s+', ' ', 'g'), 160), 'and was', pg_catalog.left(
                     pg_catalog.regexp_replace(r.definition, '\s+', ' ', 'g'), 160)) END
  FROM pg_temp.migsafe_recorded r FULL JOIN pg_temp.migsafe_found f ON f.kind = r.kind AND f.name = r.name
 WHERE (f.kind IS NULL OR r.kind IS NULL OR f.definition <> r.definition
                       AND pg_temp.meaning(f.kind, f.definition) <> pg_temp.meaning(r.kind, r.definition))
   AND coalesce(r.kind, f.kind) <> ALL (pg_catalog.string_to_array(:'without', '|'))
   AND (r.kind IS NOT NULL OR :'additions' = 'on')
 ORDER BY 1;
