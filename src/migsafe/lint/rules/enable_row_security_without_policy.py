"""Row security on a table that has no policy: everybody but its owner sees nothing."""

from collections.abc import Iterator

from migsafe.lint.facts import together_with
from migsafe.lint.operations import bare
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Policy
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="error",
    summary="Row security is enabled on a live table that has no policy.",
    effect="Everybody but the owner sees no row and can write none: queries give nothing, without an error.",
    safe="Create the policies first, or in the same transaction.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, tenant text);",
    bad="ALTER TABLE orders ENABLE ROW LEVEL SECURITY;",
    good=(
        "BEGIN;\nALTER TABLE orders ENABLE ROW LEVEL SECURITY;\n"
        "CREATE POLICY own ON orders USING (tenant = current_user);\nCOMMIT;"
    ),
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for action in statement.effects.actions:
        table = action.of or ""
        if action.kind != "enable row security" or not situation.live(table):
            continue
        made = {
            policy.relation
            for other in together_with(statement, situation)
            for policy in other.effects.creates
            if isinstance(policy, Policy)
        }
        if not situation.catalog.policies.get(table) and table not in made:
            known = table in situation.catalog.relations or situation.catalog.complete
            yield Fault(
                f"ENABLE ROW LEVEL SECURITY on {table}, which has no policy, hides every row from everybody but its "
                f"owner: running code reads nothing and cannot write.",
                f"Create the policies of {bare(table)} first, or later in the same transaction.",
                unsure=() if known else (f"nothing is hidden if {table} has policies already",),
            )
