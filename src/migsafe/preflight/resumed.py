"""Revisions that an earlier run left half done: what they made is there, and the same command carries on."""

from migsafe.model.plan import Plan
from migsafe.postgres import progress
from migsafe.preflight.asking import Connection, reading


def half_done(connection: Connection, plan: Plan) -> frozenset[str]:
    """The revisions of `plan` of which a part is recorded as durable (decision 014)."""
    schema = plan.version_table.rpartition(".")[0] or None
    with reading(connection):
        return frozenset(step.revision for step in plan.steps if progress.load(connection, schema, step.revision))
