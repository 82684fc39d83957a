"""What a plan must not have changed: owners and grants, what the application may do, rows and NULLs."""

from collections.abc import Iterator, Mapping, Sequence

from migsafe.model.catalog import Catalog, Relation
from migsafe.model.effects import Object
from migsafe.model.lookup import lookup
from migsafe.model.plan import Plan
from migsafe.sql.quote import identifier, literal, qualified
from migsafe.verify.baseline import Baseline, Before, is_written, touched
from migsafe.verify.net import moved, normal
from migsafe.verify.proof import Proof, bare, fill, schema_of
from migsafe.verify.stated import Stated

# They take or move privileges in ways that are not followed.
_GRANTING = ("REVOKE", "REASSIGN OWNED", "DROP OWNED", "DROP ROLE", "ALTER ROLE")
_TABLES = ("table", "partitioned table")
_READ_ONLY = ("view", "materialized view")


def proofs(
    plan: Plan, catalog: Catalog, final: Catalog, baseline: Baseline, stated: Mapping[Object, Stated]
) -> Iterator[Proof]:
    """The proofs of what `baseline` saw; `catalog` is the schema before the plan, `final` the one after it."""
    names = _last_names(plan, baseline, final)
    doubts = _granting(plan)
    for before in baseline.relations:
        name = names.get(before.name)
        if name is None:
            continue
        set_ = stated[Object("relation", name)].values if Object("relation", name) in stated else {}
        yield from _grants(before, name, set_, doubts)
        yield from _rights(before.name, name, baseline, final, stated, doubts)
        yield from _rows(before, name, plan, catalog, final)
        yield from _nulls(before, name, plan, catalog, final)
    yield from _new(plan, catalog, final, baseline, stated)


def _last_names(plan: Plan, baseline: Baseline, final: Catalog) -> dict[str, str]:
    """Under which name to look for what had a name before: the same one if there is such a relation still."""
    renames = [
        (normal(rename.old), normal(rename.new))
        for statement in plan.statements
        for rename in statement.effects.renames
        if not rename.old.of
    ]
    found = {}
    for before in baseline.relations:
        thing = Object("relation", before.name)
        for old, new in renames:
            thing = moved(thing, old, new)
        last = before.name if before.name in final.relations else thing.name
        if last in final.relations:
            found[before.name] = last
    return found


def _granting(plan: Plan) -> tuple[str, ...]:
    return tuple(
        statement.place
        for statement in plan.statements
        if statement.effects.command in _GRANTING and not statement.effects.attributes
    )


def _grants(before: Before, name: str, set_: Mapping[str, str | None], doubts: tuple[str, ...]) -> Iterator[Proof]:
    kept = [(role, privilege) for role, privilege in before.grants if f"{privilege} of {role}" not in set_]
    if not kept or "owner" in set_:
        return
    words = ", ".join(f"{privilege} of {role}" for role, privilege in kept)
    values = ", ".join(f"({literal(role)}, {literal(privilege)})" for role, privilege in kept)
    yield Proof(
        name="grants-kept",
        kind="relation",
        subject=name,
        expected=f"still {words}",
        sql=fill("verify_grants", schema=schema_of(name), name=literal(bare(name)), expected=values),
        remedy=" ".join(f"GRANT {each} ON {qualified(name)} TO {_role(role)};" for role, each in kept),
        doubts=doubts,
    )


def _role(name: str) -> str:
    return name if name == "PUBLIC" else identifier(name)


def _rights(
    old: str,
    name: str,
    baseline: Baseline,
    final: Catalog,
    stated: Mapping[Object, Stated],
    doubts: tuple[str, ...],
) -> Iterator[Proof]:
    """What each role of the application could do with the relation, it can do now."""
    for role in baseline.roles:
        rights: list[tuple[str, str | None]] = []
        for right in baseline.rights:
            privilege = f"{right.privilege} of {role}"
            if (right.role, right.relation) != (role, old) or _is_set(stated, None, name, privilege):
                continue
            there = final.columns.get(name, {})
            columns: list[str | None] = [each for each in right.columns or () if each in there]
            columns = [None] if right.columns is None else columns
            rights += [(right.privilege, each) for each in columns if not _is_set(stated, each, name, privilege)]
        if rights:
            yield _usable(role, name, rights, doubts)


def _is_set(stated: Mapping[Object, Stated], column: str | None, relation: str, privilege: str) -> bool:
    """Whether the plan itself says who has the privilege on the relation, or on a column of it."""
    thing = Object("relation", relation) if column is None else Object("column", column, relation)
    return thing in stated and privilege in stated[thing].values


def _usable(role: str, name: str, rights: Sequence[tuple[str, str | None]], doubts: tuple[str, ...] = ()) -> Proof:
    said = ", ".join(privilege + (f" ({identifier(column)})" if column else "") for privilege, column in rights)
    values = ", ".join(
        f"({literal(privilege)}, {literal(column) if column else 'NULL::text'})" for privilege, column in rights
    )
    schema = name.split(".", 1)[0]
    sql = fill(
        "verify_rights",
        schema=schema_of(name),
        name=literal(bare(name)),
        role=literal(role),
        namespace=literal(schema),
        expected=values,
    )
    usage = f"GRANT USAGE ON SCHEMA {identifier(schema)} TO {identifier(role)};"
    grant = f"GRANT {said} ON {qualified(name)} TO {identifier(role)};"
    return Proof(
        name="application-can",
        kind="role",
        subject=f"{role} on {name}",
        expected=said,
        sql=sql,
        remedy=grant if schema == "public" else f"{usage} {grant}",
        doubts=doubts,
    )


