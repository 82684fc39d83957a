-- Counts the rows of every table of the backup; an extension's own tables may hold more.
CREATE FUNCTION pg_temp.migsafe_count() RETURNS void LANGUAGE plpgsql AS $migsafe$
DECLARE one record; found bigint; wrong text := '';
BEGIN
    FOR one IN
        SELECT r.* FROM pg_temp.migsafe_rows r JOIN pg_temp.migsafe_names n
            ON n.kind = 'relation' AND n.origin = 'backup' AND n.schema = r.schema AND n.name = r.name
    LOOP
        EXECUTE pg_catalog.format('SELECT count(*) FROM ONLY %I.%I', one.schema, one.name) INTO found;
        IF found <> one.rows THEN
            wrong := wrong || pg_catalog.format(' %I.%I has %s rows instead of %s;', one.schema, one.name, found, one.rows);
        END IF;
    END LOOP;
    IF wrong <> '' THEN
        RAISE EXCEPTION 'the rows are not those of the backup:%', wrong;
    END IF;
END
$migsafe$;
CREATE FUNCTION pg_temp.migsafe_before_commit() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_temp.migsafe_count(); RETURN NULL; END';
-- A deferred trigger runs as part of COMMIT, which pg_restore writes; when it raises, all is rolled back.
CREATE TEMPORARY TABLE migsafe_restored (done boolean);
CREATE CONSTRAINT TRIGGER migsafe_before_commit AFTER INSERT ON pg_temp.migsafe_restored
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pg_temp.migsafe_before_commit();
INSERT INTO pg_temp.migsafe_restored VALUES (true);
