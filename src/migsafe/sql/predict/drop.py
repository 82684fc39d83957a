"""DROP of everything that has a name."""

from collections.abc import Callable
from typing import Any

from migsafe.sql import drops, names, types
from migsafe.sql.draft import AE, AS, SUE, Draft, replace
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner, strings

_RELATIONS = {
    pb.OBJECT_TABLE: "table",
    pb.OBJECT_VIEW: "view",
    pb.OBJECT_MATVIEW: "materialized view",
    pb.OBJECT_SEQUENCE: "sequence",
    pb.OBJECT_FOREIGN_TABLE: "foreign table",
}


def drop(node: pb.DropStmt, draft: Draft) -> None:
    draft.command = f"DROP {object_words(node.remove_type)}"
    for item in node.objects:
        if node.remove_type in _RELATIONS:
            _drop_relation(node, draft, names.listed(item.list.items, draft.catalog, draft.catalog.relations))
        else:
            _OTHERS.get(node.remove_type, _drop_plain)(node, draft, item)


def object_words(kind: int) -> str:
    """INDEX, MATERIALIZED VIEW, EVENT TRIGGER: what a statement calls the kind of an object."""
    name: str = pb.ObjectType.Name(kind).removeprefix("OBJECT_")
    return _WORDS.get(name, name.replace("_", " "))


_WORDS = {
    "MATVIEW": "MATERIALIZED VIEW",
    "TABCONSTRAINT": "CONSTRAINT",
    "DOMCONSTRAINT": "CONSTRAINT",
    "STATISTIC_EXT": "STATISTICS",
    "FDW": "FOREIGN DATA WRAPPER",
    "FOREIGN_SERVER": "SERVER",
    "TSCONFIGURATION": "TEXT SEARCH CONFIGURATION",
    "TSDICTIONARY": "TEXT SEARCH DICTIONARY",
    "TSPARSER": "TEXT SEARCH PARSER",
    "TSTEMPLATE": "TEXT SEARCH TEMPLATE",
    "OPCLASS": "OPERATOR CLASS",
    "OPFAMILY": "OPERATOR FAMILY",
}


def _drop_relation(node: pb.DropStmt, draft: Draft, name: str) -> None:
    if node.missing_ok and draft.catalog.complete and not draft.is_known(name):
        draft.skip()
        return
    cascade = node.behavior == pb.DROP_CASCADE
    if not draft.is_known(name):
        _drop_unknown(node, draft, name, cascade)
        return
    drops.drop_relation(draft, name, cascade)
    draft.need("owner", name)
    if node.remove_type == pb.OBJECT_SEQUENCE and cascade:
        _drop_sequence_defaults(draft, name)


def _drop_unknown(node: pb.DropStmt, draft: Draft, name: str, cascade: bool) -> None:
    kind = _RELATIONS[node.remove_type]
    draft.lock(name, AE, kind)
    draft.drop(kind, name)
    if kind in ("table", "materialized view", "foreign table"):
        draft.destroy(kind, name)
    if kind == "table" and not draft.catalog.complete:
        draft.suppose(f"ACCESS EXCLUSIVE on every table that a foreign key of {name} references too")
    if cascade:
        draft.suppose(f"what depends on {name} is locked in ACCESS EXCLUSIVE and dropped too")


def _drop_sequence_defaults(draft: Draft, name: str) -> None:
    relation = draft.relation(name)
    if relation and relation.owned_by:
        draft.lock(relation.owned_by[0], AE)
        column = draft.column(*relation.owned_by)
        if column is not None and isinstance(column.default, str):
            draft.alter(replace(column, default=None), column)


def _drop_index(node: pb.DropStmt, draft: Draft, item: Any) -> None:
    """ACCESS EXCLUSIVE on the table and the index; CONCURRENTLY waits for readers and locks out only the index."""
    name = names.listed(item.list.items, draft.catalog, draft.catalog.indexes)
    draft.concurrently = bool(node.concurrent)
    draft.in_transaction = not node.concurrent
    index = draft.index(name)
    if index is None:
        if node.missing_ok and draft.catalog.complete:
            draft.skip()
            return
        draft.lock(name, AE, "index")
        draft.drop("index", name)
        if not draft.catalog.complete:
            draft.suppose(f"{'SHARE UPDATE' if node.concurrent else 'ACCESS'} EXCLUSIVE on the table of {name} too")
        return
    for member in draft.family(index.relation) if draft.is_partitioned(index.relation) else (index.relation,):
        draft.lock(member, SUE if node.concurrent else AE)
    if node.concurrent:
        draft.wait(f"writers of {index.relation}")
        draft.wait(f"readers of {index.relation}")
    drops.drop_index(draft, name)
    draft.drop(draft.kind(name), name)
    draft.need("owner", index.relation)


