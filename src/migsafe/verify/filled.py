"""Statistics after a change of type, sequences ahead of their column, and what a migration must not leave behind."""

from collections.abc import Iterable, Iterator

from migsafe.model.catalog import Catalog, Column
from migsafe.model.effects import Object
from migsafe.model.lookup import lookup
from migsafe.model.plan import Plan
from migsafe.postgres.progress import TABLE
from migsafe.sql.quote import identifier, literal, qualified
from migsafe.verify.baseline import is_written
from migsafe.verify.net import Outcome
from migsafe.verify.proof import Proof, array, bare, fill, schema_of

# Without an index max() reads the table: only one that is read in a moment.
SMALL_ROWS = 100_000


def statistics(plan: Plan, final: Catalog) -> Iterator[Proof]:
    """A column that was given another type has no statistics until somebody runs ANALYZE: plans are guesses then."""
    retyped: dict[tuple[str, str], None] = {}
    for statement in plan.statements:
        for altered in statement.effects.alters:
            now, was = altered.after, altered.before
            if isinstance(now, Column) and isinstance(was, Column) and now.type != was.type:
                retyped[now.relation, now.name] = None
    for relation, column in retyped:
        known = final.relations.get(relation)
        if known is None or known.kind != "table" or column not in final.columns.get(relation, {}):
            continue
        yield Proof(
            name="statistics-there",
            kind="column",
            subject=f"{relation}.{column}",
            expected="statistics for the planner, which a change of type throws away",
            sql=fill(
                "verify_column_statistics",
                schema=schema_of(relation),
                relation=literal(bare(relation)),
                column=literal(column),
                regclass=literal(qualified(relation)),
            ),
            remedy=f"ANALYZE {qualified(relation)} ({identifier(column)});",
            grant=f"GRANT SELECT ON {qualified(relation)} TO {{role}};",
            severity="warned",
        )


def sequences(plan: Plan, outcomes: Iterable[Outcome], before: Catalog, final: Catalog) -> Iterator[Proof]:
    """The next value of a sequence is above every value that its column has, on tables that had rows before."""
    touched = {outcome.object for outcome in outcomes if outcome.there}
    for sequence in final.relations.values():
        if sequence.kind != "sequence" or sequence.owned_by is None:
            continue
        table, column = sequence.owned_by
        if not touched & {Object("column", column, table), Object("relation", sequence.name)}:
            continue
        known = before.relations.get(table)
        has_rows = known is not None and (known.rows != 0 or is_written(plan, {table}, ("INSERT", "COPY", "MERGE")))
        if has_rows and table in final.relations and _is_quick(table, column, final):
            yield Proof(
                name="sequence-ahead",
                kind="sequence",
                subject=sequence.name,
                expected=f"ahead of every {table}.{column}",
                sql=fill(
                    "verify_sequence_ahead",
                    column=identifier(column),
                    table=qualified(table),
                    sequence=qualified(sequence.name),
                ),
                remedy=f"SELECT setval('{qualified(sequence.name)}', (SELECT max({identifier(column)}) "
                f"FROM {qualified(table)}));",
                grant=f"GRANT SELECT ON {qualified(table)}, {qualified(sequence.name)} TO {{role}};",
            )


def _is_quick(table: str, column: str, final: Catalog) -> bool:
    if any(final.indexes[name].columns[:1] == (column,) for name in lookup(final).indexes.get(table, ())):
        return True
    rows = final.relations[table].rows
    return rows is not None and rows <= SMALL_ROWS


def leftovers(plan: Plan, tables: Iterable[str], before: Catalog, final: Catalog) -> Proof:
    """No table of a half-done revision or of Alembic's batch mode; what a REINDEX leaves is an invalid index."""
    schemas = {table.split(".", 1)[0] for table in tables}
    schemas |= {plan.version_table.split(".", 1)[0]} if "." in plan.version_table else set(before.search_path[:1])
    odd = sorted(name for name in {*before.relations, *final.relations} if bare(name).startswith("_alembic_tmp_"))
    return Proof(
        name="no-leftovers",
        kind="schema",
        subject=", ".join(sorted(schemas)),
        expected="no table left behind by a run or by batch mode" + (", besides those known before" if odd else ""),
        sql=fill("verify_no_leftovers", schemas=array(sorted(schemas)), progress=literal(TABLE), known=array(odd)),
        remedy="`migsafe status` tells which run a table is from; one of batch mode: look into it, then DROP TABLE it.",
    )
