"""CREATE TABLE, with LIKE, INHERITS, PARTITION OF, OF; CREATE TABLE AS and CREATE FOREIGN TABLE."""

from typing import Any

from migsafe.model.catalog import Column, Constraint, Relation
from migsafe.sql import columns, constraints, expressions, indexes, names, query
from migsafe.sql.alter_table.partitions import clone_triggers, lock_default, lock_referencing
from migsafe.sql.draft import AE, AS, SUE, Draft, replace
from migsafe.sql.mentions import lock_mentioned
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner, kind, parse_expression, strings
from migsafe.sql.partitions import bound_text
from migsafe.sql.reads import output, uses

_STRATEGIES = {
    pb.PARTITION_STRATEGY_RANGE: "range",
    pb.PARTITION_STRATEGY_LIST: "list",
    pb.PARTITION_STRATEGY_HASH: "hash",
}
_PERSISTENCE = {"p": "permanent", "u": "unlogged", "t": "temporary"}


def create_table(node: pb.CreateStmt, draft: Draft, relation_kind: str = "table") -> None:
    """A new table locks nothing that exists but what it references, inherits from or is a partition of."""
    draft.command = "CREATE TABLE"
    table = names.new_relation(node.relation, draft.catalog)
    if node.if_not_exists:
        if draft.is_known(table):
            draft.skip()
            return
        draft.doubt(table)
    parents = tuple(names.relation(item.range_var, draft.catalog) for item in node.inh_relations)
    bound = node.partbound if node.HasField("partbound") else None
    draft.create(
        _relation(node, draft, table, parents, "partitioned table" if node.HasField("partspec") else relation_kind)
    )
    for parent in parents:
        _inherit(draft, table, parent, bound)
    if node.HasField("of_typename"):
        _typed(node, draft, table)
    _elements(node, draft, table)
    draft.need("create-in-schema", names.split(table)[0])


def _typed(node: pb.CreateStmt, draft: Draft, table: str) -> None:
    """OF a composite type: its attributes are the columns."""
    name = names.listed(node.of_typename.names, draft.catalog, draft.catalog.types)
    draft.lock(name, AS, "composite type")
    for column in draft.columns(name).values():
        draft.create(replace(column, relation=table))


def _relation(node: pb.CreateStmt, draft: Draft, table: str, parents: tuple[str, ...], kind_: str) -> Relation:
    spec = node.partspec
    return Relation(
        name=table,
        kind=kind_,
        rows=None if node.if_not_exists and not draft.catalog.complete else 0.0,
        parents=parents,
        is_default_partition=node.partbound.is_default,
        persistence=_PERSISTENCE.get(node.relation.relpersistence, "permanent"),
        of_type=_of_type(node, draft),
        access_method=_method(node.access_method) or _inherited_method(node, draft, parents),
        partition_by=_STRATEGIES.get(spec.strategy) if node.HasField("partspec") else None,
        partition_key=tuple(item.partition_elem.name or None for item in spec.part_params),
        bound=bound_text(node.partbound) if node.HasField("partbound") else None,
    )


def _method(name: str) -> str | None:
    return name if name not in ("", "heap") else None


def _inherited_method(node: pb.CreateStmt, draft: Draft, parents: tuple[str, ...]) -> str | None:
    """A partition is stored as its parent says, since 17."""
    above = draft.relation(parents[0]) if node.HasField("partbound") and draft.version >= 17 else None
    return above.access_method if above else None


def _of_type(node: pb.CreateStmt, draft: Draft) -> str | None:
    if not node.HasField("of_typename"):
        return None
    return names.listed(node.of_typename.names, draft.catalog, draft.catalog.types)


def _inherit(draft: Draft, table: str, parent: str, bound: Any | None) -> None:
    """SHARE UPDATE EXCLUSIVE on a parent; a partition takes ACCESS EXCLUSIVE on it and on the default partition."""
    draft.lock(parent, AE if bound is not None else SUE)
    for column in draft.columns(parent).values():
        draft.create(replace(column, relation=table))
        if bound is None and isinstance(column.default, str) and (default := parse_expression(column.default)):
            lock_mentioned(draft, default)
    for constraint in draft.constraints(parent):
        if constraint.kind in ("check", "not null") and not constraint.no_inherit:
            draft.create(replace(constraint, relation=table, inherited=True))
    if bound is not None:
        _partition(draft, table, parent, bound)


def _partition(draft: Draft, table: str, parent: str, bound: Any) -> None:
    if not bound.is_default:
        lock_default(draft, parent, bound_text(bound))
    foreign = any(isinstance(made, Relation) and made.kind == "foreign table" for made in draft.all("creates"))
    for index in draft.indexes(parent) if not foreign else ():
        draft.lock(index.name, SUE)
        indexes.copy(draft, table, index)
    for key in draft.constraints(parent):
        if key.kind == "foreign key":
            made = replace(key, relation=table, inherited=True)
            draft.create(made)
            constraints.reference(draft, made, validates=False, cloned=True)
    lock_referencing(draft, parent)
    clone_triggers(draft, parent, table)


