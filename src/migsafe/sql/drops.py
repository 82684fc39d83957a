"""What goes with something that is dropped, and which locks that takes."""

from migsafe.model.catalog import Constraint
from migsafe.model.effects import Object
from migsafe.sql import constraints
from migsafe.sql.draft import AE, Draft, replace
from migsafe.sql.expressions import calls, columns
from migsafe.sql.parse import parse, parse_expression
from migsafe.sql.types import parts


def drop_column_dependents(draft: Draft, relation: str, column: str, cascade: bool) -> None:
    """Indexes, constraints and sequences of a column; with CASCADE its views and the keys that reference it."""
    for index in draft.indexes(relation):
        if column in (*index.columns, *index.mentions, *index.included):
            draft.lock(index.name, AE)
            draft.drop("index", index.name)
    for constraint in draft.constraints(relation):
        if column in constraint.columns:
            drop_constraint(draft, constraint, cascade)
    for key in draft.references(relation):
        if column in key.referenced_columns and cascade:
            drop_constraint(draft, key, cascade)
    for sequence in draft.ways.sequences.get(relation, ()):
        owned = draft.relation(sequence)
        if owned and owned.owned_by == (relation, column):
            draft.lock(sequence, AE)
            draft.drop("sequence", sequence)
    for statistics in draft.catalog.statistics.values():
        if statistics.relation == relation and column in statistics.columns:
            draft.drop("statistics", statistics.name)
    if cascade:
        for trigger in draft.catalog.triggers.get(relation, {}).values():
            if column in trigger.columns:
                draft.drop("trigger", trigger.name, relation)
        drop_readers(draft, relation, column)
        _drop_generated(draft, relation, column)


def _drop_generated(draft: Draft, relation: str, column: str) -> None:
    for other in draft.columns(relation).values():
        if other.generated and isinstance(other.default, str):
            node = parse_expression(other.default)
            if node is not None and column in columns(node):
                drop_column_dependents(draft, relation, other.name, cascade=True)
                draft.drop("column", other.name, relation)
                draft.destroy("column", other.name, relation)


def drop_constraint(draft: Draft, constraint: Constraint, cascade: bool = False) -> None:
    """A constraint with its index; a foreign key locks the table it references, a key those that reference it."""
    if draft.has("drops", Object("constraint", constraint.name, constraint.relation)):
        return
    partitioned = draft.is_partitioned(constraint.relation)
    for member in draft.family(constraint.relation) if partitioned else (constraint.relation,):
        draft.lock(member, AE)
    draft.drop("constraint", constraint.name, constraint.relation)
    if constraint.kind == "foreign key":
        constraints.unreference(draft, constraint)
    if constraint.index:
        drop_index(draft, constraint.index)
    if cascade and constraint.kind in ("primary key", "unique"):
        for key in draft.references(constraint.relation):
            if set(key.referenced_columns) == set(constraint.columns):
                drop_constraint(draft, key)
    if cascade and constraint.kind == "primary key":
        _drop_grouped(draft, constraint.relation)


def _drop_grouped(draft: Draft, table: str) -> None:
    """A view that groups by the primary key and reads other columns too depends on it (manual, section 7.2.3)."""
    for name in draft.ways.views.get(table, ()):
        view = draft.relation(name)
        if view is None or (view.definition and "GROUP BY" not in view.definition):
            continue
        draft.suppose(f"{name} is dropped only if it groups by the primary key of {table}")
        drop_relation(draft, name, cascade=True)


def drop_index(draft: Draft, name: str) -> None:
    """An index and its parts."""
    draft.lock(name, AE, "index")
    for part in draft.ways.parts.get(name, ()):
        index = draft.index(part)
        if index:
            draft.lock(index.relation, AE)
        drop_index(draft, part)


def drop_readers(draft: Draft, relation: str, column: str | None = None) -> None:
    """The views, rules and policies that read a relation (or a column of it), and what reads those."""
    for name in draft.ways.views.get(relation, ()):
        view = draft.relation(name)
        if view is None:
            continue
        reads = [use for use in view.uses if use.relation == relation]
        if column is None or any(column in use.columns or "*" in use.columns for use in reads):
            drop_relation(draft, name, cascade=True)
    for of, policy_name in draft.ways.policies.get(relation, ()):
        policy = draft.catalog.policies[of][policy_name]
        reads = [use for use in policy.uses if use.relation == relation]
        if of == relation and column is None:
            continue
        if column is None or any(column in use.columns or "*" in use.columns for use in reads):
            draft.lock(of, AE)
            draft.drop("policy", policy_name, of)
    for function in draft.catalog.functions.values():
        reads = [use for use in function.uses if use.relation == relation]
        if any(column is None or column in use.columns or "*" in use.columns for use in reads):
            draft.drop("function", function.signature)


def drop_relation(draft: Draft, name: str, cascade: bool) -> None:
    """A relation with its indexes, partitions and owned sequences; its foreign keys lock the tables they reference."""
    kind = draft.kind(name)
    if any(item.name == name and item.kind == kind for item in draft.all("drops")):
        return
    draft.lock(name, AE, kind)
    draft.drop(kind, name)
    if kind in ("table", "partitioned table", "foreign table", "materialized view"):
        draft.destroy("table" if kind != "materialized view" else kind, name)
    for index in draft.indexes(name):
        draft.lock(index.name, AE)
    for key in draft.constraints(name):
        if key.kind == "foreign key" and not key.inherited:
            constraints.unreference(draft, key)
    for sequence in draft.ways.sequences.get(name, ()):
        draft.lock(sequence, AE)
    _lock_parents(draft, name, cascade)
    for child in draft.children(name):
        if kind == "partitioned table" or cascade:
            drop_relation(draft, child, cascade)
    if cascade:
        for key in draft.references(name):
            if key.relation != name:
                drop_constraint(draft, key)
        drop_readers(draft, name)


