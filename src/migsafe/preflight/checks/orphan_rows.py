"""Does a table have rows whose foreign key leads nowhere?"""

from collections.abc import Iterator

from migsafe.model.catalog import Catalog, Constraint
from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.preflight.answer import check
from migsafe.preflight.asking import Connection
from migsafe.preflight.constrained import checked
from migsafe.preflight.rows import Doubt, answers, doubt, key_of, source
from migsafe.preflight.standing import Standing
from migsafe.settings import Settings
from migsafe.sql.quote import identifier

CHECK = check(
    __name__,
    group="data",
    why="ADD FOREIGN KEY and VALIDATE CONSTRAINT fail on the first row whose parent is not there.",
    remedy="Delete the rows, or give them a parent that exists.",
    privilege="SELECT on both tables",
)


def run(
    *, connection: Connection, plan: Plan, settings: Settings, catalog: Catalog, **_: object
) -> Iterator[CheckResult]:
    doubts = (
        each for key, standing in checked(plan, catalog, "foreign key") for each in _doubts(key, standing, catalog)
    )
    yield from answers(CHECK, connection, settings, catalog, doubts)


def _doubts(key: Constraint, standing: Standing, catalog: Catalog) -> Iterator[Doubt]:
    child = standing.asked(key.relation, key.columns)
    parent = standing.asked(key.references or "", key.referenced_columns)
    if child is None or parent is None or not key.columns or len(key.columns) != len(key.referenced_columns):
        return
    table, mine = child
    theirs = parent[1]
    keys = key_of(catalog, table)
    joined = [f"p.{identifier(b)} = c.{identifier(a)}" for a, b in zip(mine, theirs, strict=True)]
    filled = " AND ".join(f"c.{identifier(name)} IS NOT NULL" for name in mine)
    lost = f"{filled} AND NOT EXISTS (SELECT FROM {source(catalog, parent[0])} p WHERE {' AND '.join(joined)})"
    if key.match == "f" and len(mine) > 1:
        some = " OR ".join(f"c.{identifier(name)} IS NOT NULL" for name in mine)
        lost = f"({lost}) OR (({some}) AND NOT ({filled}))"
    selected = ", ".join(f"c.{identifier(name)}" for name in keys)
    query = f"SELECT {selected} FROM {source(catalog, table)} c WHERE {lost}"
    rows = f"rows whose {', '.join(key.columns)} is not in {parent[0]}"
    yield doubt(standing, table, f"FOREIGN KEY {key.name}", rows, query, keys, f"{CHECK.remedy} They are: {query};")
