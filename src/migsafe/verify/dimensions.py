"""How many dimensions the vectors in a column have: what its type says, or else what is stored."""

from migsafe.model.declared import Declared
from migsafe.postgres.answer import Answer, Connection, ask
from migsafe.sql.quote import identifier, literal
from migsafe.verify.finding import Finding, judged, unanswered
from migsafe.verify.proof import fill

_TYPES = ("vector", "halfvec", "sparsevec")
# No vector_dims() for sparsevec (pgvector 0.8); it is printed as {1:0.5}/1000.
_COUNTED = {
    "vector": "{schema}.vector_dims({column})",
    "halfvec": "{schema}.vector_dims({column})",
    "sparsevec": "split_part({column}::text, '/', 2)::integer",
}


def dimensions_of(connection: Connection, check: Declared) -> Finding:
    """Judge the column `subject`. A typed column is judged by its type, which the server enforces for every row."""
    relation, _, written = check.subject.rpartition(".")
    column = written[1:-1].replace('""', '"') if written.startswith('"') else written.lower()
    asked = fill("declared_vector_column", relation=literal(relation), column=literal(column))
    answer = ask(connection, asked, timeout=check.timeout)
    if answer.error is not None:
        return unanswered(check, answer)
    if not answer.rows:
        return judged("blocked", check, f"{check.expect} dimensions", "no such column", "Is the name right?")
    type_name, schema, modifier, quoted = answer.rows[0]
    if type_name not in _TYPES:
        remedy = "vector_dimensions is for columns of pgvector's types."
        return judged("blocked", check, f"{check.expect} dimensions", f"the type {type_name}", remedy)
    if modifier > 0:
        remedy = f"ALTER TABLE {quoted} ALTER COLUMN {identifier(column)} TYPE {type_name}({check.expect}) rewrites it."
        found, wanted = f"{type_name}({modifier})", f"{check.expect} dimensions"
        return judged("passed" if str(modifier) == check.expect else "blocked", check, wanted, found, remedy)
    return _stored(connection, check, (type_name, schema, quoted, identifier(column)))


def _stored(connection: Connection, check: Declared, named: tuple[str, str, str, str]) -> Finding:
    """The type says nothing: one row of another dimension is enough."""
    type_name, schema, table, column = named
    counted = _COUNTED[type_name].format(schema=schema, column=column)
    sql = f"SELECT {counted} FROM {table} WHERE {counted} <> {int(check.expect)} LIMIT 1"
    answer: Answer = ask(connection, sql, timeout=check.timeout)
    if answer.error is not None:
        return unanswered(check, answer)
    if answer.rows:
        found = f"a row with {answer.rows[0][0]}"
        return judged("blocked", check, f"{check.expect} dimensions in every row", found, f"See which: {sql}")
    return judged("passed", check, f"{check.expect} dimensions", f"no stored vector of another dimension in {table}")
