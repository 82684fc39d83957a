"""Reports as the stages make them, for the tests of the formats and of the commands that print them."""

import msgspec

from migsafe.model.catalog import Column, Index, Relation
from migsafe.model.checks import CheckResult
from migsafe.model.effects import Altered, Build, Effects, Object, Write
from migsafe.model.findings import Finding
from migsafe.model.locks import Lock, LockMode
from migsafe.model.plan import Plan, Step
from migsafe.model.report import Backup, BackupFile, Excuse, Loss, Report, Undo
from migsafe.model.run import Attempt, Blocker, StepResult
from migsafe.model.statement import Statement

ORDERS = "public.orders"
PATH = "migrations/versions/b2_index.py"

ADD_COLUMN = Statement(
    sql="ALTER TABLE orders ADD COLUMN note TEXT",
    effects=Effects(
        command="ALTER TABLE",
        locks=(Lock(ORDERS, "table", LockMode.ACCESS_EXCLUSIVE),),
        creates=(Column(ORDERS, "note", "text", not_null=False),),
    ),
    index=0,
    revision="a1",
    path="migrations/versions/a1_note.py",
    line=18,
    operation="op.add_column",
)
CREATE_INDEX = Statement(
    sql="CREATE INDEX ix_orders_customer ON orders (customer)",
    effects=Effects(
        command="CREATE INDEX",
        locks=(Lock(ORDERS, "table", LockMode.SHARE),),
        scans=(ORDERS,),
        builds=(Build("public.ix_orders_customer", ORDERS),),
        creates=(Index("public.ix_orders_customer", ORDERS, columns=("customer",)),),
    ),
    index=1,
    revision="b2",
    path=PATH,
    line=4,
    operation="op.create_index",
)
DROP_COLUMN = Statement(
    sql="ALTER TABLE orders DROP COLUMN legacy",
    effects=Effects(
        command="ALTER TABLE",
        locks=(Lock(ORDERS, "table", LockMode.ACCESS_EXCLUSIVE),),
        alters=(Altered(Relation(ORDERS)),),
        drops=(Object("column", "legacy", ORDERS),),
        destroys=(Object("column", "legacy", ORDERS),),
        conditions=("no view depends on public.orders.legacy",),
    ),
    index=2,
    revision="b2",
    path=PATH,
    line=5,
    operation="op.drop_column",
)
BUILD_CONCURRENTLY = Statement(
    sql="CREATE INDEX CONCURRENTLY ix_orders_note ON orders (note)",
    effects=Effects(
        command="CREATE INDEX",
        locks=(Lock(ORDERS, "table", LockMode.SHARE_UPDATE_EXCLUSIVE),),
        builds=(Build("public.ix_orders_note", ORDERS, concurrently=True),),
        waits_for=(ORDERS,),
        concurrently=True,
        in_transaction=False,
    ),
    index=3,
    revision="c3",
    path="migrations/versions/c3_later.py",
    line=12,
    operation="op.create_index",
    transaction=None,
)
FUNCTION_CALL = Statement(
    sql="SELECT refresh_totals()",
    effects=Effects(command="SELECT", unknown="it calls refresh_totals(), whose body is not read"),
    index=4,
    revision="c3",
    path="migrations/versions/c3_later.py",
    line=15,
    operation="op.execute",
)
UPDATE = Statement(
    sql="UPDATE orders SET note = ''",
    effects=Effects(
        command="UPDATE",
        locks=(Lock(ORDERS, "table", LockMode.ROW_EXCLUSIVE),),
        writes=(Write(ORDERS, "UPDATE", whole=True),),
    ),
    index=5,
    revision="c3",
    path="migrations/versions/c3_later.py",
    line=16,
    operation="op.execute",
)

PLAN = Plan(
    current=("a0",),
    target=("c3",),
    steps=(
        Step("a1", ("a0",), "migrations/versions/a1_note.py", "note on orders", (ADD_COLUMN,)),
        Step("b2", ("a1",), PATH, "index, and the old column goes", (CREATE_INDEX, DROP_COLUMN)),
        Step(
            "c3",
            ("b2",),
            "migrations/versions/c3_later.py",
            "later",
            (BUILD_CONCURRENTLY, FUNCTION_CALL, UPDATE),
            read="unreadable",
            unreadable="line 17 reads rows, and no scratch server is installed",
            notes=("a loop over rows cannot be seen on an empty server",),
        ),
    ),
    server_version=18,
    database="shop",
    fingerprint="f00d",
)

BLOCKING_INDEX = Finding(
    rule="create-index-not-concurrently",
    severity="error",
    message="CREATE INDEX holds SHARE on public.orders while it reads the whole table: writes wait.",
    fix="Use op.create_index(..., postgresql_concurrently=True) inside op.get_context().autocommit_block().",
    statement=1,
    revision="b2",
    path=PATH,
    line=4,
)
DROPPED_COLUMN = Finding(
    rule="drop-column",
    severity="warning",
    message="public.orders.legacy and what is in it are gone.",
    fix="Ship code that does not read it first.",
    statement=2,
    revision="b2",
    path=PATH,
    line=5,
)
NO_DOWNGRADE = Finding(
    rule="downgrade-empty",
    severity="info",
    message="downgrade() does nothing.",
    fix="Write it.",
    revision="c3",
    path="migrations/versions/c3_later.py",
)

