-- The schema that every script meets, with rows in it: what fails on rows, fails.
CREATE EXTENSION vector;
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE teams (id bigint PRIMARY KEY, title text);
CREATE TABLE users (
    id bigint PRIMARY KEY, email varchar(255), name text, nick varchar(20) DEFAULT 'x', age integer, size positive,
    price numeric(12, 2), body json, at timestamp, seen timestamptz, mood mood, team_id bigint, parent_id integer,
    embedding vector(3), CONSTRAINT users_age_pos CHECK (age > 0) NOT VALID,
    CONSTRAINT name_there CHECK (name IS NOT NULL AND length(name) > 1)
);
CREATE INDEX ix_users_age ON users (age);
CREATE INDEX ix_users_team ON users (team_id);
CREATE INDEX ix_users_age_name ON users (age, name);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint CONSTRAINT fk_user REFERENCES users, note text, amount integer);
CREATE VIEW user_names AS SELECT id, nick FROM users;
CREATE MATERIALIZED VIEW ages AS SELECT id, age FROM users;
CREATE UNIQUE INDEX ages_id ON ages (id);
CREATE TABLE events (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE TABLE events_2026 (id bigint, at date);
INSERT INTO teams SELECT g, 't' FROM generate_series(1, 200) g;
INSERT INTO users SELECT g, 'e' || g, 'name', 'nick', g, g, g, '{}', now(), now(), 'sad', g, g, '[1,2,3]' FROM generate_series(1, 200) g;
INSERT INTO orders SELECT g, g, 'n', g FROM generate_series(1, 200) g;
INSERT INTO events SELECT g, '2025-06-01' FROM generate_series(1, 200) g;
INSERT INTO events_2026 SELECT g, '2026-06-01' FROM generate_series(1, 200) g;
REFRESH MATERIALIZED VIEW ages;

-- Scripts, a blank line between them. Each meets the schema as it is above. A statement may span lines.

ALTER TABLE users ADD COLUMN k integer;

ALTER TABLE users ADD COLUMN k integer DEFAULT -1;

ALTER TABLE users ADD COLUMN k date DEFAULT CURRENT_DATE;

ALTER TABLE users ADD COLUMN k timestamptz DEFAULT now();

ALTER TABLE users ADD COLUMN k timestamptz DEFAULT pg_catalog.now();

ALTER TABLE users ADD COLUMN k timestamp DEFAULT timezone('utc', now());

ALTER TABLE users ADD COLUMN k timestamp DEFAULT (now() AT TIME ZONE 'utc');

ALTER TABLE users ADD COLUMN k timestamptz DEFAULT (now() + interval '1 day');

ALTER TABLE users ADD COLUMN k text DEFAULT lower('ABC');

ALTER TABLE users ADD COLUMN k text NOT NULL DEFAULT 'new';

ALTER TABLE users ADD COLUMN k text[] DEFAULT '{}';

ALTER TABLE users ADD COLUMN k jsonb NOT NULL DEFAULT '{}'::jsonb;

ALTER TABLE users ADD COLUMN k integer GENERATED ALWAYS AS (age * 2) VIRTUAL;

ALTER TABLE users ADD COLUMN k vector(1536);

ALTER TABLE users ADD COLUMN k bigint REFERENCES teams (id);

ALTER TABLE users ADD COLUMN k uuid DEFAULT gen_random_uuid();

ALTER TABLE users ADD COLUMN k uuid[] DEFAULT ARRAY[gen_random_uuid()];

ALTER TABLE users ADD COLUMN k timestamptz DEFAULT clock_timestamp();

ALTER TABLE users ADD COLUMN k double precision DEFAULT random();

ALTER TABLE users ADD COLUMN k bigserial;

ALTER TABLE users ADD COLUMN k bigint GENERATED ALWAYS AS IDENTITY;

ALTER TABLE users ADD COLUMN k integer GENERATED ALWAYS AS (age * 2) STORED;

ALTER TABLE users ADD COLUMN k positive;

ALTER TABLE users ADD COLUMN k integer DEFAULT 1 CHECK (k > 0);

ALTER TABLE users ADD COLUMN k bigint DEFAULT 1 REFERENCES teams (id);

ALTER TABLE users ADD COLUMN k text UNIQUE;

ALTER TABLE users ADD COLUMN k text NOT NULL;

ALTER TABLE users DROP COLUMN nick;

ALTER TABLE users DROP COLUMN age;

ALTER TABLE users RENAME COLUMN name TO full_name;

ALTER TABLE users RENAME TO people;

BEGIN;
ALTER TABLE users RENAME TO people;
CREATE VIEW users AS SELECT * FROM people;
COMMIT;

ALTER INDEX ix_users_age RENAME TO ix_users_years;

CREATE SCHEMA app;
ALTER TABLE users SET SCHEMA app;

ALTER TABLE users ALTER COLUMN email TYPE varchar(500);

ALTER TABLE users ALTER COLUMN email TYPE text;

ALTER TABLE users ALTER COLUMN price TYPE numeric(14, 2);

ALTER TABLE users ALTER COLUMN price TYPE numeric;

ALTER TABLE users ALTER COLUMN embedding TYPE vector;

ALTER TABLE users ALTER COLUMN email TYPE varchar(50);

ALTER TABLE users ALTER COLUMN name TYPE varchar(50);

ALTER TABLE users ALTER COLUMN price TYPE numeric(12, 4);

ALTER TABLE users ALTER COLUMN age TYPE bigint;

ALTER TABLE users ALTER COLUMN body TYPE jsonb;

ALTER TABLE users ALTER COLUMN mood TYPE text;

ALTER TABLE users ALTER COLUMN at TYPE timestamptz USING at AT TIME ZONE 'UTC';

ALTER TABLE users ALTER COLUMN embedding TYPE halfvec(3);

ALTER TABLE users ALTER COLUMN embedding TYPE vector(4);

ALTER TABLE users ALTER COLUMN nick TYPE text;

ALTER TABLE users ALTER COLUMN nick TYPE mood USING nick::mood;

ALTER TABLE users ALTER COLUMN email TYPE varchar(255) COLLATE "C";

ALTER TABLE users ALTER COLUMN age SET DEFAULT 0;

ALTER TABLE users ALTER COLUMN email SET STATISTICS 500;

ALTER TABLE users ALTER COLUMN name SET NOT NULL;

ALTER TABLE users ALTER COLUMN age SET NOT NULL;

ALTER TABLE users ADD CONSTRAINT email_there NOT NULL email NOT VALID;

ALTER TABLE users ADD CONSTRAINT email_there NOT NULL email;

ALTER TABLE users ADD CONSTRAINT email_there CHECK (email IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT email_there;
ALTER TABLE users ALTER COLUMN email SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT email_there;

ALTER TABLE users VALIDATE CONSTRAINT users_age_pos;
ALTER TABLE users ALTER COLUMN email SET NOT NULL;

ALTER TABLE users ADD CONSTRAINT age_small CHECK (age < 1000);

ALTER TABLE users ADD CONSTRAINT age_small CHECK (age < 1000) NOT VALID;

ALTER TABLE users ADD CONSTRAINT age_small CHECK (age < 1000) NOT ENFORCED;

ALTER TABLE users ADD CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES teams (id);

ALTER TABLE users ADD CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES teams (id) NOT VALID;

ALTER TABLE users ADD CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES teams (id) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT fk_team;

ALTER TABLE users ADD CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES teams (id) NOT ENFORCED;

ALTER TABLE users ADD CONSTRAINT fk_team FOREIGN KEY (team_id) REFERENCES teams (id) NOT ENFORCED;
ALTER TABLE users ALTER CONSTRAINT fk_team ENFORCED;

ALTER TABLE users ADD CONSTRAINT fk_name FOREIGN KEY (name) REFERENCES teams (id) NOT VALID;

BEGIN;
ALTER TABLE users ADD CONSTRAINT age_small CHECK (age < 1000) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT age_small;
COMMIT;

ALTER TABLE users ADD CONSTRAINT age_small CHECK (age < 1000) NOT VALID, VALIDATE CONSTRAINT users_age_pos;

ALTER TABLE users ADD CONSTRAINT email_key UNIQUE (email);

CREATE UNIQUE INDEX CONCURRENTLY email_key ON users (email);
ALTER TABLE users ADD CONSTRAINT email_key UNIQUE USING INDEX email_key;

ALTER TABLE users ADD EXCLUDE USING btree (age WITH =);

ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 1000);

ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 1000) NOT VALID;

