"""Operators that a revision makes and drops again."""

from migsafe.sql.operators import come_and_gone

MADE = 'CREATE OPERATOR "public".!= (leftarg = "public"."new", rightarg = public.old, procedure = "public".differs)'


def test_an_operator_that_is_dropped_again_leaves_no_trace() -> None:
    between = "ALTER TABLE t ALTER c TYPE new USING c::text::new"
    assert come_and_gone((MADE, between, "DROP OPERATOR IF EXISTS public.!= (public.new, public.old)")) == {0, 2}
    assert come_and_gone(("CREATE OPERATOR ! (rightarg = a, function = f)", "DROP OPERATOR ! (none, a)")) == {0, 1}


def test_one_that_stays_or_was_there_or_may_take_others_with_it_is_none() -> None:
    dropped = "DROP OPERATOR public.!= (public.new, public.old)"
    for statements in (
        (MADE,),
        (dropped, MADE),
        (MADE, f"{dropped} CASCADE"),
        (MADE, "DROP OPERATOR public.!= (public.old, public.new)"),
        (MADE, f"{dropped}, public.= (public.new, public.old)"),
        (MADE, "no operator at all", "SELECT 'operator'"),
    ):
        assert come_and_gone(statements) == frozenset()
