"""The examples of rules, and any other script, as plans: what the tests run and docs/rules.md quotes."""

from migsafe.model.after import after
from migsafe.model.catalog import Catalog
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement
from migsafe.sql.predict import predict
from migsafe.sql.split import split

_BEGIN = ("begin", "start transaction")
_END = ("commit", "end", "rollback")


def plan_of(script: str, catalog: Catalog) -> tuple[Plan, Catalog]:
    """The plan of one revision made of `script`, and the catalog after it.

    Statements between BEGIN and COMMIT are one transaction, others stand alone, as psql has it.
    """
    statements: list[Statement] = []
    transaction: int | None = None
    begun = 0
    for piece in split(script):
        word = piece.sql.lower()
        if word in (*_BEGIN, *_END):
            transaction = begun if word in _BEGIN else None
            begun += word in _BEGIN
            continue
        effects = predict(piece.sql, catalog, catalog.server_version)
        statements.append(
            Statement(
                piece.sql,
                effects,
                index=len(statements),
                line=piece.line,
                transaction=transaction,
                comments=piece.comments,
            )
        )
        catalog = after(catalog, effects)
    return Plan((), ("example",), (Step("example", (), "example.sql", statements=tuple(statements)),)), catalog


def catalog_of(script: str, server_version: int = 18) -> Catalog:
    """The catalog of a new database after `script`."""
    return plan_of(script, Catalog(complete=True, server_version=server_version))[1]
