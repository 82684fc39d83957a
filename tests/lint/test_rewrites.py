"""The safe form of a statement: it ends in the same schema, and lint has nothing against it."""

import pytest

from migsafe.lint import all_rules, lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.catalog import Catalog
from migsafe.model.findings import Finding
from migsafe.model.rewrite import Part, Rewrite

TABLES = """
CREATE TABLE users (id bigint PRIMARY KEY, email text);
CREATE TABLE orders (id bigint PRIMARY KEY, note text NOT NULL, number text, user_id bigint);
CREATE TABLE parts (id bigint) PARTITION BY RANGE (id);
CREATE INDEX ix_old ON orders (note);
CREATE MATERIALIZED VIEW totals AS SELECT id FROM orders;
CREATE UNIQUE INDEX totals_id ON totals (id);
"""

STATEMENTS = (
    "CREATE INDEX ix ON orders (note)",
    "CREATE UNIQUE INDEX ix ON orders (lower(note) DESC) INCLUDE (number) WHERE number IS NOT NULL",
    "DROP INDEX ix_old",
    "REINDEX TABLE orders",
    "REFRESH MATERIALIZED VIEW totals",
    "ALTER TABLE orders ADD UNIQUE NULLS NOT DISTINCT (number) INCLUDE (note) DEFERRABLE INITIALLY DEFERRED",
    "ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD COLUMN x int",
    "ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0)",
    "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE",
    "ALTER TABLE users ALTER email SET NOT NULL",
)


def _found(script: str, catalog: Catalog) -> list[Finding]:
    return [each for each in lint(plan_of(script, catalog)[0], catalog) if each.rewrite is not None]


def _scripts(rewrite: Rewrite) -> list[str]:
    """What the revisions send, one script a revision."""
    return [_script(part) for part in (rewrite.first, rewrite.second) if part.sql]


def _script(part: Part) -> str:
    concurrent = "".join(f"{line.sql};\n" for line in part.concurrent)
    statements = "".join(f"{line.sql};\n" for line in part.statements if line.sql)
    return f"{concurrent}BEGIN;\n{statements}COMMIT;\n" if statements else concurrent


def _schema(catalog: Catalog) -> object:
    """What of a catalog the way there does not change: not how its texts are spelled."""
    indexes = {
        i.name: (i.relation, i.columns, i.unique, i.valid, i.included, i.mentions) for i in catalog.indexes.values()
    }
    return catalog.relations, catalog.columns, catalog.constraints, indexes


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_safe_form_ends_in_the_same_schema_and_is_clean(statement: str) -> None:
    before = catalog_of(TABLES)
    for finding in _found(f"BEGIN;\n{statement};\nCOMMIT;", before):
        assert finding.rewrite is not None
        catalog = before
        for script in _scripts(finding.rewrite):
            plan, following = plan_of(script, catalog)
            assert [each for each in lint(plan, catalog) if each.severity == "error"] == []
            catalog = following
        assert _schema(catalog) == _schema(plan_of(statement, before)[1])


def test_what_cannot_be_told_has_no_safe_form() -> None:
    before = catalog_of(TABLES)
    assert _found("CREATE INDEX ix ON parts (id); DROP INDEX ix_old, totals_id;", before) == []


def test_concurrent_work_moves_behind_a_transaction_and_stays_before_it() -> None:
    before = catalog_of(TABLES)
    script = """BEGIN; CREATE INDEX a ON orders (note); ALTER TABLE users ADD COLUMN x int;
        CREATE INDEX b ON orders (number); COMMIT;"""
    assert [(each.statement, each.rewrite and each.rewrite.moved) for each in _found(script, before)] == [
        (0, False),
        (2, True),
    ]


def test_what_a_later_statement_counts_on_does_not_move() -> None:
    before = catalog_of(TABLES)
    script = """BEGIN; ALTER TABLE users ADD COLUMN x int; CREATE UNIQUE INDEX b ON users (email);
        INSERT INTO users (id) VALUES (1) ON CONFLICT DO NOTHING; COMMIT;"""
    (finding,) = _found(script, before)
    assert finding.rewrite is not None
    assert finding.rewrite.by_hand is not None
    assert "would come before it" in finding.rewrite.by_hand


@pytest.mark.parametrize(
    ("following", "is_undermined"),
    [
        ("UPDATE orders SET user_id = NULL WHERE id = 1", False),
        ("ALTER TABLE orders DROP COLUMN note", False),
        ("ALTER TABLE users ADD COLUMN x int", False),
        ("ALTER TABLE orders DROP COLUMN user_id", True),
        ("ALTER TABLE orders RENAME COLUMN user_id TO buyer_id", True),
        ("ALTER TABLE orders DROP CONSTRAINT fk", True),
        ("ALTER TABLE orders RENAME TO sales", True),
        ("DROP TABLE users CASCADE", True),
    ],
)
def test_a_later_validation_is_left_out_only_where_nothing_would_be_there_to_validate(
    following: str, is_undermined: bool
) -> None:
    script = f"BEGIN; ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users; {following}; COMMIT;"
    before = catalog_of(TABLES)
    (finding,) = (each for each in _found(script, before) if each.rule == "add-foreign-key-validated")
    assert finding.rewrite is not None
    assert (finding.rewrite.by_hand is not None) == is_undermined


def test_every_example_with_a_safe_form_says_it_in_sql_and_python() -> None:
    seen = set()
    for rule in all_rules():
        if rule.language == "python":
            continue
        before = catalog_of(rule.setup)
        for finding in _found(rule.bad, before):
            assert finding.rewrite is not None
            assert finding.rewrite.sql + finding.rewrite.next_sql
            assert finding.rewrite.python + finding.rewrite.next_python
            seen.add(finding.rule)
    assert {
        "create-index-not-concurrently",
        "drop-index-not-concurrently",
        "add-unique-constraint-builds-index",
        "add-foreign-key-validated",
        "add-check-validated",
        "set-not-null-without-check",
        "add-column-not-null-without-default",
        "add-column-volatile-default",
        "refresh-not-concurrently",
        "reindex-not-concurrently",
        "detach-partition-not-concurrently",
        "concurrently-in-transaction",
        "enum-value-used-in-same-transaction",
        "validate-in-same-transaction",
        "if-not-exists-over-invalid-index",
    } <= seen
