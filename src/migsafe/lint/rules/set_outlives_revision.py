"""A SET for the session that changes what later revisions mean."""

from collections.abc import Iterator

from migsafe.lint.rule import Fault, Seen, rule
from migsafe.model.plan import Step
from migsafe.model.statement import Statement

RULE = rule(
    __name__,
    severity="warning",
    summary="SET changes for the whole session where names are looked up or who acts, and nothing sets it back.",
    effect="Alembic runs the next revisions in the same session: they make and read their tables somewhere else.",
    safe="Write SET LOCAL, which ends with the transaction of the revision.",
    setup="CREATE SCHEMA app;",
    bad="BEGIN;\nSET search_path = app;\nCREATE TABLE orders (id bigint PRIMARY KEY);\nCOMMIT;",
    good="BEGIN;\nSET LOCAL search_path = app;\nCREATE TABLE orders (id bigint PRIMARY KEY);\nCOMMIT;",
    pack="alembic",
)

_MEANING = (
    *("search_path", "role", "session_authorization", "row_security", "timezone", "datestyle", "intervalstyle"),
    *("default_tablespace", "default_table_access_method", "transform_null_equals", "default_transaction_read_only"),
    *("default_transaction_isolation", "default_transaction_deferrable", "session_replication_role"),
)


def check_step(step: Step, seen: Seen) -> Iterator[Fault]:
    if not step.revision:
        return
    left: dict[str, tuple[str, Statement]] = {}
    for statement, _ in seen:
        if statement.effects.command == "DISCARD":
            left.clear()
        for setting in statement.effects.settings:
            name = setting.name.lower()
            if name == "all" and setting.value is None:
                left.clear()
            elif setting.value is None or (name == "session_replication_role" and setting.value == "origin"):
                left.pop(name, None)
            elif not setting.local and name in _MEANING:
                left[name] = (setting.value, statement)
    for name, (value, statement) in left.items():
        yield Fault(
            f"SET {name} = {value or repr(value)} holds for the session, not for this revision: every later revision "
            f"of the same run meets it.",
            f"Write SET LOCAL {name} instead, or `RESET {name}` at the end of the revision.",
            at=statement,
        )
