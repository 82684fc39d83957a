"""Indexes, built and dropped CONCURRENTLY; UNIQUE and PRIMARY KEY made of an index that is there already."""

from migsafe.lint.operations import bare, create_index, dotted, drop_constraint, drop_index, execute
from migsafe.lint.situation import Situation
from migsafe.model.catalog import Catalog, Constraint, Index
from migsafe.model.rewrite import Line, Part, Rewrite, Undo
from migsafe.model.statement import Statement
from migsafe.sql.amend import amended, concurrently, is_plain_index, unique_using_index
from migsafe.sql.quote import identifier

CONCURRENTLY = (("postgresql_concurrently", "True"),)
COLUMN = Line("", "", is_call=True)
"""The op.add_column() that made the statement: it stays, without what the rewrite takes out of its column."""


def build(statement: Statement, index: Index, situation: Situation) -> Rewrite | None:
    """CREATE INDEX CONCURRENTLY; None where there is no such form (a partitioned table)."""
    insertion, table = concurrently(statement.sql), situation.catalog.relations.get(index.relation)
    if insertion is None or (table is not None and table.kind != "table"):
        return None
    sql = amended(statement.sql, [insertion])
    plain = is_plain_index(statement.sql) and index.name != ""
    python = code(create_index(situation.catalog, index)) if plain else execute(sql)
    unknown = None if table else f"it is not known whether {index.relation} is partitioned, where CONCURRENTLY fails"
    added = statement.operation == "op.add_column"
    undo = _drop_again(situation.catalog, index, later=added)
    if added:
        without = ("index", "unique") if index.unique else ("index",)
        later = Part(concurrent=(Line(sql, python),))
        return Rewrite(here=Part(statements=(COLUMN,)), later=later, without=without, undo=undo, by_hand=unknown)
    return Rewrite(
        here=Part(concurrent=(Line(sql, python, True),)),
        keywords=CONCURRENTLY,
        insertions=(insertion,),
        undo=undo,
        by_hand=unknown,
    )


def drop(statement: Statement, name: str, relation: str | None, situation: Situation) -> Rewrite | None:
    """DROP INDEX CONCURRENTLY; None for several at once, or CASCADE, which have no such form."""
    insertion = concurrently(statement.sql)
    if insertion is None:
        return None
    catalog, known = situation.catalog, situation.catalog.indexes.get(name)
    line = Line(amended(statement.sql, [insertion]), code(drop_index(catalog, name, relation)), True)
    again = known.definition if known else None
    place = concurrently(again) if again else None
    sql = amended(again, [place]) if again and place else ""
    undo = Undo(
        operation="create_index",
        names=(bare(name),),
        line=Line(sql, execute(sql)) if sql else None,
        keywords=CONCURRENTLY,
        concurrent=True,
    )
    unknown = None if known else f"the catalog does not know {name}"
    return Rewrite(
        here=Part(concurrent=(line,)), keywords=CONCURRENTLY, insertions=(insertion,), undo=undo, by_hand=unknown
    )


def unique(statement: Statement, constraint: Constraint, situation: Situation) -> Rewrite | None:
    """The index first, CONCURRENTLY, and the constraint of it; None for EXCLUDE, and for part of a larger statement."""
    catalog, table = situation.catalog, situation.catalog.relations.get(constraint.relation)
    made = unique_using_index(statement.sql, constraint.name) if table is None or table.kind == "table" else None
    if made is None:
        return None
    index = Index(constraint.index or "", constraint.relation, columns=constraint.columns, unique=True)
    plain = is_plain_index(made[0])
    built = Line(made[0], code(create_index(catalog, index)) if plain else execute(made[0]))
    added = Line(made[1], execute(made[1]))
    part = Part(concurrent=(built,), statements=(added,))
    undo = Undo(
        operation="drop_constraint",
        names=(constraint.name,),
        spellings=tuple(
            f"{alter} {table_name} DROP CONSTRAINT {constraint.name}"
            for alter in ("ALTER TABLE", "ALTER TABLE ONLY")
            for table_name in (bare(constraint.relation), constraint.relation)
        ),
        line=Line(_drop_sql(catalog, constraint), code(drop_constraint(catalog, constraint))),
        later=statement.operation == "op.add_column",
    )
    by_hand = _unproven(constraint, catalog)
    if statement.operation == "op.add_column":
        here = Part(statements=(COLUMN,))
        return Rewrite(here=here, later=part, without=("unique",), undo=undo, by_hand=by_hand)
    return Rewrite(here=part, undo=undo, by_hand=by_hand)


