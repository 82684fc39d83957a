"""Can an extension be updated as the plan wants, is its library loaded, and is its version free of known bugs?"""

from collections.abc import Iterator

import msgspec

from migsafe.model.catalog import Catalog
from migsafe.model.checks import CheckResult, Status
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight import versions
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.features import Wanted, wanted
from migsafe.settings import Settings
from migsafe.sql.quote import literal

CHECK = check(
    __name__,
    group="extensions",
    why="ALTER EXTENSION … UPDATE fails where the package has no way to that version; pg_cron, timescaledb and others "
    "cannot be created until their library is loaded; old pgvector builds HNSW indexes with bugs that lose data.",
    remedy="Update the package of the extension, or load its library, before the upgrade.",
    privilege="pg_read_all_settings",
)

# CREATE EXTENSION fails when the library was not loaded at the start of the server (the extensions' own READMEs).
NEEDS_PRELOAD = frozenset({"citus", "pg_cron", "pgaudit", "timescaledb"})
# It is created, and what it is for fails until the library is loaded (manual, appendix F.32).
WORKS_PRELOADED = frozenset({"pg_stat_statements"})


def run(
    *, connection: Connection, plan: Plan, settings: Settings, catalog: Catalog, **_: object
) -> Iterator[CheckResult]:
    asked = {each.name: each for each in wanted(plan, catalog)}
    if not asked:
        return
    states = {row["name"]: row for row in ask(connection, "preflight_extension_state", names=list(asked))}
    for name, each in asked.items():
        state, minimum = states[name], settings.extensions.get(name) or each.minimum
        if each.updates and state["installed"] is not None:
            yield of_update(msgspec.structs.replace(each, minimum=minimum), state)
        if each.creates and state["installed"] is None and state["offered"] is not None:
            yield from _not_preloaded(connection, name)
        version = each.version or state["offered"] if each.updates or not state["installed"] else state["installed"]
        if each.hnsw and version:
            yield from of_hnsw(version, state["workers"])


def of_update(each: Wanted, state: Row) -> CheckResult:
    """The answer for ALTER EXTENSION … UPDATE, which goes by the scripts that the package has."""
    installed, target = state["installed"], each.version or state["offered"]
    if target != installed and target not in state["reachable"]:
        message = f"{each.name} is at {installed}, and the server has no way from there to {target or 'any other'}."
        remedy = f"Update the package. SELECT * FROM pg_extension_update_paths({literal(each.name)}); shows the ways."
        return _answer(each.name, "blocked", message, remedy)
    if each.minimum is not None and versions.is_older(target, each.minimum):
        message = f"{each.name} is updated to {target}; {each.minimum} is needed."
        return _answer(each.name, "blocked", message, "Update the package on the server first.")
    if target == installed:
        return _answer(each.name, "passed", f"{each.name} {installed} is there: nothing to update.")
    return _answer(each.name, "passed", f"{each.name} can be updated from {installed} to {target}.")


def _not_preloaded(connection: Connection, name: str) -> Iterator[CheckResult]:
    if name not in NEEDS_PRELOAD | WORKS_PRELOADED:
        return
    rows = ask(connection, "preflight_preload")
    yield of_preload(name, rows[0]["setting"] if rows else None, connection.info.user)


def of_preload(name: str, libraries: str | None, role: str) -> CheckResult:
    """The answer for an extension whose library has to be loaded; `libraries` as in the setting, None when hidden."""
    if libraries is None:
        message = f"Whether {name} is in shared_preload_libraries, as it has to be, is hidden from this role."
        return _answer(name, "unknown", message, f"GRANT {CHECK.privilege} TO {role};")
    loaded = {part.strip().strip('"').rpartition("/")[2] for part in libraries.split(",")}
    if name in loaded:
        return _answer(name, "passed", f"The library of {name} is loaded.")
    remedy = f"Add {name} to shared_preload_libraries (or the provider's parameters), and restart the server."
    if name in NEEDS_PRELOAD:
        message = f"CREATE EXTENSION {name} fails: it is not in shared_preload_libraries."
        return _answer(name, "blocked", message, remedy)
    message = f"{name} can be created, but what it is for fails: it is not in shared_preload_libraries."
    return _answer(name, "warned", message, remedy)


def of_hnsw(version: str, workers: int) -> Iterator[CheckResult]:
    """The bugs of pgvector `version` that the build of an HNSW index meets (its CHANGELOG).

    `workers` is max_parallel_maintenance_workers: HNSW is built in parallel since 0.6.0.
    """
    if workers > 0 and versions.is_older(version, "0.8.2") and not versions.is_older(version, "0.6.0"):
        message = f"vector {version} overflows a buffer in a parallel build of an HNSW index (CVE-2026-3172)."
        remedy = "Update pgvector to 0.8.2 or later, or SET max_parallel_maintenance_workers = 0 before it."
        yield _answer("vector", "warned", message, remedy)
    if versions.is_older(version, "0.8.3"):
        message = f"VACUUM may corrupt an HNSW index of vector {version} (fixed in 0.8.3)."
        remedy = "Update pgvector to 0.8.3 or later first; an older index needs REINDEX after that."
        yield _answer("vector", "warned", message, remedy)


def _answer(name: str, status: Status, message: str, remedy: str | None = None) -> CheckResult:
    return answer(CHECK, status, message, subject=name, remedy=remedy, sql=query("preflight_extension_state"))
