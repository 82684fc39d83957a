"""CREATE, ALTER and DROP EXTENSION; publications, subscriptions, statistics and other objects beside the tables."""

from typing import Any

from migsafe.model.catalog import EventTrigger, Extension, Publication, Schema, Statistics, Type
from migsafe.sql import expressions, names, types
from migsafe.sql.draft import AS, SUE, Draft, replace
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner, kind, strings


def create(node: pb.CreateExtensionStmt, draft: Draft) -> None:
    draft.command = "CREATE EXTENSION"
    options = {item.def_elem.defname: item.def_elem.arg.string.sval for item in node.options}
    version = options.get("new_version")
    draft.need("extension", node.extname, version)
    if node.if_not_exists and node.extname in draft.catalog.extensions:
        draft.skip()
        return
    schema = options.get("schema") or names.created("", draft.catalog).rstrip(".")
    draft.create(Extension(node.extname, version, schema))
    for type_name in types.EXTENSION_TYPES.get(node.extname, ()):
        draft.create(Type(f"{schema}.{type_name}", "base", extension=node.extname))


def update(node: pb.AlterExtensionStmt, draft: Draft) -> None:
    draft.command = "ALTER EXTENSION"
    options = {item.def_elem.defname: item.def_elem.arg.string.sval for item in node.options}
    known = draft.catalog.extensions.get(node.extname)
    draft.need("extension", node.extname, options.get("new_version"))
    draft.alter(Extension(node.extname, options.get("new_version"), known.schema if known else None), known)
    draft.suppose("an update script of an extension may lock its own tables, and what depends on them")


def change_content(node: pb.AlterExtensionContentsStmt, draft: Draft) -> None:
    draft.command = "ALTER EXTENSION"
    kinds = (pb.OBJECT_TABLE, pb.OBJECT_VIEW, pb.OBJECT_SEQUENCE, pb.OBJECT_MATVIEW, pb.OBJECT_FOREIGN_TABLE)
    if node.objtype in kinds:
        draft.lock(names.listed(node.object.list.items, draft.catalog, draft.catalog.relations), SUE)


def create_statistics(node: pb.CreateStatsStmt, draft: Draft) -> None:
    draft.command = "CREATE STATISTICS"
    for item in node.relations:
        table = names.relation(item.range_var, draft.catalog)
        draft.lock(table, SUE)
        name = _statistics_name(node, draft, table)
        if node.if_not_exists and name in draft.catalog.statistics:
            draft.skip()
            return
        mentioned = [e.stats_elem.name for e in node.exprs if e.stats_elem.name]
        inside = [c for e in node.exprs for c in expressions.columns(e.stats_elem.expr)]
        draft.create(Statistics(name, table, tuple(dict.fromkeys([*mentioned, *inside]))))


def _statistics_name(node: pb.CreateStatsStmt, draft: Draft, table: str) -> str:
    listed = strings(node.defnames)
    if listed:
        return ".".join(listed[-2:]) if len(listed) > 1 else names.created(listed[-1], draft.catalog)
    schema, bare = names.split(table)
    parts = "_".join(item.stats_elem.name or "expr" for item in node.exprs)
    chosen = names.chosen(bare, parts, "stat", lambda name: f"{schema}.{name}" in draft.catalog.statistics)
    return f"{schema}.{chosen}"


def create_publication(node: pb.CreatePublicationStmt, draft: Draft) -> None:
    draft.command = "CREATE PUBLICATION"
    tables = _published(node, draft)
    everything = node.for_all_tables or any(not _is_table(item) for item in node.pubobjects)
    draft.create(Publication(node.pubname, None if everything else tables))


def alter_publication(node: pb.AlterPublicationStmt, draft: Draft) -> None:
    """SET locks the tables that leave too."""
    draft.command = "ALTER PUBLICATION"
    before = draft.catalog.publications.get(node.pubname, ())
    known = before or ()
    tables = _published(node, draft)
    if not node.pubobjects:
        return
    kept = known
    if node.action == pb.AP_SetObjects:
        for name in known:
            draft.lock(name, SUE)
        kept = ()
    elif node.action == pb.AP_DropObjects:
        kept, tables = tuple(name for name in known if name not in tables), ()
    # Which tables those of a schema are is not told one by one.
    of_schemas = any(not _is_table(item) for item in node.pubobjects)
    untold = of_schemas or (before is None and node.action != pb.AP_SetObjects)
    after = None if untold else tuple(dict.fromkeys([*kept, *tables]))
    draft.alter(Publication(node.pubname, after), Publication(node.pubname, before))


def _is_table(item: pb.Node) -> bool:
    return bool(item.publication_obj_spec.pubtable.HasField("relation"))


