"""May this role do what the plan does?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.demands import Demand, demands
from migsafe.preflight.providers import recognised
from migsafe.preflight.wording import some
from migsafe.settings import Settings
from migsafe.sql.quote import identifier, qualified

CHECK = check(
    __name__,
    group="privileges",
    why="Only its owner may alter a relation (drop it: the schema's owner too); a migration that lacks one privilege "
    "fails at that statement, with the revisions before it done.",
    remedy="Run migsafe as the owner of the schema: `--url` with that user, or SET ROLE in env.py.",
)


def run(*, connection: Connection, plan: Plan, settings: Settings, **_: object) -> Iterator[CheckResult]:
    wanted = demands(plan)
    if not wanted:
        return
    found = [
        *_on_relations(connection, [each for each in wanted if each.kind in ("owner", "drop", "privilege")]),
        *_on_schemas(connection, [each for each in wanted if each.kind == "create-in-schema"], wanted),
        *_on_database(
            connection, settings, [each for each in wanted if each.kind in ("create-in-database", "superuser")]
        ),
    ]
    yield from found
    if not found:
        names = some(each.name for each in wanted)
        sql = query("preflight_table_rights")
        yield answer(CHECK, "passed", f"This role may do all that the plan is known to do ({names}).", sql=sql)


def _on_relations(connection: Connection, wanted: list[Demand]) -> Iterator[CheckResult]:
    if not wanted:
        return
    columns = {
        "kinds": [each.kind for each in wanted],
        "names": [each.name for each in wanted],
        "details": [each.detail for each in wanted],
        "roles": [each.role for each in wanted],
    }
    hidden = set()
    for row in ask(connection, "preflight_table_rights", **columns):
        if row["owner"] is None:
            yield _not_there(row["name"])
        elif not row["sees"]:
            if (row["schema"], row["role"]) not in hidden:
                hidden.add((row["schema"], row["role"]))
                yield _hidden(row)
        elif not row["may"]:
            yield _not_granted(row) if row["kind"] == "privilege" else _no_owner(row)


def _not_there(name: str) -> CheckResult:
    remedy = "If no earlier revision makes it, the revision fails: create it, or correct the name."
    message = f"{name} is not there, so nothing can be said of the rights on it."
    return answer(CHECK, "unknown", message, subject=name, remedy=remedy)


def _hidden(row: Row) -> CheckResult:
    schema, role = identifier(row["schema"]), identifier(row["role"])
    return _blocked(
        f"{role} has no USAGE on schema {schema}, where {row['name']} is.",
        row["schema"],
        f"GRANT USAGE ON SCHEMA {schema} TO {role};",
    )


def _no_owner(row: Row) -> CheckResult:
    name, role, owner = qualified(row["name"]), identifier(row["role"]), identifier(row["owner"])
    remedy = f"SET ROLE {owner}; in env.py" if row["may_set"] else f"GRANT {owner} TO {role};"
    verb, member = ("drop" if row["kind"] == "drop" else "alter"), ""
    if row["may_set"]:
        member = f"; it is a member of {owner}, but does not inherit its rights"
    return _blocked(
        f"{name} belongs to {owner}, and {role} may not {verb} it{member}.",
        row["name"],
        f"{remedy} or ALTER TABLE {name} OWNER TO {role};",
    )


def _not_granted(row: Row) -> CheckResult:
    name, role = qualified(row["name"]), identifier(row["role"])
    return _blocked(
        f"{role} has no {row['detail']} on {name}.", row["name"], f"GRANT {row['detail']} ON {name} TO {role};"
    )


def _on_schemas(connection: Connection, wanted: list[Demand], all_: tuple[Demand, ...]) -> Iterator[CheckResult]:
    """A schema that is not there is made by the plan where the plan makes schemas at all."""
    makes_schemas = any(each.kind == "create-in-database" for each in all_)
    if not wanted:
        return
    names, roles = [each.name for each in wanted], [each.role for each in wanted]
    for row in ask(connection, "preflight_schema_rights", names=names, roles=roles):
        if not row["there"]:
            if not makes_schemas:
                yield _not_there(row["name"])
        elif not row["may"]:
            schema, role = identifier(row["name"]), identifier(row["role"])
            grant = f"GRANT CREATE ON SCHEMA {schema} TO {role};"
            yield _blocked(f"{role} may not create anything in schema {schema}.", row["name"], grant)


def _on_database(connection: Connection, settings: Settings, wanted: list[Demand]) -> Iterator[CheckResult]:
    if not wanted:
        return
    rows = ask(connection, "preflight_database_rights", roles=[each.role for each in wanted])
    for demand, row in zip(wanted, rows, strict=True):
        role = identifier(row["role"])
        if demand.kind == "superuser" and not row["superuser"]:
            yield _no_superuser(connection, settings, demand, role)
        if demand.kind == "create-in-database" and not row["may_create"]:
            database = identifier(row["database"])
            remedy = f"GRANT CREATE ON DATABASE {database} TO {role};"
            yield _blocked(f"{role} may not create schemas in database {database}.", row["database"], remedy)


def _no_superuser(connection: Connection, settings: Settings, demand: Demand, role: str) -> CheckResult:
    known = recognised(connection, settings)
    message = f"Only a superuser may do it ({demand.place}), and {role} is none."
    if known is None:
        return _blocked(message, demand.name, f"Run it as a superuser, or: ALTER ROLE {role} SUPERUSER;")
    provider = known.provider
    if provider.admin is None:
        remedy = f"{provider.name} gives nobody a superuser: take the statement out of the revision."
        return _blocked(message, demand.name, remedy)
    message = f"Only a superuser may do it ({demand.place}); {provider.name} may let {provider.admin} do it."
    remedy = f"GRANT {provider.admin} TO {role}; and try the statement in a scratch database of the same server."
    return answer(CHECK, "unknown", message, subject=demand.name, remedy=remedy)


def _blocked(message: str, subject: str, remedy: str) -> CheckResult:
    return answer(CHECK, "blocked", message, subject=subject, remedy=remedy, sql=query("preflight_table_rights"))
