"""As test_sabotage.py, of triggers and rules: conditions, arguments, actions."""

import pytest

from fix_postgres import Connection
from fix_verify import Cases, Migrate, Spoilt, assert_each_blocked_alone

T = "CREATE TABLE t (id int PRIMARY KEY, a text, n int NOT NULL DEFAULT 1)"
F = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
U = "CREATE TABLE u (x int, y text)"
PLAIN = "CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
CHANGED = (
    "CREATE TRIGGER tr BEFORE UPDATE OF a ON t FOR EACH ROW "
    "WHEN (OLD.* IS DISTINCT FROM NEW.* AND NEW.a IN ('x', 'y')) EXECUTE FUNCTION f('a', 1, 'b''c')"
)
DEFERRED = (
    "CREATE CONSTRAINT TRIGGER tr AFTER INSERT ON t FROM u DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION f()"
)
TABLES = (
    "CREATE TRIGGER tr AFTER UPDATE ON t REFERENCING OLD TABLE AS o NEW TABLE AS n "
    "FOR EACH STATEMENT EXECUTE FUNCTION f()"
)
ONE = "CREATE RULE r AS ON INSERT TO t DO INSTEAD INSERT INTO u VALUES (NEW.n, NEW.a)"
TWO = (
    "CREATE RULE r AS ON UPDATE TO t WHERE OLD.n > (SELECT max(x) FROM u) "
    "DO ALSO (DELETE FROM u WHERE x = OLD.n; INSERT INTO u SELECT id, a FROM (SELECT NEW.*) AS it)"
)


def other(text: str, old: str, new: str) -> str:
    assert old in text
    return f"DROP TRIGGER tr ON t; {text.replace(old, new)}"


def replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace("CREATE RULE", "CREATE OR REPLACE RULE").replace(old, new)


TRIGGER, RULE = "trigger-there public.t.tr", "rule-there public.t.r"
CASES = {
    "a trigger without a condition": Cases(
        PLAIN,
        TRIGGER,
        (
            Spoilt(
                other(PLAIN, "EXECUTE", "WHEN (pg_trigger_depth() = 0) EXECUTE"),
                "before update for each row, calling public.f",
                "WHEN ((pg_trigger_depth() = 0))",
            ),
            Spoilt(other(PLAIN, "f()", "f('a')"), "calling public.f", "arguments a;"),
            Spoilt("ALTER TABLE t ENABLE REPLICA TRIGGER tr", "calling public.f", "enabled R"),
            Spoilt("ALTER TABLE t ENABLE ALWAYS TRIGGER tr", "calling public.f", "enabled A"),
            Spoilt("ALTER TABLE t DISABLE TRIGGER tr", "calling public.f", "enabled D"),
        ),
        f"{T};; {F}",
    ),
    "a trigger with a condition": Cases(
        CHANGED,
        TRIGGER,
        (
            Spoilt(other(CHANGED, "'y'", "'z'"), "when (old.* IS DISTINCT FROM new.* AND new.a IN ('x', 'y'))", "'z'"),
            Spoilt(other(CHANGED, "OLD.* IS DISTINCT FROM NEW.* AND ", ""), "when (old.*", "WHEN ((new.a"),
            Spoilt(other(CHANGED, "OF a ", "OF a, n "), "update of a", "update of a, n"),
            Spoilt(other(CHANGED, ", 1", ", 2"), "arguments a;1;b'c;", "arguments a;2;b'c;"),
        ),
        f"{T};; {F}",
    ),
    "a constraint trigger": Cases(
        DEFERRED,
        TRIGGER,
        (
            Spoilt(other(DEFERRED, "DEFERRABLE INITIALLY DEFERRED", ""), "initially deferred", "deferral not set"),
            Spoilt(other(DEFERRED, "INITIALLY DEFERRED", ""), "initially deferred", "deferral deferrable"),
            Spoilt(other(DEFERRED, "FROM u", ""), "initially deferred", "INSERT ON public.t DEFERRABLE"),
        ),
        f"{T};; {U};; {F}",
    ),
    "transition tables": Cases(
        TABLES,
        TRIGGER,
        (
            Spoilt(other(TABLES, "OLD TABLE AS o", ""), "transition tables new n, old o", "transition tables new n"),
            Spoilt(other(TABLES, "TABLE AS o", "TABLE AS old_rows"), "old o", "transition tables new n, old old_rows"),
        ),
        f"{T};; {F}",
    ),
    "a function of the server": Cases(
        "CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        TRIGGER,
        (Spoilt(other(PLAIN, "f()", "f()"), "pg_catalog.suppress_redundant_updates_trigger", "calls public.f"),),
        f"{T};; {F}",
    ),
    "the copy that a partition has": Cases(
        "CREATE TRIGGER tr BEFORE INSERT ON p FOR EACH ROW WHEN (NEW.a > 5) EXECUTE FUNCTION f()",
        "trigger-there public.p1.tr",
        (Spoilt("ALTER TABLE p1 DISABLE TRIGGER tr", "when (new.a > 5)", "enabled D"),),
        f"CREATE TABLE p (a int) PARTITION BY RANGE (a);; CREATE TABLE p1 PARTITION OF p DEFAULT;; {F}",
    ),
    "what a rule does": Cases(
        ONE,
        RULE,
        (
            Spoilt(replaced(ONE, "NEW.n", "NEW.id"), "on insert do instead what was written", "VALUES (new.id, new.a)"),
            Spoilt(
                replaced(ONE, "INSERT INTO u VALUES (NEW.n, NEW.a)", "NOTHING"),
                "on insert do instead what was written",
                "DO INSTEAD NOTHING",
            ),
            Spoilt("ALTER TABLE t ENABLE REPLICA RULE r", "on insert do instead", "enabled R"),
        ),
        f"{T};; {U}",
    ),
    "when a rule does it": Cases(
        TWO,
        RULE,
        (
            Spoilt(replaced(TWO, "max(x)", "min(x)"), "where (old.n > (SELECT max(x) FROM u))", "min("),
            Spoilt(replaced(TWO, "x = OLD.n", "x = NEW.n"), "what was written where", "(u.x = new.n)"),
            Spoilt(replaced(TWO, "WHERE OLD.n > (SELECT max(x) FROM u) ", ""), "where (old.n", "CREATE RULE r"),
            Spoilt(replaced(TWO, "DELETE FROM u WHERE x = OLD.n; ", ""), "what was written", "INSERT INTO u"),
        ),
        f"{T};; {U}",
    ),
    "a rule that does nothing": Cases(
        "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING",
        RULE,
        (Spoilt(replaced("CREATE RULE r AS ON DELETE TO t DO INSTEAD SELECT 1", "1", "2"), "nothing", "SELECT 2"),),
        T,
    ),
}


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
def test_whatever_is_spoilt_of_a_trigger_or_a_rule_is_blocked_alone(
    cases: Cases, migrate: Migrate, connection: Connection
) -> None:
    assert_each_blocked_alone(cases, migrate, connection)
