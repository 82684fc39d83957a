"""Operators, which the catalog in memory does not hold: those that a revision makes and drops again leave no trace.

alembic-postgresql-enum makes two for as long as a column changes its type, and drops them after it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from migsafe.errors import SqlError
from migsafe.sql.nodes import pb
from migsafe.sql.parse import parse, strings


def come_and_gone(statements: Iterable[str]) -> frozenset[int]:
    """The numbers of the `statements`, from 0, that make an operator which a later one drops, and of that one."""
    made: dict[str, int] = {}
    found = set[int]()
    for number, sql in enumerate(statements):
        if "operator" not in sql.lower():
            continue
        try:
            node = parse(sql)
        except SqlError:
            continue
        if (name := _made(node)) is not None:
            made[name] = number
        elif (name := _dropped(node)) is not None and name in made:
            found |= {made.pop(name), number}
    return frozenset(found)


def _made(node: Any) -> str | None:
    if not isinstance(node, pb.DefineStmt) or node.kind != pb.OBJECT_OPERATOR:
        return None
    given = {item.def_elem.defname: item.def_elem.arg.type_name for item in node.definition}
    return _spelled(node.defnames, (given.get("leftarg"), given.get("rightarg")))


def _dropped(node: Any) -> str | None:
    # CASCADE takes what hangs on it, and that may be more than the revision made.
    if not isinstance(node, pb.DropStmt) or node.remove_type != pb.OBJECT_OPERATOR or len(node.objects) != 1:
        return None
    if node.behavior == pb.DROP_CASCADE:
        return None
    thing = node.objects[0].object_with_args
    return _spelled(thing.objname, (item.type_name for item in thing.objargs))


def _spelled(name: Any, arguments: Iterable[Any]) -> str:
    """As it was written: the same operator written in another way is another one, and then nothing is derived."""
    return " ".join((".".join(strings(name)), *_types(arguments)))


def _types(arguments: Iterable[Any]) -> Iterator[str]:
    for each in arguments:
        yield ".".join(strings(each.names)) if each is not None and each.names else "none"
