"""Publications, statistics, domains, ranges, schemas, and privileges by default."""

import json
from collections.abc import Iterable
from typing import Any

from migsafe.model.catalog import Statistics, Type
from migsafe.model.effects import Object
from migsafe.sql import expressions, names, privileges, types
from migsafe.sql.draft import Draft
from migsafe.sql.nodes import pb
from migsafe.sql.parse import inner, kind, strings

Found = Iterable[tuple[Object, str, str | None]]

_OPERATIONS = ("insert", "update", "delete", "truncate")


def _publication(node: pb.CreatePublicationStmt, draft: Draft) -> Found:
    publication = Object("publication", node.pubname)
    yield publication, "operations", ", ".join(sorted(_OPERATIONS))
    yield publication, "via root", "false"
    yield from _publication_options(publication, node)
    yield publication, "everything", "true" if node.for_all_tables else "false"
    yield from _published(publication, node, draft)


def _altered_publication(node: pb.AlterPublicationStmt, draft: Draft) -> Found:
    publication = Object("publication", node.pubname)
    yield from _publication_options(publication, node)
    if node.pubobjects and node.action == pb.AP_SetObjects:
        yield from _published(publication, node, draft)
    elif node.pubobjects:
        # Which filters and schemas it has by then is not followed.
        yield publication, "filters", "?"
        yield publication, "schemas", "?"


def _publication_options(publication: Object, node: Any) -> Found:
    for item in node.options:
        element = item.def_elem
        if element.defname == "publish":
            listed = sorted(word.strip().lower() for word in element.arg.string.sval.split(",") if word.strip())
            yield publication, "operations", ", ".join(listed)
        elif element.defname == "publish_via_partition_root":
            yield publication, "via root", "true" if _is_true(element.arg) else "false"


def _is_true(arg: pb.Node) -> bool:
    if kind(arg) == "integer":
        return bool(arg.integer.ival)
    return kind(arg) != "string" or arg.string.sval.lower() not in ("off", "false", "0", "no", "f", "n")


def _published(publication: Object, node: Any, draft: Draft) -> Found:
    filters, schemas = {}, []
    for item in node.pubobjects:
        each = item.publication_obj_spec
        if each.pubtable.HasField("relation"):
            where = each.pubtable.where_clause
            table = names.relation(each.pubtable.relation, draft.catalog)
            columns = sorted(strings(each.pubtable.columns))
            filters[table] = [expressions.text(where) if kind(where) else None, columns]
        else:
            schemas.append(each.name or "?")
    yield publication, "filters", json.dumps(filters)
    yield publication, "schemas", "?" if "?" in schemas else ", ".join(sorted(schemas)) or None


_KINDS = {"ndistinct": "d", "dependencies": "f", "mcv": "m"}


def _statistics(node: pb.CreateStatsStmt, draft: Draft) -> Found:
    made = next((thing for thing in draft.all("creates") if isinstance(thing, Statistics)), None)
    if made is None:
        return
    statistics = Object("statistics", made.name)
    written = [expressions.text(item.stats_elem.expr) for item in node.exprs if not item.stats_elem.name]
    yield statistics, "expressions", json.dumps(written)
    # Of a single expression there is nothing but what ANALYZE gathers of a column (manual, CREATE STATISTICS).
    chosen = [_KINDS.get(word.lower(), "?") for word in strings(node.stat_types)] or list(_KINDS.values())
    alone = len(node.exprs) == 1 and bool(written)
    yield statistics, "kinds", "".join(sorted([*([] if alone else chosen), *(["e"] if written else [])]))
    yield statistics, "statistics target", None


def _statistics_target(node: pb.AlterStatsStmt, draft: Draft) -> Found:
    name = names.listed(node.defnames, draft.catalog, draft.catalog.statistics)
    target = inner(node.stxstattarget)
    value = str(target.ival) if isinstance(target, pb.Integer) else "-1"
    yield Object("statistics", name), "statistics target", None if value == "-1" else value


def _domain(node: pb.CreateDomainStmt, draft: Draft) -> Found:
    made = next((thing for thing in draft.all("creates") if isinstance(thing, Type)), None)
    if made is None:
        return
    domain, checks = Object("type", made.name), iter(made.constraints)
    found: dict[str, str | None] = {"not null": "false", "default": None}
    for item in node.constraints:
        written = item.constraint
        if written.contype == pb.CONSTR_NOTNULL:
            found["not null"] = "true"
        elif written.contype == pb.CONSTR_DEFAULT:
            found["default"] = expressions.text(written.raw_expr)
        elif written.contype == pb.CONSTR_CHECK:
            found[f"check {next(checks, '')}"] = expressions.text(written.raw_expr)
    for name, value in found.items():
        yield domain, name, value


def _altered_domain(node: pb.AlterDomainStmt, draft: Draft) -> Found:
    name = names.listed(node.type_name, draft.catalog, draft.catalog.types)
    domain, written = Object("type", name), getattr(node, "def")
    if node.subtype == "T":
        yield domain, "default", expressions.text(written) if kind(written) is not None else None
    elif node.subtype in ("N", "O"):
        yield domain, "not null", "true" if node.subtype == "O" else "false"
    elif node.subtype == "C" and written.constraint.contype == pb.CONSTR_NOTNULL:
        yield domain, "not null", "true"
    elif node.subtype == "C":
        altered = [each.after for each in draft.all("alters") if isinstance(each.after, Type)]
        if altered and altered[0].constraints:
            yield domain, f"check {altered[0].constraints[-1]}", expressions.text(written.constraint.raw_expr)


def _range(node: pb.CreateRangeStmt, draft: Draft) -> Found:
    made = next((thing for thing in draft.all("creates") if isinstance(thing, Type)), None)
    for item in node.params if made is not None else ():
        if item.def_elem.defname == "subtype" and made is not None:
            yield Object("type", made.name), "subtype", types.text(item.def_elem.arg.type_name, draft.catalog)


def _schema(node: pb.CreateSchemaStmt, draft: Draft) -> Found:
    """Whose it is; what is made in it has its own definition."""
    if node.authrole.rolename and not (node.if_not_exists and not draft.catalog.complete):
        yield Object("schema", node.schemaname or node.authrole.rolename), "owner", node.authrole.rolename


def _comment(node: pb.CommentStmt, draft: Draft) -> Found:
    """On the constraint of a domain."""
    if node.objtype == pb.OBJECT_DOMCONSTRAINT:
        domain, constraint = node.object.list.items
        name = names.listed(domain.type_name.names, draft.catalog, draft.catalog.types)
        yield Object("type", name), f"comment on {constraint.string.sval}", node.comment or None


NOTING = {
    "CreatePublicationStmt": _publication,
    "AlterPublicationStmt": _altered_publication,
    "CreateStatsStmt": _statistics,
    "AlterStatsStmt": _statistics_target,
    "CreateDomainStmt": _domain,
    "AlterDomainStmt": _altered_domain,
    "CreateRangeStmt": _range,
    "CreateSchemaStmt": _schema,
    "AlterDefaultPrivilegesStmt": privileges.by_default,
    "GrantStmt": privileges.options,
    "CommentStmt": _comment,
}
