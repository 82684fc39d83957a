"""One runner at a time."""

import pytest

from fix_postgres import Connect
from migsafe.errors import LockNotAvailable
from migsafe.model.run import Blocker
from migsafe.postgres.advisory import key, runner_lock


def test_the_key_is_the_same_everywhere_and_fits() -> None:
    assert key("shop", "alembic_version") == 2496187796901317324
    assert key("shop", "alembic_version") != key("shop", "other_version")
    assert all(0 <= key(name, "v") < 2**63 for name in ("a", "b", "c", "ü"))


def test_a_second_runner_waits_and_is_told_who_holds_it(connect: Connect) -> None:
    first, second = connect(application_name="migsafe"), connect()
    reported: list[Blocker] = []
    with (
        runner_lock(first, 42, 10, reported.append),
        pytest.raises(LockNotAvailable) as caught,
        runner_lock(second, 42, 0.5, reported.append),
    ):
        pass
    (holder,) = reported
    assert (holder.pid, holder.application) == (first.info.backend_pid, "migsafe")
    assert holder.age is not None
    assert f"pid {first.info.backend_pid} (migsafe, user postgres" in caught.value.message
    assert caught.value.exit_code == 75


def test_the_lock_is_free_after_the_block_and_after_an_error(connect: Connect) -> None:
    first, second = connect(), connect()
    with pytest.raises(ZeroDivisionError), runner_lock(first, 42, 1, print):
        raise ZeroDivisionError
    with runner_lock(second, 42, 0, print):
        pass


def test_it_is_had_as_soon_as_the_holder_is_gone(connect: Connect) -> None:
    first, second = connect(), connect()
    waited: list[int] = []

    def end_the_holder(holder: Blocker) -> None:
        waited.append(holder.pid)
        first.close()

    with runner_lock(first, 42, 1, print), runner_lock(second, 42, 30, end_the_holder):
        assert waited == [second.execute("SELECT %s::int", (waited[0],)).fetchall()[0][0]]


def test_other_keys_and_other_databases_do_not_meet(connect: Connect) -> None:
    with runner_lock(connect(), 42, 1, print), runner_lock(connect(), 43, 0, print):
        pass


def test_a_large_key_is_found_again(connect: Connect) -> None:
    large = key("shop", "alembic_version")
    reported: list[Blocker] = []
    with (
        runner_lock(connect(), large, 1, print),
        pytest.raises(LockNotAvailable, match="Another migration runs"),
        runner_lock(connect(), large, 0, reported.append),
    ):
        pass


def test_a_waiting_runner_is_no_deadlock_for_a_concurrent_build(connect: Connect) -> None:
    """Blocking in pg_advisory_lock() would hold a snapshot that CREATE INDEX CONCURRENTLY waits for."""
    first, second = connect(), connect()
    first.execute("CREATE TABLE t (x int)")
    first.execute("SET statement_timeout = '30s'")

    def build(holder: Blocker) -> None:
        first.execute("CREATE INDEX CONCURRENTLY i ON t (x)")

    with (
        runner_lock(first, 42, 1, print),
        pytest.raises(LockNotAvailable),
        runner_lock(second, 42, 0.3, build),
    ):
        pass
    assert first.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass").fetchone() == (True,)
