"""The end of an ALTER TABLE: what is rewritten, verified and rebuilt once every subcommand is known."""

from migsafe.model.catalog import Index
from migsafe.sql import constraints, conversions, indexes
from migsafe.sql.alter_table.alteration import Alteration
from migsafe.sql.draft import AE, Draft


def finish(alteration: Alteration) -> None:
    for member, column in alteration.retyped:
        _carry_type(alteration, member, column, alteration.retyped[member, column])
    for relation in alteration.rewritten:
        _rewrite(alteration, relation)
    for relation in alteration.verified:
        if relation not in alteration.rewritten:
            alteration.draft.scan(relation)


def _rewrite(alteration: Alteration, relation: str) -> None:
    """Every index that stays is built anew."""
    draft = alteration.draft
    draft.rewrite(relation)
    dropped = {item.name for item in draft.all("drops")}
    for index in draft.indexes(relation):
        draft.lock(index.name, AE)
        if index.name not in dropped:
            draft.build(index.name, relation, method=index.method)


def _carry_type(alteration: Alteration, relation: str, column: str, conversion: conversions.Conversion) -> None:
    """Indexes, checks and foreign keys over a column whose type changes (ATPostAlterTypeParse)."""
    draft = alteration.draft
    for index in draft.indexes(relation):
        if column not in (*index.columns, *index.mentions, *index.included):
            continue
        draft.lock(index.name, AE)
        # The part of a partitioned index is built anew by the parent's, which has no file to keep (measured).
        plain = not index.mentions and index.predicate is None and index.parent is None
        if alteration.has_rows(relation) and (conversion.reindexes or not plain):
            draft.scan(relation)
            draft.build(index.name, relation, method=index.method)
        for child in draft.children(relation) if draft.is_partitioned(relation) else ():
            _add_part(draft, child, index)
    for constraint in draft.constraints(relation):
        if column in constraint.columns and constraint.kind == "check" and constraint.validated:
            alteration.verify(relation)
        if column in constraint.columns and constraint.kind == "foreign key" and constraint.references:
            _remake_key(alteration, constraint.relation, constraint.references, conversion.reindexes)
            constraints.lock_key_index(draft, constraint.references, constraint.referenced_columns)
    for key in draft.references(relation):
        if column in key.referenced_columns:
            _remake_key(alteration, key.relation, relation, conversion.reindexes)


def _add_part(draft: Draft, child: str, index: Index) -> None:
    """An index ON ONLY the parent is made again as one for all: partitions without their part get it (measured)."""
    if draft.is_partitioned(child) or any(part.parent == index.name for part in draft.indexes(child)):
        return
    draft.scan(child)
    draft.build(indexes.copy(draft, child, index), child, method=index.method)


def _remake_key(alteration: Alteration, table: str, target: str, validates: bool) -> None:
    draft = alteration.draft
    for name in (table, target):
        for member in draft.family(name) if draft.is_partitioned(name) else (name,):
            draft.lock(member, AE)
    if validates:
        constraints.check_reference(draft, table, target)