def _rows(before: Before, name: str, plan: Plan, catalog: Catalog, final: Catalog) -> Iterator[Proof]:
    relation = catalog.relations[before.name]
    if relation.kind not in _TABLES or _changes_rows(before.name, name, plan, catalog, final):
        return
    if before.rows is None:
        if relation.rows is None or relation.rows < 1:
            return
        expected = f"rows in it (about {relation.rows:,.0f} before: too many to count)"
        sql = fill("verify_some_rows", table=qualified(name))
    else:
        expected = f"its {before.rows:,} rows, or more where the application wrote meanwhile"
        sql = fill("verify_rows", rows=str(before.rows), **_counters(before, name, plan))
    yield Proof(
        name="rows-kept",
        kind="table",
        subject=name,
        expected=expected,
        sql=sql,
        remedy="Ask again in a minute: migsafe verify last. Rows that are lost are in the backup of the run.",
        grant=f"GRANT SELECT ON {qualified(name)} TO {{role}};",
    )


def _counters(before: Before, name: str, plan: Plan) -> dict[str, str]:
    """`counted`: the counters are still those of the same table."""
    replaced = any(
        rename.old.name == before.name and not rename.old.of
        for statement in plan.statements
        for rename in statement.effects.renames
    )
    dropped = any(each.name == before.name and not each.of for s in plan.statements for each in s.effects.drops)
    return {
        "table": qualified(name),
        "regclass": literal(qualified(name)),
        "inserted": str(before.inserted),
        "deleted": str(before.deleted),
        "counted": "false" if name == before.name and (replaced or dropped) else "true",
    }


_ROWS = ("INSERT", "DELETE", "MERGE", "COPY")


def _changes_rows(old: str, name: str, plan: Plan, catalog: Catalog, final: Catalog) -> bool:
    """Whether the plan itself writes rows, or gives the table other partitions and children."""
    was, now = lookup(catalog).children, lookup(final).children
    parts = {*was.get(old, ()), *now.get(old, ()), *now.get(name, ())}
    changed = {part for part in parts if part not in catalog.relations or part not in final.relations}
    moved_ = {part for part in parts - changed if catalog.relations[part].parents != final.relations[part].parents}
    return bool(changed or moved_) or is_written(plan, {old, name, *parts}, _ROWS)


def _nulls(before: Before, name: str, plan: Plan, catalog: Catalog, final: Catalog) -> Iterator[Proof]:
    """Of a column with another type, or another column under its name, as many values are NULL as before."""
    if before.rows is None or is_written(plan, {before.name, name}, _ROWS):
        return
    for column, nulls in before.nulls.items():
        if column not in final.columns.get(name, {}):
            continue
        written = str(before.inserted + before.updated + before.deleted)
        values = _counters(before, name, plan) | {"written": written, "column": identifier(column)}
        yield Proof(
            name="nulls-kept",
            kind="column",
            subject=f"{name}.{column}",
            expected=f"{nulls:,} of {before.rows:,} values NULL, as before",
            sql=fill("verify_nulls", nulls=str(nulls), **values),
            remedy="Look which rows have lost their value, and fill them again: the backup of the run has them.",
            grant=f"GRANT SELECT ON {qualified(name)} TO {{role}};",
        )


def _new(
    plan: Plan, catalog: Catalog, final: Catalog, baseline: Baseline, stated: Mapping[Object, Stated]
) -> Iterator[Proof]:
    """A new table is for the application what all the other tables of its schema are."""
    known = set(touched(plan, catalog))
    for relation in final.relations.values():
        is_new = relation.name not in catalog.relations and relation.name not in known
        if not is_new or relation.bound or relation.persistence == "temporary" or relation.kind not in _KINDS:
            continue
        if bare(relation.name) == bare(plan.version_table):
            continue
        values = stated[Object("relation", relation.name)].values if Object("relation", relation.name) in stated else {}
        for role in baseline.roles:
            shared = _shared(relation, role, baseline)
            rights = [(right, None) for right in shared if values.get(f"{right} of {role}", "") is not None]
            if rights and not _was_renamed(plan, relation.name):
                yield _usable(role, relation.name, rights)
                yield from _sequences(role, relation, rights, final)


_KINDS = (*_TABLES, *_READ_ONLY)


def _was_renamed(plan: Plan, name: str) -> bool:
    return any(rename.new.name == name for statement in plan.statements for rename in statement.effects.renames)


def _shared(relation: Relation, role: str, baseline: Baseline) -> list[str]:
    schema = relation.name.split(".", 1)[0]
    rights = [right for who, where, right in baseline.shared if (who, where) == (role, schema)]
    return [right for right in rights if right == "SELECT" or relation.kind in _TABLES]


def _sequences(role: str, relation: Relation, rights: list[tuple[str, None]], final: Catalog) -> Iterator[Proof]:
    """Who inserts needs USAGE on the sequence of a serial column; that of an identity asks for nothing."""
    if ("INSERT", None) not in rights:
        return
    for sequence in (final.relations[name] for name in lookup(final).sequences.get(relation.name, ())):
        if sequence.owned_by is None:
            continue
        column = final.columns.get(relation.name, {}).get(sequence.owned_by[1])
        if column is not None and column.identity is None:
            name = sequence.name
            yield Proof(
                name="application-can",
                kind="role",
                subject=f"{role} on {name}",
                expected="USAGE",
                sql=fill("verify_sequence_right", schema=schema_of(name), name=literal(bare(name)), role=literal(role)),
                remedy=f"GRANT USAGE ON SEQUENCE {qualified(name)} TO {identifier(role)};",
            )