CREATE INDEX ix_users_name ON users (name);

CREATE UNIQUE INDEX ix_users_email ON users (email);

CREATE INDEX CONCURRENTLY ix_users_name ON users (name);

BEGIN;
CREATE INDEX CONCURRENTLY ix_users_name ON users (name);
COMMIT;

CREATE INDEX CONCURRENTLY ix_users_day ON users (date(seen));

CREATE INDEX ix_users_day ON users (date(seen));

CREATE UNIQUE INDEX CONCURRENTLY ix_users_nick ON users (nick);

CREATE INDEX ix_events_at ON events (at);

CREATE INDEX ix_events_at ON ONLY events (at);

CREATE INDEX CONCURRENTLY ix_events_at ON events (at);

CREATE INDEX ix_embedding ON users USING hnsw (embedding vector_l2_ops);

CREATE INDEX CONCURRENTLY ix_embedding ON users USING hnsw (embedding vector_l2_ops);

CREATE INDEX CONCURRENTLY ix_embedding ON users USING hnsw (embedding);

CREATE TABLE wide (id bigint, embedding vector(3072));
CREATE INDEX ix_wide ON wide USING hnsw (embedding vector_l2_ops);

CREATE TABLE wide (id bigint, embedding vector);
CREATE INDEX ix_wide ON wide USING ivfflat (embedding vector_l2_ops);

