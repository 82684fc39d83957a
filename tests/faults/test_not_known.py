"""What is no transaction and leaves nothing in the catalog is not done twice: a person looks, and tells."""

import pytest

from faults.conftest import Begin
from faults.strikes import TERMINATE
from fix_stories import write_chain

PROCEDURE = """
CREATE PROCEDURE twice() LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO orders VALUES (9001, 1, 1); COMMIT; INSERT INTO orders VALUES (9002, 1, 1);
END $$
"""
CALL = 'with op.get_context().autocommit_block():\n    op.execute("CALL twice()")'
# The record passes twice, and then each INSERT does.
IN_THE_SECOND_INSERT = 5


@pytest.mark.parametrize(("seen", "expected"), [("UPDATE", [9001]), ("DELETE", [9001, 9002])])
def test_a_procedure_that_commits(seen: str, expected: list[int], begin: Begin) -> None:
    trial = begin("transactional")
    write_chain(trial.folder, "pass", CALL)
    trial.connection.execute(PROCEDURE.encode())
    done = trial.upgrade(strikes={IN_THE_SECOND_INSERT: TERMINATE})
    assert (done.code, done.outcomes) == (4, ["unknown"]), done.ending
    assert "whether this did its work is not known" in done.out
    assert "Not known: f01" in done.out
    again = trial.upgrade()
    assert (again.code, again.outcomes) == (4, ["unknown"]), again.ending
    remedy = str(again.report["remedy"])
    (sql,) = (
        part.strip()
        for part in remedy.replace("; ", ";").split(";")
        for part in [part.rpartition(": ")[2]]
        if part.startswith(seen)
    )
    if seen == "DELETE":
        trial.connection.execute("DELETE FROM orders WHERE id = 9001")
    trial.connection.execute(sql.encode())
    assert trial.upgrade().code == 0
    rows = trial.connection.execute("SELECT id FROM orders WHERE id > 9000 ORDER BY id").fetchall()
    assert [row[0] for row in rows] == expected
