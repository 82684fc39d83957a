"""PostgreSQL's own grammar (libpg_query): one statement's text to its parse tree."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from migsafe.errors import SqlError
from migsafe.sql import libpg_query
from migsafe.sql.nodes import DecodeError, Message, pb

# libpg_query recurses for every operator of a chain until the stack overflows and ends the process (measured: reading
# 100,000 operators does, 20,000 are fine; printing 4,900 does, 2,400 are fine). Tokens without a comma or semicolon
# between them are counted before reading, levels of nesting (three an operator) before printing.
_LONGEST_CHAIN = 20_000
_SUSPICIOUS_LENGTH = 2 * _LONGEST_CHAIN
_DEEPEST_PRINTED = 3_000
_SUSPICIOUS_SIZE = 3_000


# A text is cut into its statements and then, mostly as the only one, read.
@lru_cache(maxsize=4)
def parse_all(text: str) -> pb.ParseResult:
    """The parse tree of a text of any number of statements. It is shared: never change it.

    Raises SqlError with PostgreSQL's message and the position, in characters from 0.
    """
    if "\0" in text:
        raise SqlError("a NUL character cannot stand in SQL", text.index("\0"))
    try:
        if len(text) > _SUSPICIOUS_LENGTH:
            _refuse_long_chain(text)
        return pb.ParseResult.FromString(libpg_query.parse(text))
    except libpg_query.Rejected as error:
        raise SqlError(error.message, error.position) from None
    except DecodeError:
        raise SqlError("the statement is nested too deeply to be read", None) from None
    except UnicodeEncodeError as error:
        raise SqlError("the text holds a character that is not Unicode", error.start) from None


def tokens(text: str) -> Sequence[pb.ScanToken]:
    """The tokens of a text, comments too, each with the bytes where it starts and ends.

    Raises libpg_query.Rejected for an unpaired quote, and UnicodeEncodeError for a surrogate.
    """
    found: Sequence[pb.ScanToken] = pb.ScanResult.FromString(libpg_query.scan(text)).tokens
    return found


def character(text: str, byte: int) -> int | None:
    """The position in characters of a byte offset into the UTF-8 of `text`; None for a negative one."""
    if byte < 0:
        return None
    return byte if text.isascii() else len(text.encode()[:byte].decode(errors="ignore"))


def _refuse_long_chain(text: str) -> None:
    chain = 0
    for token in tokens(text):
        chain = 0 if token.token in (pb.ASCII_44, pb.ASCII_59) else chain + 1
        if chain > _LONGEST_CHAIN:
            raise SqlError("the expression is too long to be read safely", character(text, token.start))


@lru_cache(maxsize=4096)
def parse(sql: str) -> Message:
    """The node of the one statement in `sql`, such as an AlterTableStmt. It is shared: never change it.

    Raises SqlError with PostgreSQL's message and the position in characters, and when there is not one statement.
    """
    statements = parse_all(sql).stmts
    if not statements:
        raise SqlError("there is no statement in this text", 0)
    if len(statements) > 1:
        raise SqlError("there is more than one statement in this text", statements[1].stmt_location)
    return inner(statements[0].stmt)


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> pb.Node | None:
    """The node of a scalar expression such as `pg_get_expr()` prints; None when it is none."""
    try:
        node = parse(f"SELECT {text}")
    except SqlError:
        return None
    assert isinstance(node, pb.SelectStmt)
    return node.target_list[0].res_target.val if len(node.target_list) == 1 else None


def inner(node: pb.Node) -> Message:
    """What a Node holds: the message of its only set field."""
    kind = node.WhichOneof("node")
    if kind is None:
        raise SqlError("the statement could not be read")
    message: Message = getattr(node, kind)
    return message


def kind(node: pb.Node) -> str | None:
    """The name of what a Node holds: `column_ref`, `func_call`; None for an empty one."""
    name: str | None = node.WhichOneof("node")
    return name


def strings(nodes: Iterable[pb.Node]) -> tuple[str, ...]:
    """The values of a list of String nodes."""
    return tuple(node.string.sval for node in nodes)


def walk(message: Message) -> Iterator[Message]:
    """Every message below and with `message`, parents first; Node wrappers are left out."""
    stack = [message]
    while stack:
        current = stack.pop()
        if not isinstance(current, pb.Node):
            yield current
        for field, value in reversed(current.ListFields()):
            if field.message_type is None:
                continue
            if isinstance(value, Message):
                stack.append(value)
            else:
                stack.extend(reversed(value))


def _refuse_deep_tree(node: pb.Node) -> None:
    level: list[Any] = [node]
    for _ in range(_DEEPEST_PRINTED):
        level = [child for message in level for child in _children(message)]
        if not level:
            return
    raise SqlError("an expression is nested too deeply to be printed")


def _children(message: Message) -> list[Any]:
    found: list[Any] = []
    for field, value in message.ListFields():
        if field.message_type is not None:
            found += [value] if isinstance(value, Message) else list(value)
    return found


def deparse(node: pb.Node) -> str:
    """An expression as SQL text, spelled as PostgreSQL's grammar reads it."""
    statement = pb.SelectStmt(target_list=[pb.Node(res_target=pb.ResTarget(val=node))])
    statement.limit_option = pb.LIMIT_OPTION_DEFAULT
    statement.op = pb.SETOP_NONE
    return deparse_statement(pb.Node(select_stmt=statement)).removeprefix("SELECT ")


def deparse_statement(node: pb.Node) -> str:
    """A statement as SQL text. Raises SqlError when libpg_query cannot print it."""
    if node.ByteSize() > _SUSPICIOUS_SIZE:
        _refuse_deep_tree(node)
    tree = pb.ParseResult(version=180004, stmts=[pb.RawStmt(stmt=node)])
    try:
        return libpg_query.deparse(tree.SerializeToString())
    except libpg_query.Rejected as error:
        raise SqlError(error.message) from None