def _lock_parents(draft: Draft, name: str, cascade: bool) -> None:
    """Dropping a partition takes ACCESS EXCLUSIVE on its parent and on the default partition (measured)."""
    relation = draft.relation(name)
    for parent in relation.parents if relation else ():
        if not draft.is_partitioned(parent):
            continue
        draft.lock(parent, AE)
        for sibling in draft.children(parent):
            known = draft.relation(sibling)
            if known and known.is_default_partition:
                draft.lock(sibling, AE)
        if cascade:
            _drop_keys_above(draft, parent)


def _drop_keys_above(draft: Draft, parent: str) -> None:
    """What references a partitioned table references each of its partitions, and goes with one (measured)."""
    for key in draft.references(parent):
        drop_constraint(draft, key)
    relation = draft.relation(parent)
    for above in relation.parents if relation else ():
        _drop_keys_above(draft, above)


def drop_type_users(draft: Draft, name: str, printed: str) -> None:
    """CASCADE from a type: the columns of it, and domains and composite types made of it."""
    for relation, columns_ in draft.catalog.columns.items():
        for column in columns_.values():
            if column.type and _is_of(column.type, name, printed):
                draft.lock(relation, AE)
                drop_column_dependents(draft, relation, column.name, cascade=True)
                draft.drop("column", column.name, relation)
                draft.destroy("column", column.name, relation)
    for table in draft.ways.typed.get(name, ()):
        drop_relation(draft, table, cascade=True)
    for domain in draft.catalog.types.values():
        if domain.base and _is_of(domain.base, name, printed) and domain.name != name:
            draft.drop("domain", domain.name)
            drop_type_users(draft, domain.name, domain.name.split(".", 1)[1])


def _is_of(text: str, name: str, printed: str) -> bool:
    plain = parts(text).base.replace('"', "")
    return plain in (name, printed.replace('"', ""))


def drop_schema_content(draft: Draft, schema: str) -> None:
    for relation in tuple(draft.catalog.relations.values()):
        if relation.name.startswith(f"{schema}."):
            drop_relation(draft, relation.name, cascade=True)
    for type_ in draft.catalog.types.values():
        if type_.name.startswith(f"{schema}."):
            draft.drop("domain" if type_.kind == "domain" else "type", type_.name)
            drop_type_users(draft, type_.name, type_.name)
    for function in draft.catalog.functions.values():
        if function.name.startswith(f"{schema}."):
            draft.drop("function", function.signature)
            drop_function_users(draft, function.name)


def drop_extension_users(draft: Draft, name: str) -> None:
    for type_ in draft.catalog.types.values():
        if type_.extension == name:
            drop_type_users(draft, type_.name, type_.name.split(".", 1)[1])
    for function in draft.catalog.functions.values():
        if function.extension == name:
            drop_function_users(draft, function.name)
    for index in draft.catalog.indexes.values():
        if index.method in _METHODS.get(name, ()):
            draft.lock(index.relation, AE)
            drop_index(draft, index.name)
            draft.drop("index", index.name)


_METHODS = {"vector": ("hnsw", "ivfflat"), "bloom": ("bloom",), "rum": ("rum",)}


def drop_function_users(draft: Draft, name: str) -> None:
    """CASCADE from a function: defaults, checks, generated columns, indexes, triggers and views that call it."""
    for relation, columns_ in draft.catalog.columns.items():
        for column in columns_.values():
            if isinstance(column.default, str) and _calls(draft, column.default, name):
                draft.lock(relation, AE)
                if column.generated:
                    draft.drop("column", column.name, relation)
                    draft.destroy("column", column.name, relation)
                else:
                    draft.alter(replace(column, default=None), column)
    for constraints_ in draft.catalog.constraints.values():
        for constraint in constraints_.values():
            if name in constraint.calls:
                drop_constraint(draft, constraint)
    for index in draft.catalog.indexes.values():
        if index.definition and _calls_in_index(draft, index.definition, name):
            draft.lock(index.relation, AE)
            drop_index(draft, index.name)
            draft.drop("index", index.name)
    for relation, triggers in draft.catalog.triggers.items():
        for trigger in triggers.values():
            if trigger.function == name:
                cloned = trigger.for_each_row and draft.is_partitioned(relation)
                for member in draft.family(relation) if cloned else (relation,):
                    draft.lock(member, AE)
                draft.drop("trigger", trigger.name, relation)
    for relation, policies in draft.catalog.policies.items():
        for policy in policies.values():
            if name in policy.calls:
                draft.lock(relation, AE)
                draft.drop("policy", policy.name, relation)
    for view in draft.catalog.relations.values():
        if name in view.calls:
            drop_relation(draft, view.name, cascade=True)


def _calls(draft: Draft, expression: str, name: str) -> bool:
    node = parse_expression(expression)
    return node is not None and name in calls(node, draft.catalog)


def _calls_in_index(draft: Draft, definition: str, name: str) -> bool:
    return name in calls(parse(definition), draft.catalog)
