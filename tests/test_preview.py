"""One reading of the revisions, made into the plan that everything else is a projection of."""

import pytest

from fix_postgres import Connect, Role
from fix_stories import EnterStory, RunTo, outcomes, previewed, write_chain, write_revision
from migsafe.model.catalog import Catalog
from migsafe.model.plan import Plan
from migsafe.postgres.connection import Database
from migsafe.preview import Preview, preview, schema_at
from migsafe.revisions.config import open_environment
from migsafe.revisions.read import read

pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")


def offline(target: str = "head", start: tuple[str, ...] = ()) -> Preview:
    """Without any server: the schema is what the revisions before `start` make."""
    environment = open_environment()
    reading = read(environment, target, start=start)
    return preview(environment, reading, schema_at(environment, start))


def test_a_plan_says_from_where_to_where_and_on_what(enter_story: EnterStory, role: Role, connect: Connect) -> None:
    app = role(asks_password=True).replace(host="127.0.0.1")
    enter_story("generic", app)
    plan = previewed(open_environment(), "7be0")[0].plan
    assert (plan.current, plan.target, plan.direction) == ((), ("7be04d19c6a3",), "upgrade")
    assert plan.database == app.label
    assert plan.server_version == connect().info.server_version // 10000
    assert plan.version_table == "public.alembic_version"
    assert [step.revision for step in plan.steps] == ["3f1c8a5d2b90", "7be04d19c6a3"]
    assert [step.down_revisions for step in plan.steps] == [(), ("3f1c8a5d2b90",)]
    assert [step.doc for step in plan.steps] == ["create customers and orders", "add orders note"]
    assert app.parameters["password"] not in repr(plan)


def test_statements_are_counted_over_the_whole_plan(enter_story: EnterStory) -> None:
    enter_story("generic")
    statements = offline().plan.statements
    assert [statement.index for statement in statements] == list(range(8))
    assert statements[5].place == "migrations/versions/a92d5e7f0c14_index_orders_by_customer.py:24"
    assert statements[5].operation == "op.create_unique_constraint"


def test_one_call_with_several_statements_is_several_statements_of_one_line(enter_story: EnterStory) -> None:
    enter_story("percent")
    (step,) = offline("626262626262", start=("616161616161",)).plan.steps
    assert [(each.line, each.effects.command) for each in step.statements] == [
        (23, "CREATE FUNCTION"),
        (23, "COMMENT"),
        (23, "UPDATE"),
    ]
    assert step.statements[2].sql == "UPDATE discounts SET label = label || '%' WHERE label LIKE '5 %'"


def test_effects_know_what_earlier_statements_made(enter_story: EnterStory) -> None:
    enter_story("generic")
    seen = offline()
    assert "public.orders" in seen.after.relations
    assert "public.orders" not in seen.before.relations
    foreign_key = next(each for each in seen.plan.statements if each.operation == "op.create_foreign_key")
    assert {lock.relation for lock in foreign_key.effects.locks} >= {"public.orders", "public.customers"}


def test_the_way_back_starts_from_what_the_plan_leaves(enter_story: EnterStory) -> None:
    enter_story("generic")
    seen = offline("7be04d19c6a3", start=("3f1c8a5d2b90",))
    assert seen.back is not None
    assert (seen.back.current, seen.back.target) == (("7be04d19c6a3",), ("3f1c8a5d2b90",))
    assert seen.back.direction == "downgrade"
    assert [each.effects.destroys[0].label for each in seen.back.statements] == [
        "public.orders.is_paid",
        "public.orders.note",
    ]
    assert seen.back.fingerprint != seen.plan.fingerprint


def test_a_downgrade_has_no_way_back(enter_story: EnterStory, run_to: RunTo) -> None:
    enter_story("generic")
    assert outcomes(run_to()) == ["done"] * 4
    seen, *_ = previewed(open_environment(), "-1", direction="downgrade")
    assert seen.back is None
    assert (seen.plan.current, seen.plan.target) == (("c05b3e86d7f1",), ("a92d5e7f0c14",))
    assert [each.operation for each in seen.plan.statements] == ["op.drop_constraint", "op.drop_constraint"]


