"""Does every revision id fit into the version table?"""

from collections.abc import Iterator

from migsafe.model.checks import CheckResult
from migsafe.model.plan import Plan
from migsafe.postgres.queries import query
from migsafe.preflight.answer import answer, check
from migsafe.preflight.asking import Connection, Row, ask
from migsafe.preflight.touched import is_version_table
from migsafe.sql.quote import qualified

# Alembic creates version_num as VARCHAR(32) (alembic/runtime/migration.py).
ALEMBIC_WIDTH = 32

CHECK = check(
    __name__,
    group="revisions",
    why="A revision id longer than the column fails at its very end, when all its work is done and is rolled back.",
    remedy="Give the revision a shorter id.",
)


def run(*, connection: Connection, plan: Plan, **_: object) -> Iterator[CheckResult]:
    if not plan.steps:
        return
    table = _table(ask(connection, "preflight_version_tables", name=plan.version_table.rpartition(".")[2]), plan)
    width = table["width"] if table else ALEMBIC_WIDTH
    long = [step.revision for step in plan.steps if width is not None and len(step.revision) > width]
    if not long:
        yield answer(CHECK, "passed", f"Every revision id fits into {plan.version_table}.")
        return
    name = qualified(str(table["relation"])) if table else plan.version_table
    longest = max(len(revision) for revision in long)
    yield answer(
        CHECK,
        "blocked",
        f"{', '.join(long)}: longer than the {width} characters that {name}.version_num holds.",
        subject=name,
        remedy=f"Shorten the id, or first: ALTER TABLE {name} ALTER COLUMN version_num TYPE varchar({longest}); "
        "no rewrite, a moment of ACCESS EXCLUSIVE.",
        sql=query("preflight_version_tables"),
    )


def _table(tables: list[Row], plan: Plan) -> Row | None:
    ours = [row for row in tables if is_version_table(str(row["relation"]), plan.version_table)]
    return next(iter(sorted(ours, key=lambda row: not row["visible"])), None)
