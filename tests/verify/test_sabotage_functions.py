"""As test_sabotage.py, of functions: what they may do, their arguments, settings and bodies."""

import pytest

from fix_postgres import Connection
from fix_verify import Cases, Migrate, Spoilt, assert_each_blocked_alone

H = "CREATE FUNCTION h(a int, b text DEFAULT 'x') RETURNS text LANGUAGE sql {}AS 'SELECT b'"


def again(text: str) -> str:
    return text.replace("CREATE", "CREATE OR REPLACE")


def instead(text: str) -> str:
    return f"DROP FUNCTION h(int, text); {text}"


CASES = {
    "one as by default": Cases(
        H.format(""),
        "function-there public.h(integer, text)",
        (
            Spoilt("ALTER FUNCTION h SECURITY DEFINER", "volatile sql function returning text", "security definer"),
            Spoilt("ALTER FUNCTION h STRICT", "argument names a, b", "strict true"),
            Spoilt("ALTER FUNCTION h LEAKPROOF", "argument names a, b", "leakproof true"),
            Spoilt("ALTER FUNCTION h PARALLEL SAFE", "argument names a, b", "parallel safe"),
            Spoilt("ALTER FUNCTION h COST 10", "argument names a, b", "cost 10"),
            Spoilt("ALTER FUNCTION h SET work_mem = '1MB'", "argument names a, b", "settings work_mem"),
            Spoilt(again(H.format("")).replace("'x'", "'y'"), "defaults 'x'", "b text DEFAULT 'y'::text"),
            Spoilt(instead(H.format("").replace(" DEFAULT 'x'", "")), "defaults 'x'", "argument names a, b"),
            Spoilt(instead(H.format("").replace("a int", "aa int")), "argument names a, b", "argument names aa, b"),
        ),
    ),
    "one with options": Cases(
        H.format(
            "SECURITY DEFINER STRICT LEAKPROOF PARALLEL RESTRICTED COST 0.5 "
            "SET search_path = public, pg_temp SET \"TimeZone\" = 'UTC' "
        ),
        "function-there public.h(integer, text)",
        (
            Spoilt("ALTER FUNCTION h SECURITY INVOKER", "security definer", "security not set"),
            Spoilt("ALTER FUNCTION h CALLED ON NULL INPUT", "strict true", "strict not set"),
            Spoilt("ALTER FUNCTION h NOT LEAKPROOF", "leakproof true", "leakproof not set"),
            Spoilt("ALTER FUNCTION h PARALLEL UNSAFE", "parallel restricted", "parallel not set"),
            Spoilt("ALTER FUNCTION h COST 100", "cost 0.5", "cost 100"),
            Spoilt("ALTER FUNCTION h RESET search_path", "search_path public, pg_temp", "search_path not set"),
            Spoilt("ALTER FUNCTION h SET search_path = pg_temp", "search_path public, pg_temp", "search_path pg_temp"),
            Spoilt("ALTER FUNCTION h SET timezone = 'GMT'", "setting timezone UTC", "setting timezone GMT"),
        ),
    ),
    "one that is altered": Cases(
        "ALTER FUNCTION h SECURITY DEFINER STABLE;; ALTER FUNCTION h(int, text) SET search_path = ''",
        "function-there public.h(integer, text)",
        (
            Spoilt("ALTER FUNCTION h SECURITY INVOKER", "security definer", "security not set"),
            Spoilt("ALTER FUNCTION h VOLATILE", "volatility s", "volatility v"),
            Spoilt("ALTER FUNCTION h RESET ALL", 'setting search_path ""', "setting search_path not set"),
        ),
        H.format(""),
    ),
    "one that gives a table": Cases(
        "CREATE FUNCTION t(a int) RETURNS TABLE (x int, y text) LANGUAGE sql ROWS 5 AS $$SELECT 1, 'a'::text$$",
        "function-there public.t(integer)",
        (
            Spoilt("ALTER FUNCTION t ROWS 50", "rows 5", "rows 50"),
            Spoilt(
                "DROP FUNCTION t; CREATE FUNCTION t(a int) RETURNS TABLE (x int, z text) LANGUAGE sql ROWS 5 "
                "AS $$SELECT 1, 'a'::text$$",
                "argument names a, x, y",
                "argument names a, x, z",
            ),
            Spoilt(
                "DROP FUNCTION t; CREATE FUNCTION t(a int) RETURNS TABLE (x int, y varchar) LANGUAGE sql ROWS 5 "
                "AS $$SELECT 1, 'a'::text$$",
                "setof record",
                "setof record",
            ),
        ),
    ),
    "a body that the server has read": Cases(
        "CREATE TABLE u (a int, n int);; "
        "CREATE FUNCTION s(a int, b int) RETURNS int LANGUAGE sql "
        "BEGIN ATOMIC SELECT n + b FROM u WHERE u.a = s.a; END",
        "function-there public.s(integer, integer)",
        (
            Spoilt(
                "CREATE OR REPLACE FUNCTION s(a int, b int) RETURNS int LANGUAGE sql "
                "BEGIN ATOMIC SELECT n - b FROM u WHERE u.a = s.a; END",
                "with the body that was written",
                "its body",
            ),
        ),
    ),
    "an expression that the server has read": Cases(
        "CREATE FUNCTION r(a int) RETURNS int LANGUAGE sql RETURN a + 1",
        "function-there public.r(integer)",
        (
            Spoilt(
                "CREATE OR REPLACE FUNCTION r(a int) RETURNS int LANGUAGE sql RETURN a + 2",
                "with the body that was written",
                "its body",
            ),
        ),
    ),
}


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
def test_whatever_is_spoilt_of_a_function_is_blocked_alone(
    cases: Cases, migrate: Migrate, connection: Connection
) -> None:
    assert_each_blocked_alone(cases, migrate, connection)
