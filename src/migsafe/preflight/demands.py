"""The rights that a plan needs on what is on the server already."""

from collections.abc import Iterator

import msgspec

from migsafe.model.catalog import Constraint, Index, Relation, Trigger, Type
from migsafe.model.plan import Plan
from migsafe.preflight.touched import Moment, altered_relations, is_version_table, moments

_WRITES = {
    "INSERT": "INSERT",
    "COPY": "INSERT",
    "UPDATE": "UPDATE",
    "DELETE": "DELETE",
    # Which of them, its WHEN clauses say; has_table_privilege() takes any one of a list.
    "MERGE": "INSERT, UPDATE, DELETE",
}

_DROPS = tuple(f"DROP {kind}" for kind in ("TABLE", "INDEX", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "FOREIGN TABLE"))


class Demand(msgspec.Struct, frozen=True):
    """A right that a statement needs; `role` when SET ROLE made it another one.

    `kind` is as in Need, or "drop": of `name`, which the owner of its schema may as well (DROP TABLE in the manual).
    """

    kind: str
    name: str
    detail: str | None = None
    role: str | None = None
    place: str = ""


def demands(plan: Plan) -> tuple[Demand, ...]:
    """Every right once, at the place of the first statement that needs it."""
    found: dict[tuple[str, str, str | None, str | None], Demand] = {}
    for moment in moments(plan):
        for kind, name, detail in _needs(moment):
            key = (kind, name, detail, moment.role)
            found.setdefault(key, Demand(*key, place=moment.statement.place))
    for kind, name, detail in _version_table(plan):
        found.setdefault((kind, name, detail, None), Demand(kind, name, detail))
    return tuple(found.values())


def _needs(moment: Moment) -> Iterator[tuple[str, str, str | None]]:
    effects = moment.effects
    # What CASCADE takes along, and the parts of what is dropped, needs no right of its own.
    drops = effects.command in _DROPS and any(need.kind == "owner" for need in effects.needs)
    for need in effects.needs:
        if need.kind in ("owner", "privilege"):
            kind = "drop" if drops and need.kind == "owner" else need.kind
            yield from _on(moment, kind, need.name, need.detail)
        elif need.kind in ("create-in-schema", "create-in-database", "superuser"):
            yield need.kind, need.name, None
    for name in () if drops else altered_relations(effects):
        yield from _on(moment, "owner", name)
    for write in effects.writes:
        yield from _on(moment, "privilege", write.relation, _WRITES.get(write.command, write.command))
    for name in effects.truncates:
        yield from _on(moment, "privilege", name, "TRUNCATE")
    for made in effects.creates:
        if isinstance(made, Constraint) and made.references:
            yield from _on(moment, "privilege", made.references, "REFERENCES")
        elif isinstance(made, Trigger):
            yield from _on(moment, "privilege", made.relation, "TRIGGER")
        elif isinstance(made, Relation | Index | Type) and not made.name.startswith("pg_temp."):
            yield "create-in-schema", made.name.partition(".")[0], None


def _on(moment: Moment, kind: str, name: str, detail: str | None = None) -> Iterator[tuple[str, str, str | None]]:
    now = moment.now(name)
    if now is not None:
        yield kind, now, detail


def _version_table(plan: Plan) -> Iterator[tuple[str, str, str | None]]:
    """INSERT, UPDATE or DELETE on Alembic's own table, as the statements that move the version have it."""
    made: set[str] = set()
    for statement in plan.statements:
        made |= {each.name for each in statement.effects.creates if isinstance(each, Relation)}
        for write in statement.effects.writes:
            if is_version_table(write.relation, plan.version_table) and write.relation not in made:
                yield "privilege", write.relation, write.command
