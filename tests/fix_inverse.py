"""Schemas recorded from a server, and statements taken back on it: what the tests of inverses share."""

from collections.abc import Iterable

from fix_postgres import VERSION, Connection
from migsafe.model.after import after
from migsafe.model.definitions import Recorded
from migsafe.model.inverse import Inverse
from migsafe.model.plan import Step
from migsafe.model.statement import Statement
from migsafe.postgres import catalog, definitions
from migsafe.sql.predict import predict
from migsafe.undo.inverse import invert_step


def recorded(connection: Connection) -> Recorded:
    return Recorded(catalog.read(connection), definitions.read(connection))


def revision(statements: Iterable[str], before: Recorded) -> Step:
    """A revision of these statements over a recorded schema."""
    made, known = [], before.catalog
    for sql in statements:
        effects = predict(sql, known, VERSION)
        known = after(known, effects)
        made.append(Statement(sql=sql, effects=effects, transaction=0 if effects.in_transaction else None))
    return Step("r1", (), "versions/r1.py", statements=tuple(made))


def inverses(statements: Iterable[str], before: Recorded) -> tuple[Inverse, ...]:
    return invert_step(revision(statements, before), before.catalog, before.known)[0]


def take_back(connection: Connection, found: Iterable[Inverse]) -> None:
    """Run the inverses, the last statement's first."""
    for inverse in reversed(tuple(found)):
        for each in inverse.commands:
            connection.execute(each.sql.encode())
