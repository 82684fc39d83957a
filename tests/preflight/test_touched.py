"""What a plan touches of what is there already."""

import msgspec

from fix_verify import plan_of
from migsafe.model.catalog import Catalog
from migsafe.model.effects import Effects, Setting
from migsafe.model.plan import Plan, Step
from migsafe.model.statement import Statement
from migsafe.preflight.touched import locks, moments, strong_locks


def locked(*statements: str) -> set[str]:
    return {lock.relation for lock in locks(plan_of(Catalog(), *statements))}


def test_what_the_plan_makes_is_not_there() -> None:
    assert locked("CREATE TABLE t (id int)", "ALTER TABLE t ADD x int", "CREATE INDEX i ON t (x)") == set()


def test_what_it_makes_and_renames_is_not_there_either() -> None:
    assert locked("CREATE TABLE t (id int)", "ALTER TABLE t RENAME TO u", "ALTER TABLE u ADD x int") == set()


def test_a_rename_leads_back_to_the_name_of_now() -> None:
    assert locked("ALTER TABLE t RENAME TO u", "ALTER TABLE u RENAME TO v", "ALTER TABLE v ADD x int") == {"public.t"}


def test_the_old_table_is_there_though_its_name_is_taken_again() -> None:
    assert locked("ALTER TABLE t RENAME TO old", "CREATE TABLE t (id int)", "ALTER TABLE t ADD x int") == {"public.t"}


def test_the_strongest_lock_counts() -> None:
    plan = plan_of(Catalog(), "ALTER TABLE t ADD x int", "CREATE INDEX CONCURRENTLY i ON t (x)")
    assert [lock.mode.text for lock in strong_locks(plan)] == ["ACCESS EXCLUSIVE"]
    assert strong_locks(plan_of(Catalog(), "CREATE INDEX CONCURRENTLY i ON t (x)")) == ()


def test_moving_the_version_is_no_moment() -> None:
    plan = plan_of(
        Catalog(), "CREATE TABLE alembic_version (version_num text)", "UPDATE alembic_version SET version_num = '1'"
    )
    assert list(moments(plan)) == []
    assert len(list(moments(msgspec.structs.replace(plan, version_table="app.alembic_version")))) == 2


def test_a_local_role_ends_with_its_transaction() -> None:
    def statement(index: int, transaction: int, *settings: Setting) -> Statement:
        return Statement("", Effects(settings=settings), index, "ae1", transaction=transaction)

    statements = (
        statement(0, 0, Setting("role", "local_one", local=True)),
        statement(1, 0),
        statement(2, 1),
        statement(3, 1, Setting("role", "session_one")),
        statement(4, 2),
        statement(5, 2, Setting("role", None)),
    )
    plan = Plan((), (), (Step("ae1", (), "", statements=statements),))
    roles = [moment.role for moment in moments(plan)]
    assert roles == ["local_one", "local_one", None, "session_one", "session_one", None]
