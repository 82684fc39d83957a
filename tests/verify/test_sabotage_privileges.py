"""As test_sabotage.py, of privileges: on columns, of a whole schema, by default, and to grant them on."""

import pytest

from fix_postgres import Connection, Role
from fix_verify import Cases, Migrate, Spoilt, assert_each_blocked_alone

# Roles that every server has.
A, B = "pg_monitor", "pg_read_all_stats"
T = "CREATE TABLE t (id int PRIMARY KEY, a text)"
F = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
IN_SCHEMA = f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {A}"

CASES = {
    "on columns": Cases(
        f"GRANT SELECT (a), UPDATE (a) ON t TO {A};; GRANT ALL (id) ON t TO {A};; REVOKE UPDATE (a) ON t FROM {A}",
        "column-there public.t.a",
        (
            Spoilt(
                f"REVOKE SELECT (a) ON t FROM {A}",
                f"SELECT of {A} granted, UPDATE of {A} not set",
                f"SELECT of {A} not",
            ),
            Spoilt(f"GRANT UPDATE (a) ON t TO {A}", f"UPDATE of {A} not set", f"UPDATE of {A} granted"),
        ),
        T,
    ),
    "to grant them on": Cases(
        f"GRANT SELECT, UPDATE ON t TO {A} WITH GRANT OPTION;; REVOKE GRANT OPTION FOR UPDATE ON t FROM {A}",
        "relation-there public.t",
        (
            Spoilt(
                f"REVOKE GRANT OPTION FOR SELECT ON t FROM {A}", "grant option for SELECT", "SELECT of pg_monitor not"
            ),
            Spoilt(
                f"GRANT UPDATE ON t TO {A} WITH GRANT OPTION",
                f"grant option for UPDATE of {A} not set",
                f"grant option for UPDATE of {A} granted",
            ),
        ),
        T,
    ),
    "on all tables of a schema": Cases(
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {A};; REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {B}",
        "relation-there public.t",
        (
            Spoilt(f"REVOKE SELECT ON t FROM {A}", f"SELECT of {A} granted", f"SELECT of {A} not set"),
            Spoilt(f"GRANT DELETE ON t TO {B}", f"DELETE of {B} not set", f"DELETE of {B} granted"),
        ),
        f"{T};; GRANT ALL ON t TO {B}",
    ),
    "on all sequences of a schema": Cases(
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {A}",
        "relation-there public.s",
        (Spoilt(f"REVOKE USAGE ON SEQUENCE s FROM {A}", f"USAGE of {A} granted", f"USAGE of {A} not set"),),
        "CREATE SEQUENCE s",
    ),
    "on all functions of a schema": Cases(
        "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;; "
        f"GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO {A}",
        "function-there public.f()",
        (
            Spoilt("GRANT EXECUTE ON FUNCTION f TO PUBLIC", "EXECUTE of PUBLIC not set", "EXECUTE of PUBLIC granted"),
            Spoilt(f"REVOKE EXECUTE ON FUNCTION f FROM {A}", f"EXECUTE of {A} granted", f"EXECUTE of {A} not set"),
        ),
        F,
    ),
    "on a type": Cases(
        "REVOKE USAGE ON TYPE mood FROM PUBLIC",
        "type-there public.mood",
        (Spoilt("GRANT USAGE ON TYPE mood TO PUBLIC", "USAGE of PUBLIC not set", "USAGE of PUBLIC granted"),),
        "CREATE TYPE mood AS ENUM ('a')",
    ),
    "by default in a schema": Cases(
        IN_SCHEMA,
        "default-privileges-there on tables in schema public",
        (Spoilt(IN_SCHEMA.replace("GRANT", "REVOKE").replace("TO", "FROM"), f"SELECT of {A} granted", "not set"),),
    ),
    "by default of a role": Cases(
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {B} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;; "
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {B} GRANT EXECUTE ON FUNCTIONS TO {A} WITH GRANT OPTION",
        f"default-privileges-there of {B} on functions",
        (
            Spoilt(
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {B} GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
                "EXECUTE of PUBLIC not set",
                "EXECUTE of PUBLIC granted",
            ),
        ),
    ),
    "what a new table has by default": Cases(
        f"{IN_SCHEMA};; {T}",
        "relation-there public.t",
        (Spoilt(f"REVOKE SELECT ON t FROM {A}", f"SELECT of {A} granted", f"SELECT of {A} not set"),),
    ),
    "an owner": Cases(
        f"CREATE SCHEMA app AUTHORIZATION {A}",
        "schema-there app",
        (Spoilt(f"ALTER SCHEMA app OWNER TO {B}", f"owner {A}", f"owner {B}"),),
    ),
}


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
def test_whatever_is_spoilt_of_privileges_is_blocked_alone(
    cases: Cases, migrate: Migrate, connection: Connection
) -> None:
    assert_each_blocked_alone(cases, migrate, connection)


def test_whatever_is_spoilt_of_a_role_is_blocked_alone(migrate: Migrate, connection: Connection, role: Role) -> None:
    one, two = (role().parameters["user"] for _ in range(2))
    new = f"new_{one}"
    cases = Cases(
        f"CREATE ROLE {new} CREATEDB;; GRANT {one}, {two} TO {new};; REVOKE {two} FROM {new};; "
        f"ALTER ROLE {new} NOINHERIT",
        f"role-there {new}",
        (
            Spoilt(f"REVOKE {one} FROM {new}", f"member in {one} true", f"member in {one} not set"),
            Spoilt(f"GRANT {two} TO {new}", f"member in {two} not set", f"member in {two} true"),
            Spoilt(f"ALTER ROLE {new} LOGIN", "is there, createdb true, inherit false", "login true"),
            Spoilt(f"ALTER ROLE {new} NOCREATEDB", "createdb true", "createdb false"),
            Spoilt(f"DROP ROLE {new}", "is there", "is gone"),
        ),
    )
    try:
        assert_each_blocked_alone(cases, migrate, connection)
    finally:
        connection.execute(f"DROP ROLE IF EXISTS {new}".encode())
