"""A trigger, rule or policy that changes what the statements of running code do."""

from collections.abc import Iterator

from migsafe.lint.facts import dropped, leaves, together_with
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import strongest, taking
from migsafe.model.catalog import Policy, RewriteRule, Trigger
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="A trigger, rule or policy of a live table is created or dropped.",
    effect="From the commit on, statements of code that does not know of it do something else; its lock waits in line.",
    safe="Release code that works with and without it first, and give it a revision of its own.",
    setup=(
        "CREATE TABLE orders (id bigint PRIMARY KEY);\n"
        "CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"
    ),
    bad="CREATE TRIGGER orders_note BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note_it();",
    good=(
        "CREATE TABLE notes (id bigint PRIMARY KEY);\n"
        "CREATE TRIGGER notes_note BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION note_it();"
    ),
)

_CREATES = ("CREATE TRIGGER", "CREATE RULE", "CREATE POLICY", "ALTER POLICY")
_DROPS = {"DROP TRIGGER": "trigger", "DROP RULE": "rule", "DROP POLICY": "policy"}


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    effects = statement.effects
    names = [made.name for made in _made(statement) if _matters(made, situation)] if effects.command in _CREATES else []
    if effects.command in _DROPS:
        again = {(made.relation, made.name) for other in together_with(statement, situation) for made in _made(other)}
        gone = dropped(effects, _DROPS[effects.command])
        names = [each.name for each in gone if (each.of, each.name) not in again]
        names = [] if any(leaves(each.of or "", statement, situation) for each in gone) else names
    if names and strongest(effects, situation):
        yield Fault(
            taking(f"{effects.command} {names[0]}", effects, situation) + _from_then_on(effects.command),
            "Release code that works with and without it first, and give the statement a revision of its own.",
        )


def _made(statement: Statement) -> list[Trigger | RewriteRule | Policy]:
    altered = [each.after for each in statement.effects.alters]
    return [each for each in (*statement.effects.creates, *altered) if isinstance(each, Trigger | RewriteRule | Policy)]


def _matters(made: Trigger | RewriteRule | Policy, situation: Situation) -> bool:
    """The first policies of a table show rows that nobody saw before, or do nothing while row security is off."""
    return not isinstance(made, Policy) or bool(situation.catalog.policies.get(made.relation))


def _from_then_on(command: str) -> str:
    if command.endswith("POLICY"):
        return " From the commit on, running code may see and write other rows."
    return " From the commit on, statements of running code do something else."
