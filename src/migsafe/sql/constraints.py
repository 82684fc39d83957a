"""Constraints as statements write them: their names when they have none, and the tables and indexes they reach."""

from collections.abc import Iterable
from typing import Any

from migsafe.model.catalog import Constraint, Index
from migsafe.model.effects import Object
from migsafe.sql import expressions, indexes, names
from migsafe.sql.draft import AE, AS, SRE, Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import strings

KINDS = {
    pb.CONSTR_CHECK: "check",
    pb.CONSTR_FOREIGN: "foreign key",
    pb.CONSTR_PRIMARY: "primary key",
    pb.CONSTR_UNIQUE: "unique",
    pb.CONSTR_EXCLUSION: "exclude",
    pb.CONSTR_NOTNULL: "not null",
}
_LABELS = {"check": "check", "foreign key": "fkey", "unique": "key", "exclude": "excl", "not null": "not_null"}


def is_constraint(node: pb.Constraint) -> bool:
    """Whether it is a constraint, rather than a default, an identity or an attribute such as DEFERRABLE."""
    return node.contype in KINDS


def define(
    draft: Draft, table: str, node: pb.Constraint, column: str | None = None, used: Iterable[str] = ()
) -> Constraint:
    """The constraint that `node` writes, on `table`; `column` when it stands behind one, after those named `used`."""
    kind = KINDS[node.contype]
    columns = _columns(node, kind, column)
    name = names.truncated(node.conname) or _chosen(draft, table, kind, _named_after(node, columns), tuple(used))
    constraint = Constraint(
        relation=table,
        name=name,
        kind=kind,
        columns=columns,
        expression=expressions.text(node.raw_expr) if kind == "check" else None,
        validated=not node.skip_validation and _is_enforced(node),
        enforced=_is_enforced(node),
        deferrable=bool(node.deferrable or node.initdeferred),
        deferred=bool(node.initdeferred),
        no_inherit=node.is_no_inherit,
        calls=expressions.calls(node.raw_expr, draft.catalog) if kind == "check" else (),
    )
    if kind == "foreign key":
        return _with_reference(draft, constraint, node)
    if kind in ("primary key", "unique", "exclude"):
        return _with_index(draft, constraint, node)
    return constraint


def _is_enforced(node: pb.Constraint) -> bool:
    return bool(node.is_enforced) or node.contype not in (pb.CONSTR_CHECK, pb.CONSTR_FOREIGN)


def _columns(node: pb.Constraint, kind: str, column: str | None) -> tuple[str, ...]:
    if kind == "check":
        return expressions.columns(node.raw_expr)
    if kind == "exclude":
        elements = [item.list.items[0].index_elem for item in node.exclusions]
        return tuple(element.name for element in elements if element.name)
    written = strings(node.fk_attrs if kind == "foreign key" else node.keys)
    return written or ((column,) if column else ())


