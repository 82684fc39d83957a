"""Is the database where these scripts can take it from, and is that said in one place only?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, ask
from migsafe.preflight.touched import is_version_table

CHECK = check(
    __name__,
    group="revisions",
    why="A database that stands at a revision of another branch or another project cannot be taken further by these "
    "scripts; and a second version table is read by whoever has another search_path.",
    remedy="Check out the code that has the revision and run the same command there.",
)


def run(
    *,
    connection: Connection,
    plan: Plan,
    unknown_heads: tuple[str, ...] = (),
    tenants: tuple[str, ...] = (),
    **_: object,
) -> Iterator[CheckResult]:
    if unknown_heads:
        yield answer(
            CHECK,
            "blocked",
            f"The database is at {', '.join(unknown_heads)}, which these scripts do not have.",
            remedy="Check out the code that has it and run the same command there. If the revision was deleted on "
            "purpose: migsafe stamp --purge REVISION, with the one that the schema really is at.",
            evidence={"unknown": ", ".join(unknown_heads)},
        )
    else:
        yield answer(
            CHECK, "passed", f"The database is at {', '.join(plan.current) or 'base'}, which the scripts know."
        )
    tables = ask(connection, "preflight_version_tables", name=plan.version_table.rpartition(".")[2])
    strangers = [each for each in tables if not any(is_version_table(str(each["relation"]), one) for one in tenants)]
    yield from _elsewhere(strangers, plan)


def _elsewhere(tables: list[dict[str, object]], plan: Plan) -> Iterator[CheckResult]:
    names = [str(table["relation"]) for table in tables]
    if len(names) == 1 and not plan.current and not _is_read(tables[0], plan):
        yield _elsewhere_only(names[0], plan)
    if len(names) < 2:
        return
    ours = [str(table["relation"]) for table in tables if table["visible"]][:1]
    if "." in plan.version_table:
        ours = [name for name in names if is_version_table(name, plan.version_table)]
    others = [name for name in names if name not in ours]
    yield answer(
        CHECK,
        "warned",
        f"There are {len(names)} version tables: {', '.join(names)}; {', '.join(ours) or 'none of them'} is read.",
        subject=", ".join(others),
        remedy="If they are not one a tenant, set version_table_schema in env.py, and drop the one that a wrong "
        "search_path made.",
    )


def _is_read(table: dict[str, object], plan: Plan) -> bool:
    if "." in plan.version_table:
        return is_version_table(str(table["relation"]), plan.version_table)
    return bool(table["visible"])


def _elsewhere_only(name: str, plan: Plan) -> CheckResult:
    schema = name.partition(".")[0]
    return answer(
        CHECK,
        "warned",
        f"The database seems to be new, for {plan.version_table} is not found; but there is {name}.",
        subject=name,
        remedy=f"If it is this project's: set version_table_schema={schema!r} in env.py, or the search_path of this "
        "role.",
        sql=query("preflight_version_tables"),
    )
