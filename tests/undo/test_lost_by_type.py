"""Which values a downgrade loses when it gives a column another type: counted, value by value."""

from fix_postgres import Connect
from fix_way_back import upgrade_plan
from migsafe.losing import rows_lost
from migsafe.postgres.catalog import read

# The type of a column, its values, what is done to it, and how many of them are lost.
CHANGES = (
    ("integer", "1, 2147483647", "TYPE numeric(12,2)", 0),
    ("integer", "1, 2", "TYPE bigint", 0),
    ("numeric(12,2)", "1.10, 5", "TYPE numeric(14,4)", 0),
    ("varchar(5)", "'abc'", "TYPE text", 0),
    ("numeric(12,2)", "1.10, 5, NULL", "TYPE integer", 1),
    ("numeric(12,2)", "1, 5", "TYPE integer USING c::integer", 0),
    ("bigint", "1, 5, 3000000000", "TYPE integer", 1),
    ("double precision", "1, 1e30, 'NaN'", "TYPE numeric(5,0)", 1),
    ("text", "'abc', 'abcdef'", "TYPE varchar(3)", 1),
    ("text", "'1', '01'", "TYPE integer USING c::integer", 1),
    ("timestamp", "'2024-05-05', '2024-05-05 10:00'", "TYPE date", 1),
    ("json", """'{"a": 1}', '[1, 2]'""", "TYPE jsonb", 0),
)


def test_only_values_that_do_not_come_back_are_counted(connect: Connect) -> None:
    connection = connect()
    for number, (old, values, _, _) in enumerate(CHANGES):
        connection.execute(f"CREATE TABLE t{number} (c {old})".encode())
        connection.execute(f"INSERT INTO t{number} SELECT unnest(ARRAY[{values}]::{old}[])".encode())
    plan = upgrade_plan(connection, [f"ALTER TABLE t{n} ALTER COLUMN c {each[2]}" for n, each in enumerate(CHANGES)])
    found = rows_lost(connection, plan, read(connection), ())
    assert {each.status for each in found} == {"blocked"}
    lost = {each.subject: int(each.evidence["rows"]) for each in found}
    assert lost == {f"column:public.t{n}.c": each[3] for n, each in enumerate(CHANGES) if each[3]}


def test_a_value_for_which_there_is_no_conversion_is_not_called_kept(connect: Connect) -> None:
    connection = connect()
    connection.execute("CREATE TABLE t (c text)")
    connection.execute("INSERT INTO t VALUES ('1'), ('one')")
    plan = upgrade_plan(connection, ["ALTER TABLE t ALTER COLUMN c TYPE integer USING c::integer"])
    (found,) = rows_lost(connection, plan, read(connection), ())
    assert (found.status, found.refuses) == ("unknown", True)
    assert 'invalid input syntax for type integer: "one"' in found.message
