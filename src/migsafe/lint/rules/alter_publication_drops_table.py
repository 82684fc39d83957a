"""A table that subscribers do not hear of any more."""

from collections.abc import Iterator

from migsafe.lint.facts import dropped
from migsafe.lint.rule import Fault, rule
from migsafe.lint.situation import Situation
from migsafe.lint.wording import listed
from migsafe.model.catalog import Publication
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="A publication is dropped, or loses a table.",
    effect="Subscribers get no change of it any more, without an error; what they miss is not sent later.",
    safe="Drop the table from the subscribers first, and tell their owners.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY);\nCREATE PUBLICATION shop FOR TABLE orders;",
    bad="ALTER PUBLICATION shop DROP TABLE orders;",
    good="CREATE TABLE users (id bigint PRIMARY KEY);\nALTER PUBLICATION shop ADD TABLE users;",
)


def check(statement: Statement, situation: Situation) -> Iterator[Fault]:
    for gone in dropped(statement.effects, "publication"):
        yield _fault(f"DROP PUBLICATION {gone.name}", f"the tables of {gone.name}")
    for altered in statement.effects.alters:
        new, old = altered.after, altered.before
        if isinstance(new, Publication) and isinstance(old, Publication):
            kept = new.tables or ()
            lost = [table for table in old.tables or () if table not in kept and situation.live(table)]
            if lost:
                yield _fault(f"ALTER PUBLICATION {new.name}", listed(lost))


def _fault(what: str, lost: str) -> Fault:
    return Fault(
        f"{what}: subscribers get no change of {lost} from the commit on, without an error.",
        "Tell the owners of the subscriptions first; what they miss meanwhile is not sent later.",
    )
