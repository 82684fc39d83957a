"""Every rule's examples: both run on a server, the bad one yields the rule, the good one yields nothing."""

import psycopg
import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from fix_postgres import VERSION, Connect
from migsafe.lint import all_rules, lint
from migsafe.lint.examples import catalog_of, plan_of
from migsafe.model.effects import Effects
from migsafe.model.findings import Finding, Rule
from migsafe.postgres.observe import observe
from migsafe.settings import LintSettings
from migsafe.sql.split import split

BY_NAME = {rule.name: rule for rule in all_rules()}
# What their examples are written in came with that version.
SINCE = {"constraint-not-enforced": 18, "set-expression-rewrite": 18}


def _marks(rule: Rule) -> list[pytest.MarkDecorator]:
    """pgvector has halfvec since 0.7: the example of 4,000 dimensions is for the newest alone."""
    marks = [pytest.mark.pgvector] if "vector" in rule.setup else []
    return [*marks, pytest.mark.needs_18] if rule.name == "vector-index-refused" else marks


SQL_RULES = [
    pytest.param(rule, id=rule.name, marks=_marks(rule))
    for rule in all_rules()
    if rule.language == "sql" and SINCE.get(rule.name, 14) <= VERSION
]
REFUSED = {rule.name for rule in all_rules() if rule.refused is not None}
EXECUTED = [each for each in SQL_RULES if each.id not in REFUSED]


def findings(rule: Rule, script: str) -> tuple[Finding, ...]:
    catalog = catalog_of(rule.setup, VERSION)
    asked = LintSettings(enable=(rule.name,)) if rule.pack == "style" else LintSettings()
    return lint(plan_of(script, catalog)[0], catalog, asked)


def execute(connection: psycopg.Connection[tuple[object, ...]], script: str) -> None:
    for piece in split(script):
        connection.execute(piece.sql.encode())


@pytest.mark.parametrize("rule", SQL_RULES)
def test_the_bad_example_yields_its_rule_and_no_other_of_error_severity(rule: Rule) -> None:
    found = [each for each in findings(rule, rule.bad) if each.rule == rule.name or each.severity == "error"]
    assert [(finding.rule, finding.severity) for finding in found] == [(rule.name, rule.severity)]


@pytest.mark.parametrize("rule", SQL_RULES)
def test_the_good_example_yields_nothing(rule: Rule) -> None:
    assert [each.message for each in findings(rule, rule.good) if each.ignored_because is None] == []


@pytest.mark.parametrize("rule", EXECUTED)
def test_the_server_accepts_the_bad_example(rule: Rule, connect: Connect) -> None:
    connection = connect()
    execute(connection, rule.setup)
    execute(connection, rule.bad)


@pytest.mark.parametrize("rule", SQL_RULES)
def test_the_server_accepts_the_good_example(rule: Rule, connect: Connect) -> None:
    connection = connect()
    execute(connection, rule.setup)
    execute(connection, rule.good)


@pytest.mark.parametrize("which", ["bad", "good"])
@pytest.mark.parametrize("rule", EXECUTED)
def test_the_server_does_what_was_predicted(rule: Rule, which: str, connect: Connect) -> None:
    connection = connect()
    execute(connection, rule.setup)
    for statement in plan_of(getattr(rule, which), catalog_of(rule.setup, VERSION))[0].statements:
        observed = observe(statement.sql, connection, keep=True)
        assert observed.unknown is None
        if statement.effects.unknown is None:
            assert told(statement.effects, statement.effects) == told(observed, statement.effects), statement.sql


def told(effects: Effects, predicted: Effects) -> dict[str, object]:
    """What both producers of effects can tell.

    Locks released before the end are not in pg_locks then; what DML reads is the planner's choice, and TRUNCATE
    counts the scan of the empty table for its indexes.
    """
    rows = predicted.writes or predicted.truncates
    return {
        "locks": {(lock.relation, lock.mode) for lock in effects.locks if lock.relation not in predicted.transient},
        "rewrites": set(effects.rewrites),
        "scans": None if rows else set(effects.scans),
        "truncates": set(effects.truncates),
        "builds": {(build.index, build.table, build.concurrently, build.method) for build in effects.builds},
        "in_transaction": effects.in_transaction,
    }


@pytest.mark.parametrize("rule", [each for each in SQL_RULES if each.id in REFUSED])
def test_the_server_refuses_the_bad_example_with_the_sqlstate_of_the_rule(rule: Rule, connect: Connect) -> None:
    connection = connect()
    execute(connection, rule.setup)
    with pytest.raises(psycopg.Error) as refused:
        execute(connection, rule.bad)
    assert refused.value.sqlstate == rule.refused


def test_alembic_renders_the_good_example_of_an_unreadable_revision_offline_and_not_the_bad_one() -> None:
    context = MigrationContext.configure(dialect_name="postgresql", opts={"as_sql": True})
    with Operations.context(context) as op:
        rule = BY_NAME["unreadable-revision"]
        exec(rule.good, {"op": op, "sa": sa})
        with pytest.raises(AttributeError):
            exec(rule.bad, {"op": op, "sa": sa})