def _named_after(node: pb.Constraint, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns in a chosen name: those of INCLUDE too, and what an expression is called."""
    if node.contype == pb.CONSTR_EXCLUSION:
        elements = [item.list.items[0].index_elem for item in node.exclusions]
        columns = tuple(indexes.element_name(element) for element in elements)
    return (*columns, *strings(node.including))


def _chosen(draft: Draft, table: str, kind: str, columns: tuple[str, ...], used: tuple[str, ...]) -> str:
    bare = names.bare(table)

    def taken(name: str) -> bool:
        return name in used or is_taken(draft, table, name)

    if kind == "primary key":
        return names.chosen(bare, "", "pkey", taken)
    second = "_".join(columns)
    if kind == "check" and len(columns) != 1:
        second = ""
    if kind in ("unique", "exclude"):
        second = second or "expr"
    return names.chosen(bare, second, _LABELS[kind], taken)


def is_taken(draft: Draft, table: str, name: str) -> bool:
    """Whether a constraint of the table, or a relation in its schema, has the name already."""
    schema = names.split(table)[0]
    dropped = draft.has("drops", Object("constraint", name, table))
    # What a table of that name has is no obstacle where the table itself is made: it will not be there then.
    if table not in draft.new and not dropped and (draft.constraint(table, name) or draft.is_known(f"{schema}.{name}")):
        return True
    full = f"{schema}.{name}"
    for thing in draft.all("creates"):
        known = getattr(thing, "name", None)
        if known == full or (known == name and isinstance(thing, Constraint) and thing.relation == table):
            return True
    return False


def _with_reference(draft: Draft, constraint: Constraint, node: pb.Constraint) -> Constraint:
    target = names.relation(node.pktable, draft.catalog)
    if node.pktable.relname == names.bare(constraint.relation) and constraint.relation in draft.new:
        target = constraint.relation
    referenced = strings(node.pk_attrs) or primary_columns(draft, target)
    return Constraint(
        **_fields(constraint),
        references=target,
        referenced_columns=referenced,
        match=node.fk_matchtype or "s",
        on_delete=node.fk_del_action or "a",
        on_update=node.fk_upd_action or "a",
    )


def _fields(constraint: Constraint) -> dict[str, Any]:
    left_out = ("references", "referenced_columns", "match", "on_delete", "on_update")
    return {name: getattr(constraint, name) for name in constraint.__struct_fields__ if name not in left_out}


def primary_columns(draft: Draft, table: str) -> tuple[str, ...]:
    known = draft.constraints(table) + tuple(
        thing for thing in draft.all("creates") if isinstance(thing, Constraint) and thing.relation == table
    )
    return next((key.columns for key in known if key.kind == "primary key"), ())


def _with_index(draft: Draft, constraint: Constraint, node: pb.Constraint) -> Constraint:
    schema = names.split(constraint.relation)[0]
    if not node.indexname:
        return _replaced(constraint, index=f"{schema}.{constraint.name}")
    used = draft.index(f"{schema}.{node.indexname}")
    columns = tuple(name for name in used.columns if name) if used else ()
    name = names.truncated(node.conname) or node.indexname
    return _replaced(constraint, name=name, columns=columns, index=f"{schema}.{name}")


def _replaced(constraint: Constraint, **changes: Any) -> Constraint:
    return Constraint(**{name: getattr(constraint, name) for name in constraint.__struct_fields__} | changes)


def index_of(constraint: Constraint, node: pb.Constraint) -> Index:
    """The index that a PRIMARY KEY, UNIQUE or EXCLUDE constraint makes for itself."""
    columns: tuple[str | None, ...] = constraint.columns
    if constraint.kind == "exclude":
        columns = tuple(item.list.items[0].index_elem.name or None for item in node.exclusions)
    return Index(
        name=constraint.index or "",
        relation=constraint.relation,
        method=node.access_method or "btree",
        columns=columns,
        unique=constraint.kind in ("primary key", "unique"),
        primary=constraint.kind == "primary key",
        nulls_not_distinct=node.nulls_not_distinct,
        predicate=expressions.text(node.where_clause) if node.HasField("where_clause") else None,
        mentions=_mentioned(node),
        included=strings(node.including),
    )


def _mentioned(node: pb.Constraint) -> tuple[str, ...]:
    inside = [item.list.items[0].index_elem.expr for item in node.exclusions]
    return tuple(dict.fromkeys(column for part in [*inside, node.where_clause] for column in expressions.columns(part)))


def reference(draft: Draft, key: Constraint, validates: bool, cloned: bool = False) -> None:
    """The locks of making a foreign key: SHARE ROW EXCLUSIVE on the referenced table, and its unique index is read.

    Validating runs a query over both tables, which locks every index of both in ACCESS SHARE (measured).
    `cloned`: a new partition takes over the key of its parent.
    """
    if key.references is None:
        return
    draft.lock(key.references, SRE)
    lock_key_index(draft, key.references, key.referenced_columns)
    if validates:
        _suppose_privileges(draft, key)
    for partition in draft.family(key.references)[1:] if draft.is_partitioned(key.references) else ():
        draft.lock(partition, SRE)
        if not cloned:
            lock_key_index(draft, partition, key.referenced_columns)
    lock_ancestors(draft, key.references)
    if validates:
        check_reference(draft, key.relation, key.references)


def _suppose_privileges(draft: Draft, key: Constraint) -> None:
    """Who may not SELECT from both tables has every row checked by itself, as an INSERT would be (ri_triggers.c)."""
    owners = {known.owner for name in (key.relation, key.references or "") if (known := draft.relation(name))}
    if len(owners) > 1:
        draft.suppose(f"ROW SHARE on the index of the key too if the role may not SELECT from {key.references}")


def lock_ancestors(draft: Draft, name: str) -> None:
    """The partitioned tables above a partition are read for their bounds."""
    relation = draft.relation(name)
    for parent in relation.parents if relation else ():
        if draft.is_partitioned(parent):
            draft.lock(parent, AS)
            lock_ancestors(draft, parent)


def lock_key_index(draft: Draft, table: str, columns: tuple[str, ...]) -> None:
    """The unique index behind a referenced key is opened, and stays locked, since 18 (measured)."""
    if draft.version < 18:
        return
    for index in draft.indexes(table):
        if index.unique and set(index.columns) == set(columns):
            draft.lock(index.name, AS)


def check_reference(draft: Draft, table: str, target: str) -> None:
    """Both tables are read in full, by a query that RI_Initial_Check() plans."""
    for name in (table, target):
        for member in draft.family(name):
            draft.lock(member, AS)
            draft.plan_indexes(member, AS)
            if not draft.is_partitioned(member):
                draft.scan(member)


def unreference(draft: Draft, key: Constraint) -> None:
    """Taking a foreign key away needs ACCESS EXCLUSIVE on the referenced table, and on its partitions (measured)."""
    if key.references is None:
        return
    for member in draft.family(key.references) if draft.is_partitioned(key.references) else (key.references,):
        draft.lock(member, AE)


def not_nulls(constraints: Iterable[Constraint]) -> tuple[str, ...]:
    """The columns that constraints keep from being NULL."""
    return tuple(c for k in constraints if k.kind in ("primary key", "not null") for c in k.columns)
