"""A function or view that does something else under its old name."""

from collections.abc import Iterator

from migsafe.lint.facts import created
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Function, Relation
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="info",
    summary="A live function or view is replaced.",
    effect="Code that runs gets the new behaviour at the commit, without having been released for it.",
    safe="See that the old code can live with the new body; else create it under a new name.",
    setup="CREATE FUNCTION fee() RETURNS integer LANGUAGE sql AS 'SELECT 1';",
    bad="CREATE OR REPLACE FUNCTION fee() RETURNS integer LANGUAGE sql AS 'SELECT 2';",
    good="CREATE FUNCTION fee_2() RETURNS integer LANGUAGE sql AS 'SELECT 2';",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for name, kind in _replaced(statement, situation):
        yield Fault(
            f"CREATE OR REPLACE {kind.upper()} {name} changes what running code gets from it at the commit.",
            f"See that the old code can live with the new {kind}; else create it under a new name.",
        )


def _replaced(statement: Statement, situation: Situation) -> Iterator[tuple[str, str]]:
    for made in created(statement.effects, Function):
        known = situation.catalog.functions.get(made.signature)
        if known and made.signature not in situation.born and (known.body is None or known.body != made.body):
            yield made.signature, made.kind
    for altered in statement.effects.alters:
        view = altered.after
        if isinstance(view, Relation) and statement.effects.command == "CREATE VIEW" and situation.live(view.name):
            yield view.name, "view"