def in_autocommit(statement: Statement, situation: Situation) -> Rewrite:
    """The statement as it is, outside of a transaction."""
    here = Part(concurrent=(Line(statement.sql, execute(statement.sql), True),))
    made = [each for each in statement.effects.creates if isinstance(each, Index)]
    undo = _drop_again(situation.catalog, made[0]) if len(made) == 1 and statement.effects.concurrently else None
    return Rewrite(here=here, undo=undo)


def amended_in_autocommit(statement: Statement, by_hand: str | None = None) -> Rewrite | None:
    """The statement with CONCURRENTLY, outside of a transaction: REINDEX, DETACH PARTITION."""
    insertion = concurrently(statement.sql)
    if insertion is None:
        return None
    sql = amended(statement.sql, [insertion])
    return Rewrite(here=Part(concurrent=(Line(sql, execute(sql), True),)), insertions=(insertion,), by_hand=by_hand)


def refresh(statement: Statement, relation: str, situation: Situation) -> Rewrite | None:
    """REFRESH … CONCURRENTLY, which may stand in a transaction, and needs a unique index over all rows."""
    insertion = concurrently(statement.sql)
    if insertion is None:
        return None
    indexes = [index for index in situation.catalog.indexes.values() if index.relation == relation]
    fit = any(i.unique and i.valid and i.predicate is None and None not in i.columns for i in indexes)
    sql = amended(statement.sql, [insertion])
    return Rewrite(
        here=Part(statements=(Line(sql, execute(sql), True),)),
        insertions=(insertion,),
        by_hand=None if fit else f"{relation} needs a unique index on columns, without WHERE, first",
    )


def after_drop(statement: Statement, index: Index, situation: Situation) -> Rewrite:
    """What an interrupted build left is dropped before CREATE INDEX IF NOT EXISTS finds it there."""
    insertion = concurrently(statement.sql)
    sql = amended(statement.sql, [insertion]) if insertion else statement.sql
    gone = code(drop_index(situation.catalog, index.name, index.relation)).removesuffix(")") + ", if_exists=True)"
    first = Line(f"DROP INDEX CONCURRENTLY IF EXISTS {dotted(situation.catalog, index.name)}", gone)
    here = Part(concurrent=(first, Line(sql, execute(sql), True)))
    undo = _drop_again(situation.catalog, index)
    if insertion is None:
        return Rewrite(here=here, undo=undo)
    return Rewrite(here=here, keywords=CONCURRENTLY, insertions=(insertion,), undo=undo)


def code(fix: str) -> str:
    """The code of a sentence's part in backquotes."""
    return fix.strip("`")


def _drop_again(catalog: Catalog, index: Index, later: bool = False) -> Undo | None:
    if not index.name:
        return None
    sql = f"DROP INDEX CONCURRENTLY {dotted(catalog, index.name)}"
    return Undo(
        operation="drop_index",
        names=(bare(index.name),),
        spellings=_spelled("DROP INDEX", index.name),
        line=Line(sql, code(drop_index(catalog, index.name, index.relation))),
        keywords=CONCURRENTLY,
        concurrent=True,
        # The index behind a foreign key can only go after the key; no other has anything hanging on it.
        first=not index.unique,
        later=later,
    )


def _spelled(command: str, name: str) -> tuple[str, ...]:
    """How one writes it by hand: with and without CONCURRENTLY, IF EXISTS and schema."""
    words = (command, f"{command} CONCURRENTLY", f"{command} IF EXISTS", f"{command} CONCURRENTLY IF EXISTS")
    return tuple(f"{each} {spelled}" for each in words for spelled in (bare(name), name))


def _unproven(key: Constraint, catalog: Catalog) -> str | None:
    """ADD PRIMARY KEY USING INDEX sets NOT NULL, and reads every row for it where it is not set already."""
    known = catalog.columns.get(key.relation, {})
    if key.kind != "primary key" or all(name in known and known[name].not_null for name in key.columns):
        return None
    return f"a column of {key.name} may be NULL: that has to be proven first"


def _drop_sql(catalog: Catalog, constraint: Constraint) -> str:
    return f"ALTER TABLE {dotted(catalog, constraint.relation)} DROP CONSTRAINT {identifier(constraint.name)}"