def _drop_attached(node: pb.DropStmt, draft: Draft, item: Any) -> None:
    """Triggers, rules and policies: ACCESS EXCLUSIVE on the table, and on its partitions for a trigger."""
    parts = strings(item.list.items)
    table = names.listed(item.list.items[:-1], draft.catalog, draft.catalog.relations)
    word = object_words(node.remove_type).lower()
    things: Any = {"trigger": draft.catalog.triggers, "rule": draft.catalog.rules}.get(word, draft.catalog.policies)
    if node.missing_ok and draft.catalog.complete and parts[-1] not in things.get(table, {}):
        if draft.is_known(table):
            draft.lock(table, AS, transient=True)
        return
    trigger = draft.catalog.triggers.get(table, {}).get(parts[-1])
    cloned = word == "trigger" and draft.is_partitioned(table) and (trigger is None or trigger.for_each_row)
    members = draft.family(table) if cloned else (table,)
    for member in members:
        draft.lock(member, AE)
        if member == table or parts[-1] in things.get(member, {}):
            draft.drop(word, parts[-1], member)


def _drop_type(node: pb.DropStmt, draft: Draft, item: Any) -> None:
    printed = types.text(item.type_name, draft.catalog)
    name = names.listed(item.type_name.names, draft.catalog, draft.catalog.types)
    known = draft.catalog.types.get(name)
    if node.missing_ok and known is None and draft.catalog.complete:
        draft.skip()
        return
    draft.drop("domain" if node.remove_type == pb.OBJECT_DOMAIN else "type", name)
    if known and known.kind == "composite":
        draft.lock(name, AE, "composite type")
    if node.behavior == pb.DROP_CASCADE:
        if not draft.catalog.complete:
            draft.give_up(f"which columns are of type {name} is not known")
        drops.drop_type_users(draft, name, printed)


def _drop_schema(node: pb.DropStmt, draft: Draft, item: Any) -> None:
    name = item.string.sval
    draft.drop("schema", name)
    if node.behavior == pb.DROP_CASCADE:
        if not draft.catalog.complete:
            draft.give_up(f"what is in schema {name} is not known")
        drops.drop_schema_content(draft, name)


def _drop_extension(node: pb.DropStmt, draft: Draft, item: Any) -> None:
    name = item.string.sval
    if node.missing_ok and draft.catalog.complete and name not in draft.catalog.extensions:
        draft.skip()
        return
    draft.drop("extension", name)
    if node.behavior == pb.DROP_CASCADE:
        if not draft.catalog.complete:
            draft.give_up(f"which columns and indexes use extension {name} is not known")
        drops.drop_extension_users(draft, name)


def _drop_function(node: pb.DropStmt, draft: Draft, item: Any) -> None:
    parts = item.object_with_args
    name = names.listed(parts.objname, draft.catalog, draft.catalog.volatility)
    arguments = tuple(types.text(argument.type_name, draft.catalog) for argument in parts.objargs)
    signature = next(
        (
            f.signature
            for f in draft.catalog.functions.values()
            if f.name == name and (parts.args_unspecified or f.arguments == arguments)
        ),
        f"{name}({', '.join(arguments)})",
    )
    draft.drop("function", signature)
    if node.behavior == pb.DROP_CASCADE:
        if not draft.catalog.complete:
            draft.give_up(f"what depends on function {name} is not known")
        drops.drop_function_users(draft, name)


def _drop_statistics(node: pb.DropStmt, draft: Draft, item: Any) -> None:
    name = names.listed(item.list.items, draft.catalog, draft.catalog.statistics)
    known = draft.catalog.statistics.get(name)
    if known:
        draft.lock(known.relation, SUE)
    draft.drop("statistics", name)


def _drop_plain(node: pb.DropStmt, draft: Draft, item: Any) -> None:
    if node.behavior == pb.DROP_CASCADE and node.remove_type not in _ALONE:
        draft.give_up(f"what depends on the {object_words(node.remove_type).lower()} is not known")
    content = inner(item)
    if isinstance(content, pb.String):
        name = content.sval
    elif isinstance(content, pb.List) and all(part.WhichOneof("node") == "string" for part in content.items):
        name = names.listed(content.items, draft.catalog, draft.catalog.statistics)
    else:
        return
    draft.drop(object_words(node.remove_type).lower(), name)


# Nothing depends on these.
_ALONE = (pb.OBJECT_PUBLICATION, pb.OBJECT_EVENT_TRIGGER, pb.OBJECT_TRANSFORM)

_OTHERS: dict[int, Callable[[Any, Draft, Any], None]] = {
    pb.OBJECT_INDEX: _drop_index,
    pb.OBJECT_STATISTIC_EXT: _drop_statistics,
    pb.OBJECT_TRIGGER: _drop_attached,
    pb.OBJECT_RULE: _drop_attached,
    pb.OBJECT_POLICY: _drop_attached,
    pb.OBJECT_TYPE: _drop_type,
    pb.OBJECT_DOMAIN: _drop_type,
    pb.OBJECT_SCHEMA: _drop_schema,
    pb.OBJECT_EXTENSION: _drop_extension,
    pb.OBJECT_FUNCTION: _drop_function,
    pb.OBJECT_PROCEDURE: _drop_function,
    pb.OBJECT_ROUTINE: _drop_function,
    pb.OBJECT_AGGREGATE: _drop_function,
}

HANDLES = {"DropStmt": drop}