def _elements(node: pb.CreateStmt, draft: Draft, table: str) -> None:
    keys: list[tuple[Constraint, Any]] = []
    later: list[Any] = []
    merges = bool(node.inh_relations) or node.HasField("of_typename")
    for element in node.table_elts:
        which = kind(element)
        if which == "column_def":
            defined = columns.define(draft, table, element.column_def)
            own = tuple(pair for pair in defined.constraints if pair[0].kind != "foreign key")
            keys += [pair for pair in defined.constraints if pair[0].kind == "foreign key"]
            if merges:
                _merge_column(draft, table, defined._replace(constraints=own))
            else:
                columns.add(draft, defined._replace(constraints=own))
        elif which == "table_like_clause":
            _like(element.table_like_clause, draft, table)
            merges = True
        elif which == "constraint":
            later.append(element.constraint)
    for written in (*later, *(item.constraint for item in node.constraints)):
        constraint = constraints.define(draft, table, written)
        if constraint.kind == "foreign key":
            keys.append((constraint, written))
        else:
            columns.add_constraint(draft, constraint, written)
    _forbid_nulls(draft, table)
    for constraint, written in keys:
        key = constraints.define(draft, table, written, constraint.columns[0])
        draft.create(key)
        constraints.reference(draft, key, validates=False)


def _made(draft: Draft, table: str) -> dict[str, Column]:
    """The columns that the table has so far."""
    return {
        thing.name: thing for thing in draft.all("creates") if isinstance(thing, Column) and thing.relation == table
    }


def _merge_column(draft: Draft, table: str, defined: columns.Defined) -> None:
    """A column of a partition or a typed table takes its type from above; what is written here comes on top."""
    column = defined.column
    above = _made(draft, table).get(column.name)
    if above is None:
        columns.add(draft, defined)
        return
    merged = replace(
        column,
        type=column.type or above.type,
        not_null=column.not_null or above.not_null,
        default=column.default if column.default is not None else above.default,
    )
    draft.amend(above, merged)
    columns.add_parts(draft, defined._replace(column=merged))


def _forbid_nulls(draft: Draft, table: str) -> None:
    """The columns of a primary key are NOT NULL."""
    made = _made(draft, table)
    for thing in draft.all("creates"):
        if isinstance(thing, Constraint) and thing.relation == table and thing.kind == "primary key":
            for name in thing.columns:
                if name in made and not made[name].not_null:
                    draft.amend(made[name], replace(made[name], not_null=True))


def _like(node: pb.TableLikeClause, draft: Draft, table: str) -> None:
    """ACCESS SHARE on the table that is copied, and for a moment on its indexes when they are copied too."""
    source = names.relation(node.relation, draft.catalog)
    draft.lock(source, AS)
    options = node.options
    for column in draft.columns(source).values():
        copied = _copied(column, table, options)
        draft.create(copied)
        if isinstance(copied.default, str) and (default := parse_expression(copied.default)):
            lock_mentioned(draft, default)
        if column.identity and options & _LIKE_IDENTITY:
            draft.create(columns.owned_sequence(draft, table, column.name))
    for constraint in draft.constraints(source):
        if constraint.kind == "not null" or (constraint.kind == "check" and options & _LIKE_CONSTRAINTS):
            draft.create(replace(constraint, relation=table))
    if options & _LIKE_INDEXES:
        for index in draft.indexes(source):
            draft.lock(index.name, AS, transient=True)
            indexes.copy(draft, table, index, attach=False)


# CREATE_TABLE_LIKE_* in parsenodes.h.
_LIKE_CONSTRAINTS, _LIKE_DEFAULTS, _LIKE_GENERATED, _LIKE_IDENTITY, _LIKE_INDEXES = (
    1 << 2,
    1 << 3,
    1 << 4,
    1 << 5,
    1 << 6,
)


def _copied(column: Column, table: str, options: int) -> Column:
    default = column.default if options & (_LIKE_GENERATED if column.generated else _LIKE_DEFAULTS) else None
    copied: Column = replace(
        column,
        relation=table,
        default=default,
        identity=column.identity if options & _LIKE_IDENTITY else None,
        generated=column.generated if options & _LIKE_GENERATED else None,
    )
    return copied


def create_foreign_table(node: pb.CreateForeignTableStmt, draft: Draft) -> None:
    create_table(node.base_stmt, draft, "foreign table")
    draft.command = "CREATE FOREIGN TABLE"


def create_table_as(node: pb.CreateTableAsStmt, draft: Draft) -> None:
    """The query is planned and run, unless WITH NO DATA."""
    matview = node.objtype == pb.OBJECT_MATVIEW
    draft.command = "CREATE MATERIALIZED VIEW" if matview else "CREATE TABLE AS"
    name = names.new_relation(node.into.rel, draft.catalog)
    statement = inner(node.query)
    if isinstance(statement, pb.ExecuteStmt):
        draft.give_up(f"what the prepared statement {statement.name} reads is not known")
    if node.if_not_exists and draft.is_known(name):
        query.analyse(statement, draft)
        return
    if node.if_not_exists:
        draft.doubt(name)
    if node.into.skip_data:
        query.analyse(statement, draft)
    else:
        query.execute(statement, draft, scans=True)
    made = Relation(name, "table", rows=None, access_method=_method(node.into.access_method))
    if matview:
        read, called = uses(statement, draft.catalog), expressions.calls(statement, draft.catalog)
        made = replace(made, kind="materialized view", uses=read, calls=called)
    draft.create(made)
    for column, printed in output(statement, draft.catalog, strings(node.into.col_names)):
        draft.create(Column(name, column, printed, not_null=False, default=None))


HANDLES = {
    "CreateStmt": create_table,
    "CreateForeignTableStmt": create_foreign_table,
    "CreateTableAsStmt": create_table_as,
}