def test_only_what_is_one_transaction_is_retryable(enter_story: EnterStory) -> None:
    enter_story("autocommit")
    assert [step.retryable for step in offline().plan.steps] == [True, False, False]


def test_the_same_plan_has_the_same_fingerprint_on_every_machine(enter_story: EnterStory, database: Database) -> None:
    folder = enter_story("generic")
    first: Plan = offline().plan
    assert offline().plan.fingerprint == first.fingerprint
    assert previewed(open_environment())[0].plan.fingerprint == first.fingerprint
    path = folder / "migrations" / "versions" / "7be04d19c6a3_add_orders_note.py"
    path.write_text(path.read_text().replace("sa.Text()", "sa.String(9)"))
    assert offline().plan.fingerprint != first.fingerprint


def test_a_text_that_is_no_sql_is_kept_and_said_to_be_unknown(enter_story: EnterStory) -> None:
    write_chain(enter_story("generic"), 'op.execute("CREATE TABEL t (id integer)")')
    (statement,) = offline().plan.statements
    assert statement.sql == "CREATE TABEL t (id integer)"
    assert statement.effects.unknown is not None


def test_after_an_unreadable_revision_the_schema_is_not_known_to_be_complete(enter_story: EnterStory) -> None:
    write_chain(
        enter_story("generic"), 'op.execute("CREATE TABLE t (id integer)")', 'raise ValueError("not in this house")'
    )
    seen = offline()
    step = seen.plan.steps[1]
    assert (step.read, step.unreadable) == ("unreadable", "line 11: ValueError: not in this house")
    assert seen.before.complete
    assert not seen.after.complete
    assert "public.t" in seen.after.relations


def test_a_replay_is_announced_because_it_takes_a_while(enter_story: EnterStory, postgres: Database) -> None:
    write_chain(enter_story("generic"), "sa.inspect(op.get_bind()).get_table_names()")
    told: list[str] = []
    seen, *_ = previewed(
        open_environment(), scratch_url=postgres.url(), on_progress=lambda text, _fraction: told.append(text)
    )
    assert told == ["replaying on a scratch server what cannot be read without one"]
    assert seen.plan.steps[0].read == "replayed"


def test_without_a_database_a_replay_starts_from_the_revisions_before(
    enter_story: EnterStory, postgres: Database
) -> None:
    folder = enter_story("generic")
    body = (
        'if sa.inspect(op.get_bind()).has_table("orders"):\n    op.execute("ALTER TABLE orders ADD COLUMN late text")'
    )
    write_revision(folder, "f0", "c05b3e86d7f1", body)
    environment = open_environment()
    reading = read(environment, "f0", start=("c05b3e86d7f1",))
    seen = preview(environment, reading, schema_at(environment, ("c05b3e86d7f1",)), scratch_url=postgres.url())
    assert [each.sql for each in seen.plan.statements] == ["ALTER TABLE orders ADD COLUMN late text"]


def test_the_schema_of_a_revision_is_what_the_revisions_up_to_it_make(enter_story: EnterStory) -> None:
    enter_story("generic")
    environment = open_environment()
    schema = schema_at(environment, ("7be04d19c6a3",))
    assert schema.complete
    assert set(schema.columns["public.orders"]) == {"id", "customer_id", "total_cents", "note", "is_paid"}
    assert schema_at(environment, ()) == Catalog(complete=True)


def test_the_schema_of_several_heads_is_that_of_all(enter_story: EnterStory) -> None:
    enter_story("branches")
    schema = schema_at(open_environment(), ("bb0000000001", "cc0000000001"))
    assert {"public.accounts", "public.charges", "public.parcels"} <= set(schema.relations)
    assert "public.reports" not in schema.relations


def test_a_schema_behind_an_unreadable_revision_is_not_complete(enter_story: EnterStory) -> None:
    enter_story("reads_rows")
    assert schema_at(open_environment(), ("202020202020",)).complete
    assert not schema_at(open_environment(), ("303030303030",)).complete
