import pytest

from migsafe.formats.locks import NOBODY_WAITS, in_words
from migsafe.model.catalog import Relation
from migsafe.model.effects import Build, Effects, Object, Rename, Write
from migsafe.model.locks import Lock, LockMode
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement

T, U = "public.t", "public.u"


def table(mode: LockMode, relation: str = T) -> Lock:
    return Lock(relation, "table", mode)


def words(*effects: Effects, transaction: int | None = 0) -> list[tuple[str, ...]]:
    statements = tuple(
        Statement("SELECT 1", each, index=index, line=10 + index, transaction=transaction)
        for index, each in enumerate(effects)
    )
    plan = Plan(current=(), target=("a",), steps=(Step("a", (), "a.py", statements=statements),))
    return list(in_words(plan).values())


ACCESS_EXCLUSIVE = table(LockMode.ACCESS_EXCLUSIVE)
SCAN = Effects(locks=(table(LockMode.SHARE_UPDATE_EXCLUSIVE, U),), scans=(U,))


@pytest.mark.parametrize(
    ("effects", "sentence"),
    [
        (Effects(locks=(ACCESS_EXCLUSIVE,)), "ACCESS EXCLUSIVE on public.t (brief)"),
        (
            Effects(locks=(ACCESS_EXCLUSIVE,), rewrites=(T,), scans=(T,)),
            "ACCESS EXCLUSIVE on public.t while it rewrites the table: reads and writes wait",
        ),
        (
            Effects(locks=(table(LockMode.SHARE_ROW_EXCLUSIVE),), scans=(T,)),
            "SHARE ROW EXCLUSIVE on public.t while it reads the whole table: writes wait",
        ),
        (
            Effects(locks=(table(LockMode.SHARE),), builds=(Build("public.i", T), Build("public.j", T))),
            "SHARE on public.t while it builds 2 indexes: writes wait",
        ),
        (
            Effects(locks=(table(LockMode.ROW_EXCLUSIVE),), writes=(Write(T, "DELETE"),)),
            "ROW EXCLUSIVE on public.t while it changes rows: others that change the same rows wait",
        ),
        (
            Effects(locks=(Lock("public.i", "index", LockMode.SHARE_UPDATE_EXCLUSIVE),)),
            "SHARE UPDATE EXCLUSIVE on public.i (brief)",
        ),
        (Effects(locks=(table(LockMode.ACCESS_SHARE),)), NOBODY_WAITS),
        (Effects(), NOBODY_WAITS),
    ],
)
def test_a_statement_says_its_lock_and_who_waits(effects: Effects, sentence: str) -> None:
    assert words(effects) == [(sentence,)]


def test_the_strongest_lock_of_a_relation_speaks_and_the_strongest_relation_first() -> None:
    effects = Effects(
        locks=(
            table(LockMode.SHARE, U),
            table(LockMode.ACCESS_SHARE),
            ACCESS_EXCLUSIVE,
            Lock("public.i", "index", LockMode.ACCESS_EXCLUSIVE),
        )
    )
    assert words(effects) == [("ACCESS EXCLUSIVE on public.t (brief)", "SHARE on public.u (brief)")]


def test_a_brief_lock_is_not_brief_when_long_work_follows_in_its_transaction() -> None:
    first, _ = words(Effects(locks=(ACCESS_EXCLUSIVE,)), SCAN)
    assert first == (
        "ACCESS EXCLUSIVE on public.t until the transaction ends, through the work of line 11: reads and writes wait",
    )


def test_a_lock_that_is_let_go_early_stays_brief() -> None:
    first, _ = words(Effects(locks=(ACCESS_EXCLUSIVE,), transient=(T,)), SCAN)
    assert first == ("ACCESS EXCLUSIVE on public.t (brief)",)


def test_statements_outside_a_transaction_hold_nothing_for_each_other() -> None:
    first, _ = words(Effects(locks=(ACCESS_EXCLUSIVE,)), SCAN, transaction=None)
    assert first == ("ACCESS EXCLUSIVE on public.t (brief)",)


def test_nobody_waits_for_a_table_that_the_plan_makes_also_under_its_new_name() -> None:
    made = Effects(creates=(Relation(T),))
    renamed = Effects(locks=(ACCESS_EXCLUSIVE,), renames=(Rename(Object("table", T), Object("table", U)),))
    indexed = Effects(locks=(table(LockMode.SHARE, U),), builds=(Build("public.i", U),))
    assert words(made, renamed, indexed) == [(NOBODY_WAITS,)] * 3


def test_what_is_not_known_is_said() -> None:
    effects = Effects(unknown="DO runs code", conditions=("the view is empty",), waits_for=(T,))
    assert words(effects) == [
        (
            "waits for public.t to end",
            "not certain: the view is empty",
            "not fully known: DO runs code",
        )
    ]
