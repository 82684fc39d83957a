"""Constraints added NOT VALID, and validated by a revision of their own."""

from migsafe.lint.operations import (
    alter_column,
    bare,
    create_check,
    create_foreign_key,
    dotted,
    drop_constraint,
    execute,
)
from migsafe.lint.operations import validate as validate_code
from migsafe.lint.rewrites.indexes import COLUMN, code
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Catalog, Constraint
from migsafe.model.rewrite import Line, Part, Rewrite, Undo
from migsafe.model.statement import Statement
from migsafe.sql.amend import amended, not_valid, sets_one_column_not_null
from migsafe.sql.quote import identifier

_NOT_VALID = (("postgresql_not_valid", "True"),)


def foreign_key(statement: Statement, key: Constraint, situation: Situation) -> Rewrite | None:
    """FOREIGN KEY … NOT VALID, then VALIDATE; None where the statement does more, or NOT VALID is refused."""
    catalog, insertion = situation.catalog, not_valid(statement.sql)
    table = catalog.relations.get(key.relation)
    # "This feature is not yet supported on partitioned tables": lifted in 18 (its release notes, E.2.3.4).
    refused = table is not None and table.kind == "partitioned table" and catalog.server_version < 18
    if insertion is None or refused:
        return None
    sql, later = amended(statement.sql, [insertion]), Part(statements=(_validate(catalog, key),))
    python = code(create_foreign_key(catalog, key))
    if statement.operation == "op.add_column":
        here = Part(statements=(COLUMN, Line(sql, python)))
        return Rewrite(here=here, later=later, without=("ForeignKey",))
    here = Part(statements=(Line(sql, python, True),))
    return Rewrite(here=here, later=later, keywords=_NOT_VALID, insertions=(insertion,))


def check(statement: Statement, constraint: Constraint, situation: Situation) -> Rewrite | None:
    """CHECK … NOT VALID, then VALIDATE; None where the statement does more."""
    catalog, insertion = situation.catalog, not_valid(statement.sql)
    if insertion is None:
        return None
    python = code(create_check(catalog, constraint.relation, constraint.name, constraint.expression or "…"))
    here = Part(statements=(Line(amended(statement.sql, [insertion]), python, True),))
    later = Part(statements=(_validate(catalog, constraint),))
    return Rewrite(here=here, later=later, keywords=_NOT_VALID, insertions=(insertion,))


def validation(statement: Statement, constraint: str, relation: str, situation: Situation) -> Rewrite:
    """VALIDATE CONSTRAINT in the next revision, whose transaction holds nothing yet."""
    line = Line(statement.sql, code(validate_code(situation.catalog, relation, constraint)), True)
    return Rewrite(later=Part(statements=(line,)))


def proof_name(relation: str, column: str) -> str:
    """The name of the CHECK that proves NOT NULL: not `…_not_null`, which 18 gives to the NOT NULL itself."""
    return f"{bare(relation)}_{column}"[:51] + "_is_not_null"


def not_null(statement: Statement, relation: str, column: str, situation: Situation) -> Rewrite | None:
    """A CHECK that proves it, NOT VALID; then VALIDATE, SET NOT NULL, which reads nothing, and the CHECK dropped."""
    if not sets_one_column_not_null(statement.sql):
        return None
    catalog, test = situation.catalog, f"{identifier(column)} IS NOT NULL"
    proof = Constraint(relation, proof_name(relation, column), "check", (column,), test)
    add = f"ALTER TABLE {dotted(catalog, relation)} ADD CONSTRAINT {identifier(proof.name)} CHECK ({test}) NOT VALID"
    added = Line(add, code(create_check(catalog, relation, proof.name, test)))
    dropped = Line(
        f"ALTER TABLE {dotted(catalog, relation)} DROP CONSTRAINT {identifier(proof.name)}",
        code(drop_constraint(catalog, proof)),
    )
    set_it = Line(statement.sql, code(alter_column(catalog, relation, column, "nullable=False")), True)
    nullable = Line(
        f"ALTER TABLE {dotted(catalog, relation)} ALTER COLUMN {identifier(column)} DROP NOT NULL",
        code(alter_column(catalog, relation, column, "nullable=True")),
    )
    undo = Undo(
        operation="alter_column",
        names=(bare(relation), column),
        spellings=tuple(
            f"ALTER TABLE {table} ALTER {word}{column} DROP NOT NULL"
            for table in (bare(relation), relation)
            for word in ("COLUMN ", "")
        ),
        line=nullable,
        later=True,
        instead=(dropped,),
        also=(added,),
    )
    later = Part(statements=(_validate(catalog, proof), set_it, dropped))
    return Rewrite(here=Part(statements=(added,)), later=later, undo=undo)


def _validate(catalog: Catalog, constraint: Constraint) -> Line:
    sql = f"ALTER TABLE {dotted(catalog, constraint.relation)} VALIDATE CONSTRAINT {identifier(constraint.name)}"
    return Line(sql, code(validate_code(catalog, constraint.relation, constraint.name)))


def use_in_next(statement: Statement) -> Rewrite:
    """The statement in a revision of its own, when the value that it uses is committed."""
    line = Line(statement.sql, execute(statement.sql), True)
    by_hand = "what comes after it in this revision may count on it"
    return Rewrite(later=Part(statements=(line,)), by_hand=by_hand)