def _published(node: Any, draft: Draft) -> tuple[str, ...]:
    """SHARE UPDATE EXCLUSIVE on the tables named, and on their children; ALL TABLES and schemas lock none."""
    found: list[str] = []
    for item in node.pubobjects:
        if not _is_table(item):
            continue
        table = item.publication_obj_spec.pubtable.relation
        name = names.relation(table, draft.catalog)
        for member in draft.family(name) if table.inh and not draft.is_partitioned(name) else (name,):
            draft.lock(member, SUE)
            found.append(member)
    return tuple(found)


def create_subscription(node: pb.CreateSubscriptionStmt, draft: Draft) -> None:
    draft.command = "CREATE SUBSCRIPTION"
    connects = {item.def_elem.defname: _truth(item.def_elem) for item in node.options}
    creates_slot = connects.get("connect", True) and connects.get("create_slot", True)
    draft.in_transaction = not creates_slot


def _truth(element: pb.DefElem) -> bool:
    arg = element.arg
    if arg.WhichOneof("node") == "boolean":
        return bool(arg.boolean.boolval)
    return arg.string.sval.lower() not in ("false", "off", "none", "0")


def drop_subscription(node: pb.DropSubscriptionStmt, draft: Draft) -> None:
    draft.command = "DROP SUBSCRIPTION"
    draft.suppose("it must not run in a transaction block if the subscription has a replication slot")
    draft.drop("subscription", node.subname)


_ELEMENTS = ("create_seq_stmt", "create_stmt", "view_stmt", "index_stmt", "create_trig_stmt", "grant_stmt")


def create_schema(node: pb.CreateSchemaStmt, draft: Draft) -> None:
    from migsafe.sql.predict import of_node

    draft.command = "CREATE SCHEMA"
    if node.if_not_exists and node.schemaname in draft.catalog.schemas:
        draft.skip()
        return
    draft.need("create-in-database", "")
    draft.create(Schema(node.schemaname or node.authrole.rolename))
    # transformCreateSchemaStmtElements(): in an order of its own, whatever the order written.
    for element in sorted(node.schema_elts, key=lambda element: _ELEMENTS.index(kind(element))):
        inside = replace(draft.catalog, search_path=(node.schemaname, *draft.catalog.search_path))
        effects = of_node(inner(element), inside, draft.version)
        outer = draft.catalog.search_path
        draft.absorb(effects)
        draft.catalog = replace(draft.catalog, search_path=outer)


def create_event_trigger(node: pb.CreateEventTrigStmt, draft: Draft) -> None:
    draft.command = "CREATE EVENT TRIGGER"
    tags = [value.string.sval.upper() for item in node.whenclause for value in item.def_elem.arg.list.items]
    function = expressions.function_name(strings(node.funcname), draft.catalog)
    draft.create(EventTrigger(node.trigname, node.eventname, function, tuple(tags)))


def alter_event_trigger(node: pb.AlterEventTrigStmt, draft: Draft) -> None:
    draft.command = "ALTER EVENT TRIGGER"
    known = draft.catalog.event_triggers.get(node.trigname)
    if known:
        draft.alter(replace(known, enabled=node.tgenabled != "D"), known)


def comment(node: pb.CommentStmt, draft: Draft) -> None:
    """SHARE UPDATE EXCLUSIVE on a relation; ACCESS SHARE for a constraint, trigger, rule or policy (measured)."""
    draft.command = "COMMENT"
    parts = node.object.list.items
    relations = (draft.catalog.relations, draft.catalog.indexes)
    if node.objtype in _COMMENTED:
        name = names.listed(parts, draft.catalog, *relations)
        draft.lock(name, SUE, _COMMENTED[node.objtype])
    elif node.objtype == pb.OBJECT_COLUMN:
        draft.lock(names.listed(parts[:-1], draft.catalog, *relations), SUE)
    elif node.objtype in (pb.OBJECT_TABCONSTRAINT, pb.OBJECT_TRIGGER, pb.OBJECT_RULE, pb.OBJECT_POLICY):
        draft.lock(names.listed(parts[:-1], draft.catalog, *relations), AS)


_COMMENTED = {
    pb.OBJECT_TABLE: "table",
    pb.OBJECT_VIEW: "view",
    pb.OBJECT_MATVIEW: "materialized view",
    pb.OBJECT_SEQUENCE: "sequence",
    pb.OBJECT_INDEX: "index",
    pb.OBJECT_FOREIGN_TABLE: "foreign table",
}


HANDLES = {
    "CreateExtensionStmt": create,
    "AlterExtensionStmt": update,
    "AlterExtensionContentsStmt": change_content,
    "CreateStatsStmt": create_statistics,
    "CreatePublicationStmt": create_publication,
    "AlterPublicationStmt": alter_publication,
    "CreateSubscriptionStmt": create_subscription,
    "DropSubscriptionStmt": drop_subscription,
    "CreateSchemaStmt": create_schema,
    "CreateEventTrigStmt": create_event_trigger,
    "AlterEventTrigStmt": alter_event_trigger,
    "CommentStmt": comment,
}