PRIMARY = CheckResult(check="primary", status="passed", group="server", message="a primary that takes writes")
LONG_TRANSACTION = CheckResult(
    check="long-transactions",
    status="blocked",
    group="locks",
    subject=ORDERS,
    message="pid 71 (psql) has had a transaction open for 12 min",
    remedy="End it: SELECT pg_terminate_backend(71);",
    evidence={"pid": "71"},
    sql="SELECT pid FROM pg_stat_activity",
)
DISK = CheckResult(
    check="disk",
    status="unknown",
    group="space",
    message="free bytes cannot be read by this role; the plan needs 310 MB",
    remedy="Set disk_command or declared_free in [tool.migsafe].",
)
COLUMN_THERE = CheckResult(
    check="column", status="passed", group="schema", subject="public.orders.note", message="text, nullable"
)
INDEX_INVALID = CheckResult(
    check="index",
    status="blocked",
    group="schema",
    subject="public.ix_orders_note",
    message="the index is there and not valid",
    remedy="REINDEX INDEX CONCURRENTLY public.ix_orders_note;",
)

BLOCKER = Blocker(
    pid=4711,
    relation=ORDERS,
    mode="AccessShareLock",
    application="reporting",
    user="bi",
    state="idle in transaction",
    age=252.0,
    query="SELECT *\n  FROM orders",
)
TIMED_OUT = Attempt(
    started="2026-01-31T02:13:07Z",
    ended="2026-01-31T02:13:08Z",
    seconds=1.02,
    sqlstate="55P03",
    message="canceling statement due to lock timeout",
    statement="ALTER TABLE orders ADD COLUMN note TEXT",
    place="migrations/versions/a1_note.py:18",
    blocked_by=(BLOCKER,),
)
WENT_THROUGH = Attempt(started="2026-01-31T02:13:09Z", ended="2026-01-31T02:13:10Z", seconds=0.41)

RUN = ".migsafe/runs/20260131T021307Z_a0_c3"
BACKUP = Backup(
    kind="dump",
    path=f"{RUN}/backup",
    verified="read in full by pg_restore",
    bytes=1_288_490_188,
    seconds=34.2,
    files=(BackupFile(path="toc.dat", bytes=4096, sha256="00" * 32),),
)
UNDO = Undo(
    downgrade_sql=f"{RUN}/downgrade.sql",
    restore_sh=f"{RUN}/restore.sh",
    losses=(Loss(revision="a1", what="public.orders.note", because="downgrade() drops the column"),),
)
DONE = tuple(
    StepResult(revision=revision, outcome="done", attempts=(WENT_THROUGH,), statements=count)
    for revision, count in (("a1", 1), ("b2", 2), ("c3", 3))
)

_MADE = Report(
    command="upgrade",
    plan=PLAN,
    started="2026-01-31T02:13:07+00:00",
    ended="2026-01-31T02:13:57+00:00",
    migsafe="0.1.0",
    directory=RUN,
)
_ALLOWED = msgspec.structs.replace(BLOCKING_INDEX, ignored_because="the table is empty today")
_SKIPPED = msgspec.structs.replace(LONG_TRANSACTION, skipped_because="the report job ends at three")


def made(**fields: object) -> Report:
    """A report of an upgrade from a0 to c3 that took 50 s, with these fields."""
    return msgspec.structs.replace(_MADE, **fields)


_ACCEPTED = {
    "findings": (_ALLOWED, DROPPED_COLUMN, NO_DOWNGRADE),
    "before": (PRIMARY, _SKIPPED, DISK),
    "excuses": (
        Excuse("allow", "create-index-not-concurrently", "the table is empty today"),
        Excuse("skip", "long-transactions", "the report job ends at three"),
    ),
    "backup": BACKUP,
    "undo": UNDO,
}

REPORTS: dict[str, Report] = {
    "done": made(**_ACCEPTED, steps=DONE, after=(COLUMN_THERE, DISK)),
    "nothing-to-do": made(plan=Plan(current=("c3",), target=("c3",), database="shop")),
    "refused": made(findings=(BLOCKING_INDEX, DROPPED_COLUMN), before=(PRIMARY, LONG_TRANSACTION, DISK)),
    "dry-run": made(before=(PRIMARY,), stopped_at="dry-run"),
    "declined": made(before=(PRIMARY,), stopped_at="declined"),
    "failed": made(
        **_ACCEPTED,
        steps=(
            StepResult(revision="a1", outcome="failed", attempts=(TIMED_OUT, TIMED_OUT)),
            StepResult(revision="b2", outcome="not-reached"),
            StepResult(revision="c3", outcome="not-reached"),
        ),
        failure="revision a1 failed: canceling statement due to lock timeout",
        remedy="End what holds the lock, or wait for it.",
    ),
    "partial": made(
        **_ACCEPTED,
        steps=(
            StepResult(revision="a1", outcome="done", attempts=(TIMED_OUT, WENT_THROUGH), statements=1),
            StepResult(revision="b2", outcome="partial", attempts=(TIMED_OUT,), statements=1, resumed=1),
            StepResult(revision="c3", outcome="not-reached"),
        ),
        failure="revision b2 stopped in an autocommit block",
    ),
    "unverified": made(**_ACCEPTED, steps=DONE, after=(COLUMN_THERE, INDEX_INVALID)),
    "deadline": made(
        **_ACCEPTED,
        steps=(StepResult(revision="a1", outcome="failed", attempts=(TIMED_OUT,)),),
        failure="the locks for revision a1 could not be had in 10 min",
        stopped_at="deadline",
    ),
    "timeout": made(
        **_ACCEPTED, failure="the time for the whole run (5 s) was over while backing up", stopped_at="timeout"
    ),
    "interrupted": made(
        **_ACCEPTED, steps=(DONE[0], StepResult(revision="b2", outcome="not-reached")), stopped_at="interrupted"
    ),
    "not-reached": made(before=(PRIMARY,), stopped_at="not-reached", round="tenant_b"),
}
