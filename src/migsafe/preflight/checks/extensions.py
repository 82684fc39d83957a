"""Is every extension there that the plan uses, new enough, and may this role create it?"""

from collections.abc import Iterator

from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult, Status
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight import versions
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.features import Wanted, wanted
from migsafe.preflight.packages import where_from
from migsafe.preflight.providers import Provider, recognised
from migsafe.settings import Settings
from migsafe.sql.quote import identifier, literal

CHECK = check(
    __name__,
    group="extensions",
    why="CREATE EXTENSION fails on a server that does not have the package, on a managed one that does not allow it, "
    "and for a role that may not; an old version lacks the types and index methods that the plan uses.",
    remedy="Install or update the extension before the upgrade.",
)


def run(
    *, connection: Connection, plan: Plan, settings: Settings, catalog: Catalog, **_: object
) -> Iterator[CheckResult]:
    asked = wanted(plan, catalog)
    for name, minimum in settings.extensions.items():
        versions.wanted(minimum, f"extensions.{name}")
    if not asked:
        return
    role = ask(connection, "preflight_role")[0]
    rows = {row["name"]: row for row in ask(connection, "preflight_extensions", names=[each.name for each in asked])}
    created = {each.name for each in asked if each.creates}
    known = recognised(connection, settings)
    provider, version = known.provider if known else None, connection.info.server_version // 10000
    for each in asked:
        row = rows[each.name]
        row["lacks"] = [other for other in row["lacks"] if other not in created]
        yield judge(_with_minimum(each, settings), row, role, version, provider)


def _with_minimum(each: Wanted, settings: Settings) -> Wanted:
    """The higher of what the plan uses and what the team wants."""
    team = settings.extensions.get(each.name)
    if team is None or (each.minimum is not None and versions.is_older(team, each.minimum)):
        return each
    because = f"extensions.{each.name} in the settings"
    return Wanted(each.name, each.creates, each.version, team, because, each.updates, each.hnsw)


def judge(each: Wanted, row: Row, role: Row, server: int, provider: Provider | None = None) -> CheckResult:
    """The answer for one extension; of queries `row` and `role`; `server` is a major version."""
    source = provider.extensions.format(each.name) if provider else where_from(each.name, server)
    if row["installed"] is not None:
        return _installed(each, row)
    if not row["versions"]:
        where = f"{provider.name} has no {each.name} here" if provider else f"{each.name} is not on this server"
        return _answer(each, row, "blocked", f"{where}{_for(each)}.", source)
    version = each.version or row["offered"]
    if version not in row["versions"]:
        message = f"{each.name} {version} is wanted, and the server has {', '.join(sorted(row['versions']))}."
        return _answer(each, row, "blocked", message, source)
    if _too_old(version, each):
        message = f"The server offers {each.name} {version}; {each.minimum} is needed{_for(each)}."
        return _answer(each, row, "blocked", message, f"Update the package first. {source}")
    if not each.creates:
        message = f"{each.name} is not created in this database{_for(each)}."
        remedy = f"op.enable_extension({each.name!r}) before it is used, or CREATE EXTENSION {identifier(each.name)};"
        return _answer(each, row, "blocked", message, remedy)
    return _may_create(each, row, role, version, provider)


def _installed(each: Wanted, row: Row) -> CheckResult:
    name, version = identifier(each.name), row["installed"]
    if each.updates:
        return _answer(each, row, "passed", f"{each.name} {version} is there; see extension-state for the update.")
    old = each.minimum is not None and versions.is_older(version, each.minimum)
    if each.minimum is not None and old is None:
        message = f"{each.name} is at {version}, which cannot be compared with {each.minimum}."
        return _answer(each, row, "unknown", message, "Compare them by hand, then --skip extensions.")
    if old:
        newer = [other for other in row["versions"] if not versions.is_older(other, each.minimum or "")]
        update = (
            f"ALTER EXTENSION {name} UPDATE;"
            if newer
            else "Update the package on the server, then ALTER EXTENSION … UPDATE;"
        )
        message = f"{each.name} is at {version}; {each.minimum} is needed{_for(each)}."
        return _answer(each, row, "blocked", message, update)
    if each.version is not None and each.version != version:
        message = (
            f"{each.name} is there in version {version}; the plan wants {each.version}, and IF NOT EXISTS keeps it."
        )
        return _answer(each, row, "warned", message, f"ALTER EXTENSION {name} UPDATE TO {literal(each.version)};")
    return _answer(each, row, "passed", f"{each.name} {version} is there.")


def _may_create(each: Wanted, row: Row, role: Row, version: str, provider: Provider | None) -> CheckResult:
    name, user = identifier(each.name), identifier(role["role"])
    for setting, allowed in role["allow_lists"]:
        listed = [item.strip().lower() for item in allowed.split(",")]
        if "*" not in listed and each.name.lower() not in listed:
            message = f"{provider.name if provider else 'The server'} does not allow {each.name}: not in {setting}."
            how = provider.extensions.format(each.name) if provider else f"Add it to {setting}."
            return _answer(each, row, "blocked", message, how)
    if row["lacks"]:
        others = "; ".join(f"CREATE EXTENSION {identifier(other)}" for other in row["lacks"])
        message = f"{each.name} needs {', '.join(row['lacks'])}, which is not created."
        return _answer(each, row, "warned", message, f"{others} first, or CREATE EXTENSION {name} CASCADE.")
    if role["superuser"]:
        return _answer(each, row, "passed", f"{each.name} {version} is on the server, and this role may create it.")
    if row["superuser_only"]:
        return _as_no_superuser(each, row, role, provider)
    if not role["may_create"]:
        message = f"{user} may not create {each.name} in this database: it has no CREATE on it."
        grant = f"GRANT CREATE ON DATABASE {identifier(role['database'])} TO {user};"
        return _answer(each, row, "blocked", message, f"{grant} or, as a superuser: CREATE EXTENSION {name};")
    return _answer(each, row, "passed", f"{each.name} {version} is on the server, and {user} may create it.")


def _as_no_superuser(each: Wanted, row: Row, role: Row, provider: Provider | None) -> CheckResult:
    command, user = f"CREATE EXTENSION {identifier(each.name)};", identifier(role["role"])
    if each.name in role["for_everybody"]:
        return _answer(each, row, "passed", f"{each.name} is on the server, and the provider lets {user} create it.")
    if role["provider_roles"]:
        message = f"Only a superuser may create {each.name}; the provider may let {role['provider_roles'][0]} do it."
        return _answer(each, row, "unknown", message, f"Try it in a scratch database of the same server: {command}")
    message = f"Only a superuser may create {each.name}, which is not trusted, and {user} is none."
    remedy = f"As a superuser, in this database: {command}"
    if provider is not None and provider.admin is not None:
        remedy = f"GRANT {provider.admin} TO {user}; or as a role that has it: {command}"
    return _answer(each, row, "blocked", message, remedy)


def _too_old(version: str, each: Wanted) -> bool:
    return each.minimum is not None and bool(versions.is_older(version, each.minimum))


def _for(each: Wanted) -> str:
    return f" for {each.because}" if each.because else ""


def _answer(each: Wanted, row: Row, status: Status, message: str, remedy: str | None = None) -> CheckResult:
    evidence = {
        "installed": row["installed"] or "no",
        "offered": row["offered"] or "no",
        "needed": each.minimum or "any",
    }
    return answer(
        CHECK,
        status,
        message,
        subject=each.name,
        remedy=remedy,
        evidence=evidence,
        sql=query("preflight_extensions"),
    )