CREATE TABLE IF NOT EXISTS users (id bigint);
CREATE INDEX ix_users_name ON users (name);

BEGIN;
DROP INDEX CONCURRENTLY ix_users_age;
COMMIT;

DROP INDEX CONCURRENTLY ix_users_age;

DROP INDEX users_pkey;

REINDEX INDEX ix_users_age;

REINDEX INDEX CONCURRENTLY ix_users_age;

BEGIN;
REINDEX INDEX CONCURRENTLY ix_users_age;
COMMIT;

CREATE TABLE fresh (id bigint PRIMARY KEY, code bigint, team_id bigint);
CREATE INDEX ix_fresh_code ON fresh (code);

BEGIN;
CREATE TABLE fresh (id bigint PRIMARY KEY, code bigint, team_id bigint);
ALTER TABLE fresh ALTER COLUMN code SET NOT NULL;
ALTER TABLE fresh ALTER COLUMN code TYPE text;
ALTER TABLE fresh ADD COLUMN token uuid DEFAULT gen_random_uuid();
ALTER TABLE fresh ADD COLUMN slug text UNIQUE;
ALTER TABLE fresh ADD COLUMN other bigint REFERENCES teams (id);
ALTER TABLE fresh DROP COLUMN code;
ALTER TABLE fresh RENAME TO renamed;
CREATE INDEX ix_renamed ON renamed (team_id);
DROP TABLE renamed;
COMMIT;

BEGIN;
CREATE TABLE copied AS SELECT id, age FROM users;
CREATE INDEX ix_copied_age ON copied (age);
COMMIT;

BEGIN;
CREATE MATERIALIZED VIEW old_ages AS SELECT age FROM users;
CREATE INDEX ix_old_ages ON old_ages (age);
COMMIT;

DROP TABLE orders;

DROP TABLE users;

DROP TABLE teams CASCADE;

DROP VIEW user_names;

DROP TYPE mood;

DROP TYPE mood CASCADE;

DROP EXTENSION vector CASCADE;

DROP SCHEMA public CASCADE;

TRUNCATE orders;

TRUNCATE users CASCADE;

DELETE FROM orders;

DELETE FROM orders WHERE true;

WITH gone AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM gone;

UPDATE users SET nick = 'y';

UPDATE users SET nick = 'y' WHERE id = 7;

MERGE INTO users u USING teams t ON u.team_id = t.id WHEN MATCHED THEN UPDATE SET nick = t.title;

INSERT INTO teams VALUES (1001, 'a'), (1002, 'b');

BEGIN;
ALTER TABLE users ADD COLUMN k text;
UPDATE users SET k = 'x';
COMMIT;

BEGIN;
UPDATE users SET team_id = 2 WHERE id = 7;
ALTER TABLE users ADD COLUMN k text;
COMMIT;

BEGIN;
ALTER TYPE mood ADD VALUE 'calm';
UPDATE users SET mood = 'calm' WHERE id = 7;
COMMIT;

ALTER TYPE mood ADD VALUE 'calm';
UPDATE users SET mood = 'calm' WHERE id = 7;

ALTER TYPE mood ADD VALUE IF NOT EXISTS 'calm' BEFORE 'happy';

VACUUM FULL users;

BEGIN;
VACUUM users;
COMMIT;

CLUSTER users USING users_pkey;

ALTER TABLE users SET UNLOGGED;

ALTER TABLE users SET (fillfactor = 90);

REFRESH MATERIALIZED VIEW ages;

REFRESH MATERIALIZED VIEW CONCURRENTLY ages;

BEGIN;
REFRESH MATERIALIZED VIEW CONCURRENTLY ages;
COMMIT;

ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');

ALTER TABLE events_2026 ADD CONSTRAINT in_2026 CHECK (at IS NOT NULL AND at >= '2026-01-01' AND at < '2027-01-01') NOT VALID;
ALTER TABLE events_2026 VALIDATE CONSTRAINT in_2026;

ALTER TABLE events DETACH PARTITION events_2025 CONCURRENTLY;

DO $$ BEGIN ALTER TABLE users ALTER COLUMN age TYPE bigint; END $$;

DO $$ BEGIN DROP TABLE orders; END $$;

DO $$ BEGIN PERFORM 1; END $$;

SELECT set_config('lock_timeout', '5s', false);
ALTER TABLE users ADD COLUMN k integer;

SET lock_timeout = '2s';
SET statement_timeout = '30s';
ALTER TABLE users ADD COLUMN k integer;

ALTER TABLE users ALTER COLUMN parent_id TYPE integer;

CREATE TABLE notes (id bigint PRIMARY KEY, user_id bigint UNIQUE REFERENCES users (id));

COMMENT ON TABLE users IS 'people';

CREATE OR REPLACE VIEW user_names AS SELECT id, nick FROM users;

GRANT SELECT ON users TO pg_monitor;

CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1';

CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY);
