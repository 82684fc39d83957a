"""As test_sabotage.py, of indexes and constraints."""

import pytest

from fix_postgres import Connection
from fix_verify import Case, Migrate, assert_blocked_alone

TABLE = "CREATE TABLE t (id int PRIMARY KEY, a text, b int NOT NULL DEFAULT 1)"
PARENT = "CREATE TABLE parents (id int PRIMARY KEY, code text UNIQUE)"


CASES = {
    "another method": Case(
        ("CREATE INDEX ix ON t USING hash (a)",),
        "DROP INDEX ix; CREATE INDEX ix ON t USING btree (a)",
        "index-there public.ix",
        "valid hash index on public.t (a)",
        "CREATE INDEX ix ON public.t USING btree (a)",
        (TABLE,),
    ),
    "other columns": Case(
        ("CREATE INDEX ix ON t (a, lower(a), b DESC) INCLUDE (id) WHERE b > 3",),
        "DROP INDEX ix; CREATE INDEX ix ON t (a, b, lower(a)) INCLUDE (id) WHERE b > 3",
        "index-there public.ix",
        "btree index on public.t (a, (expression), b) include (id) where b > 3",
        "(a, b, lower(a))",
        (TABLE,),
    ),
    "not unique": Case(
        ("CREATE UNIQUE INDEX ix ON t (a)",),
        "DROP INDEX ix; CREATE INDEX ix ON t (a)",
        "index-there public.ix",
        "valid unique btree index",
        "CREATE INDEX ix",
        (TABLE,),
    ),
    "not partial": Case(
        ("CREATE INDEX ix ON t (a) WHERE a IS NOT NULL",),
        "DROP INDEX ix; CREATE INDEX ix ON t (a)",
        "index-there public.ix",
        "where a IS NOT NULL",
        "USING btree (a)",
        (TABLE,),
    ),
    "no hnsw index": Case(
        ("CREATE INDEX CONCURRENTLY ix ON t USING hnsw (e vector_cosine_ops)",),
        "DROP INDEX ix",
        "index-there public.ix",
        "valid hnsw index on public.t (e)",
        "no such index",
        ("CREATE EXTENSION vector", "CREATE TABLE t (e vector(3))"),
    ),
    "on another table": Case(
        ("CREATE INDEX ix ON t (b)",),
        "DROP INDEX ix; CREATE TABLE other (b int); CREATE INDEX ix ON other (b)",
        "index-there public.ix",
        "on public.t (b)",
        "ON public.other",
        (TABLE,),
    ),
    "an index that is still there": Case(
        ("DROP INDEX ix",),
        "CREATE INDEX ix ON t (b)",
        "index-gone public.ix",
        "gone",
        "CREATE INDEX ix ON public.t",
        (TABLE, "CREATE INDEX ix ON t (b)"),
    ),
    "a check that was not validated": Case(
        ("ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0)",),
        "ALTER TABLE t DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (b > 0) NOT VALID",
        "constraint-there public.t.positive",
        "check (b > 0), validated",
        "CHECK ((b > 0)) NOT VALID (not validated)",
        (TABLE,),
    ),
    "a validation that is lost": Case(
        ("ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0) NOT VALID", "ALTER TABLE t VALIDATE CONSTRAINT positive"),
        "ALTER TABLE t DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (b > 0) NOT VALID",
        "constraint-there public.t.positive",
        "check (b > 0), validated",
        "(not validated)",
        (TABLE,),
    ),
    "a NOT VALID that is gone": Case(
        ("ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0) NOT VALID",),
        "ALTER TABLE t DROP CONSTRAINT positive",
        "constraint-there public.t.positive",
        "not validated, as written",
        "no such constraint",
        (TABLE,),
    ),
    "a foreign key to another table": Case(
        ("ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (b) REFERENCES parents (id)",),
        "CREATE TABLE others (id int PRIMARY KEY);"
        "ALTER TABLE t DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (b) REFERENCES others (id)",
        "constraint-there public.t.fk",
        "foreign key (b) references public.parents (id), validated",
        "FOREIGN KEY (b) REFERENCES others(id)",
        (PARENT, TABLE),
    ),
    "a unique constraint of another kind": Case(
        ("ALTER TABLE t ADD CONSTRAINT u UNIQUE (a, b)",),
        "ALTER TABLE t DROP CONSTRAINT u, ADD CONSTRAINT u CHECK (b > 0)",
        "constraint-there public.t.u",
        "unique (a, b), validated",
        "CHECK ((b > 0))",
        (TABLE,),
    ),
    "a constraint that is still there": Case(
        ("ALTER TABLE t DROP CONSTRAINT positive",),
        "ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 1)",
        "constraint-gone public.t.positive",
        "gone",
        "CHECK ((b > 1))",
        (TABLE, "ALTER TABLE t ADD CONSTRAINT positive CHECK (b > 0)"),
    ),
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=name, marks=[pytest.mark.pgvector] if "CREATE EXTENSION vector" in case.setup else [])
        for name, case in CASES.items()
    ],
)
def test_what_was_migrated_passes_and_what_is_spoilt_is_blocked_alone(
    case: Case, migrate: Migrate, connection: Connection
) -> None:
    assert_blocked_alone(case, migrate, connection)
